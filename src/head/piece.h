// A piece: what one series holds of one head range, and which of it is settled.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/time.h"
#include "head/extras.h"
#include "head/run.h"

namespace thermocline {

// The order of admissions: each write request gets the next number. 0 is settled from the start.
using Ticket = uint64_t;

// How much of a piece a reader may see.
struct PieceView {
  uint32_t in_order = 0;
  uint32_t out_of_order = 0;
  bool empty() const { return in_order + out_of_order == 0; }
};

// The newest sample of a series.
struct NewestSample {
  TimestampMs timestamp_ms = kMinTimestampMs;
  double value = 0;  // of a histogram its sum
  SampleKind kind = SampleKind::kFloat;
};

// Reference counted, so that readers keep what they listed when the head drops it. Threads: the
// series' stripe lock, but for the count and for a frozen piece, which no longer changes.
class Piece {
 public:
  Piece(TimestampMs start_ms, Piece* behind) : next(behind), run_(start_ms) {}

  void Ref() { references_.fetch_add(1, std::memory_order_relaxed); }
  void Unref() {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  // Staging: Begin once per request, then Append. `horizon`: requests up to this ticket are settled
  // and no reader lists at an earlier one. Begin is false when the request has begun already.
  bool Begin(Ticket ticket, Ticket horizon);
  // Both return by how much memory_bytes grew.
  int64_t AppendInOrder(Sample sample, const SampleExtra& extra, Ticket horizon,
                        uint32_t expected_more);
  int64_t AppendOutOfOrder(Sample sample, const SampleExtra& extra, Ticket horizon);
  // Takes back what the request staged; false when it staged nothing here.
  bool TakeBack(Ticket ticket, uint32_t* samples);

  // What is settled at the ticket `epoch`.
  PieceView ViewAt(Ticket epoch) const;
  bool HasPendingAfter(Ticket epoch) const;
  // Appends the viewed samples in `range`: in-order ones first, then the others as they came.
  // Optional columns of `out` end with the last sample that has something in them.
  void Read(PieceView view, TimeRange range, SeriesBatch* out) const;

  // Ends the staging into this piece. What is not settled at `epoch` moves to the returned piece,
  // which has no place in a list yet; null when all is settled.
  Piece* Freeze(Ticket epoch);

  // An out-of-order sample with the timestamp that is settled at `horizon` and still raw, or the
  // same sample in order.
  bool HasSettledDuplicate(Sample sample, const Histogram* histogram, Ticket horizon) const;

  // The sample with the highest timestamp, in order or not; the piece is not empty.
  NewestSample Newest() const;
  // Whether `h` is what the piece has at `time_ms` once more, its sum known to agree; nullopt when
  // it has nothing there.
  std::optional<bool> IsRepetition(TimestampMs time_ms, const Histogram& h) const;

  TimestampMs start_ms() const { return run_.base_ms(); }
  bool empty() const { return run_.empty() && !has_out_of_order(); }
  uint32_t sample_count() const { return run_.size() + out_of_order_count(); }
  const Run& run() const { return run_; }
  bool has_out_of_order() const { return out_of_order_count() > 0; }
  bool has_raw() const { return run_.has_raw() || (aside_ && aside_->out_of_order.has_raw()); }
  uint64_t memory_bytes() const;
  uint64_t block_count() const;

  Piece* next;         // the series' list: the newest first
  uint64_t token = 0;  // the Seal that handed it out; 0 = none
  bool frozen = false;
  // A settled record of this piece defines the series: later ones need not. So definitions live as
  // long in the log as the samples that need them.
  bool defined = false;

 private:
  ~Piece() = default;

  // What a request that may not be settled yet staged here; ascending by ticket.
  struct Pending {
    Ticket ticket = 0;
    uint32_t in_order = 0;
    uint32_t out_of_order = 0;
  };
  // What few pieces have.
  struct Aside {
    explicit Aside(TimestampMs start_ms) : out_of_order(start_ms) {}
    Run out_of_order;
    std::vector<Pending> more;       // behind pending_, while several requests are under way
    std::unique_ptr<Extras> extras;  // of run_; null when there is none
    std::unique_ptr<Extras> out_of_order_extras;

    uint64_t bytes() const;
  };
  bool has_more() const { return aside_ && !aside_->more.empty(); }
  uint32_t out_of_order_count() const { return aside_ ? aside_->out_of_order.size() : 0; }
  Pending& newest_pending() { return has_more() ? aside_->more.back() : pending_; }
  PieceView SettledAt(Ticket epoch) const;
  Aside& MadeAside();
  const Extras* extras() const { return aside_ ? aside_->extras.get() : nullptr; }
  int64_t AddExtra(uint32_t position, const SampleExtra& extra);
  void AddPending(Pending pending);
  void DropOldestPending();
  void DropEmptyAside();

  std::atomic<uint32_t> references_{1};
  Run run_;
  Pending pending_;  // the oldest; ticket 0 = none
  std::unique_ptr<Aside> aside_;
};
// There is one for each series and range: 80 bytes are a size class of the allocator.
static_assert(sizeof(Piece) <= 80);

}  // namespace thermocline
