#include "head/piece.h"

#include "base/check.h"

namespace thermocline {

bool Piece::Begin(Ticket ticket, Ticket horizon) {
  if (newest_pending().ticket == ticket) return false;
  // Forget the requests that everyone sees as settled.
  if (more_) {
    while (pending_.ticket <= horizon && !more_->empty()) {
      pending_ = more_->front();
      more_->erase(more_->begin());
    }
    if (more_->empty()) more_.reset();
  }
  if (!more_ && pending_.ticket <= horizon) {
    pending_ = {.ticket = ticket};
    return true;
  }
  if (!more_) more_ = std::make_unique<std::vector<Pending>>();
  more_->push_back({.ticket = ticket});
  return true;
}

void Piece::AppendInOrder(Sample sample, Ticket horizon, uint32_t expected_more) {
  if (run_.full()) [[unlikely]]
    run_.EncodeFullBlocks(SettledAt(horizon).in_order);
  run_.Append(sample, expected_more);
  ++newest_pending().in_order;
}

void Piece::AppendOutOfOrder(Sample sample, Ticket horizon) {
  if (!out_of_order_) out_of_order_ = std::make_unique<Run>();
  if (out_of_order_->full()) out_of_order_->EncodeFullBlocks(SettledAt(horizon).out_of_order);
  out_of_order_->Append(sample);
  ++newest_pending().out_of_order;
}

PieceView Piece::SettledAt(Ticket epoch) const {
  PieceView view{run_.size(), out_of_order_ ? out_of_order_->size() : 0};
  auto subtract = [&](const Pending& pending) {
    if (pending.ticket <= epoch) return;
    view.in_order -= pending.in_order;
    view.out_of_order -= pending.out_of_order;
  };
  subtract(pending_);
  if (more_) {
    for (const Pending& pending : *more_) subtract(pending);
  }
  return view;
}

PieceView Piece::ViewAt(Ticket epoch) const { return SettledAt(epoch); }

bool Piece::HasPendingAfter(Ticket epoch) const {
  return pending_.ticket > epoch || (more_ && !more_->empty() && more_->back().ticket > epoch);
}

bool Piece::TakeBack(Ticket ticket, uint32_t* samples) {
  // Later requests lie behind this one's samples in both runs.
  uint32_t in_order_end = run_.size();
  uint32_t out_of_order_end = out_of_order_ ? out_of_order_->size() : 0;
  Pending found;
  size_t index = 0;  // 0: pending_, i: (*more_)[i - 1]
  const size_t count = 1 + (more_ ? more_->size() : 0);
  for (size_t i = count; i-- > 0;) {
    const Pending& pending = i == 0 ? pending_ : (*more_)[i - 1];
    if (pending.ticket == ticket) {
      found = pending;
      index = i;
      break;
    }
    if (pending.ticket < ticket) return false;
    in_order_end -= pending.in_order;
    out_of_order_end -= pending.out_of_order;
  }
  if (found.ticket == 0) return false;
  if (found.in_order > 0) run_.Erase(in_order_end - found.in_order, found.in_order);
  if (found.out_of_order > 0) {
    out_of_order_->Erase(out_of_order_end - found.out_of_order, found.out_of_order);
  }
  if (index > 0) {
    more_->erase(more_->begin() + static_cast<ptrdiff_t>(index - 1));
  } else {
    pending_ = {};
    if (more_) {
      pending_ = more_->front();
      more_->erase(more_->begin());
    }
  }
  if (more_ && more_->empty()) more_.reset();
  *samples = found.in_order + found.out_of_order;
  return true;
}

void Piece::Read(PieceView view, TimeRange range, std::vector<TimestampMs>* times_ms,
                 std::vector<double>* values) const {
  run_.Read(view.in_order, range, times_ms, values);
  if (view.out_of_order > 0) out_of_order_->Read(view.out_of_order, range, times_ms, values);
}

Sample Piece::Newest() const {
  Sample newest{kMinTimestampMs, 0};
  if (!run_.empty()) newest = run_.last();
  if (!has_out_of_order()) return newest;
  std::vector<TimestampMs> times_ms;
  std::vector<double> values;
  out_of_order_->Read(out_of_order_->size(), {kMinTimestampMs, kMaxTimestampMs}, &times_ms,
                      &values);
  for (size_t i = 0; i < values.size(); ++i) {
    if (times_ms[i] > newest.timestamp_ms) newest = {times_ms[i], values[i]};
  }
  return newest;
}

Piece* Piece::Freeze(Ticket epoch) {
  CHECK(!frozen);
  frozen = true;
  if (!HasPendingAfter(epoch)) return nullptr;
  const PieceView settled = SettledAt(epoch);
  auto* const rest = new Piece(start_ms, nullptr);
  run_.MoveTail(settled.in_order, &rest->run_);
  if (out_of_order_ && out_of_order_->size() > settled.out_of_order) {
    rest->out_of_order_ = std::make_unique<Run>();
    out_of_order_->MoveTail(settled.out_of_order, rest->out_of_order_.get());
  }
  auto keep = [&](const Pending& pending) {
    if (pending.ticket <= epoch) return;
    if (rest->pending_.ticket == 0) {
      rest->pending_ = pending;
      return;
    }
    if (!rest->more_) rest->more_ = std::make_unique<std::vector<Pending>>();
    rest->more_->push_back(pending);
  };
  keep(pending_);
  if (more_) {
    for (const Pending& pending : *more_) keep(pending);
  }
  pending_ = {};
  more_.reset();
  return rest;
}

bool Piece::HasSettledDuplicate(Sample sample, Ticket horizon) const {
  const PieceView settled = SettledAt(horizon);
  // The same sample in order, sent again.
  const uint32_t in_order = run_.FindRaw(sample.timestamp_ms);
  if (in_order < settled.in_order && SameBits(run_.raw(in_order).value, sample.value)) return true;
  // Prometheus drops an out-of-order repetition whatever its value (OOOChunk.Insert).
  return out_of_order_ && out_of_order_->FindRaw(sample.timestamp_ms) < settled.out_of_order;
}

uint64_t Piece::memory_bytes() const {
  return sizeof(Piece) + run_.heap_bytes() +
         (out_of_order_ ? sizeof(Run) + out_of_order_->heap_bytes() : 0);
}

uint64_t Piece::block_count() const {
  return run_.block_count() + (out_of_order_ ? out_of_order_->block_count() : 0);
}

}  // namespace thermocline
