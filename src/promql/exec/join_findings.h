// What a join met: errors and annotations, of which Prometheus reports one per query and per step.
#pragma once

#include <array>
#include <optional>
#include <tuple>
#include <vector>

#include "base/status.h"
#include "promql/functions/sample_binary.h"

namespace thermocline::promql {

// Errors are Prometheus' when the one of the earliest step is reported, and within a step first
// duplicates of the "one" side, then what the "many" side meets, each in operand order.
class FirstError {
 public:
  template <typename MakeStatus>
  void Offer(size_t step, int phase, size_t order, MakeStatus make) {
    const auto place = std::make_tuple(step, phase, order);
    if (place_ && *place_ <= place) return;
    place_ = place;
    status_ = make();
  }
  // Takes over what another one has met.
  void Offer(const FirstError& other) {
    if (!other.place_ || (place_ && *place_ <= *other.place_)) return;
    place_ = other.place_;
    status_ = other.status_;
  }
  const Status& status() const { return status_; }
  // The step it belongs to, or `none`.
  size_t step_or(size_t none) const { return place_ ? std::get<0>(*place_) : none; }

 private:
  std::optional<std::tuple<size_t, int, size_t>> place_;
  Status status_;
};

// Of what the pairs of a step are to be annotated with only the last counts, in operand order.
class StepNotes {
 public:
  void Offer(size_t step, size_t steps, size_t order, BinaryNote note) {
    if (held_.empty()) held_.resize(steps);
    Held& held = held_[step];
    if (held.note == BinaryNote::kNone || held.order <= order) held = {order, note};
  }
  // Takes over what another one has met.
  void Offer(const StepNotes& other) {
    for (size_t step = 0; step < other.held_.size(); ++step) {
      const Held& held = other.held_[step];
      if (held.note != BinaryNote::kNone) Offer(step, other.held_.size(), held.order, held.note);
    }
  }
  // Which notes some step ends with.
  std::array<bool, kBinaryNotes> All() const {
    std::array<bool, kBinaryNotes> all{};
    for (const Held& held : held_) {
      if (held.note != BinaryNote::kNone) all[static_cast<size_t>(held.note)] = true;
    }
    return all;
  }

 private:
  struct Held {
    size_t order = 0;
    BinaryNote note = BinaryNote::kNone;
  };
  std::vector<Held> held_;  // by step; empty: nothing
};

struct JoinFindings {
  FirstError error;
  StepNotes notes;

  void Offer(const JoinFindings& other) {
    error.Offer(other.error);
    notes.Offer(other.notes);
  }
};

}  // namespace thermocline::promql
