#include "head/piece.h"

#include "base/check.h"

namespace thermocline {

Piece::Aside& Piece::MadeAside() {
  if (!aside_) aside_ = std::make_unique<Aside>(start_ms());
  return *aside_;
}

void Piece::DropEmptyAside() {
  if (aside_ && aside_->more.empty() && aside_->out_of_order.empty()) aside_.reset();
}

void Piece::AddPending(Pending pending) {
  if (pending_.ticket == 0) {
    pending_ = pending;
  } else {
    MadeAside().more.push_back(pending);
  }
}

void Piece::DropOldestPending() {
  pending_ = {};
  if (!has_more()) return;
  pending_ = aside_->more.front();
  aside_->more.erase(aside_->more.begin());
}

bool Piece::Begin(Ticket ticket, Ticket horizon) {
  if (newest_pending().ticket == ticket) return false;
  // Forget the requests that everyone sees as settled.
  while (pending_.ticket != 0 && pending_.ticket <= horizon) DropOldestPending();
  DropEmptyAside();
  AddPending({.ticket = ticket});
  return true;
}

int64_t Piece::AppendInOrder(Sample sample, Ticket horizon, uint32_t expected_more) {
  int64_t grown = 0;
  if (run_.full()) [[unlikely]]
    grown = run_.EncodeFullBlocks(SettledAt(horizon).in_order);
  ++newest_pending().in_order;
  return grown + run_.Append(sample, expected_more);
}

int64_t Piece::AppendOutOfOrder(Sample sample, Ticket horizon) {
  const uint64_t before = memory_bytes();
  Run& out_of_order = MadeAside().out_of_order;
  if (out_of_order.full()) out_of_order.EncodeFullBlocks(SettledAt(horizon).out_of_order);
  out_of_order.Append(sample);
  ++newest_pending().out_of_order;
  return static_cast<int64_t>(memory_bytes()) - static_cast<int64_t>(before);
}

PieceView Piece::SettledAt(Ticket epoch) const {
  PieceView view{run_.size(), out_of_order_count()};
  auto subtract = [&](const Pending& pending) {
    if (pending.ticket <= epoch) return;
    view.in_order -= pending.in_order;
    view.out_of_order -= pending.out_of_order;
  };
  subtract(pending_);
  if (aside_) {
    for (const Pending& pending : aside_->more) subtract(pending);
  }
  return view;
}

PieceView Piece::ViewAt(Ticket epoch) const { return SettledAt(epoch); }

bool Piece::HasPendingAfter(Ticket epoch) const {
  return pending_.ticket > epoch || (has_more() && aside_->more.back().ticket > epoch);
}

bool Piece::TakeBack(Ticket ticket, uint32_t* samples) {
  // Later requests lie behind this one's samples in both runs.
  uint32_t in_order_end = run_.size();
  uint32_t out_of_order_end = out_of_order_count();
  Pending found;
  size_t index = 0;  // 0: pending_, i: more[i - 1]
  const size_t count = 1 + (aside_ ? aside_->more.size() : 0);
  for (size_t i = count; i-- > 0;) {
    const Pending& pending = i == 0 ? pending_ : aside_->more[i - 1];
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
    aside_->out_of_order.Erase(out_of_order_end - found.out_of_order, found.out_of_order);
  }
  if (index > 0) {
    aside_->more.erase(aside_->more.begin() + static_cast<ptrdiff_t>(index - 1));
  } else {
    DropOldestPending();
  }
  DropEmptyAside();
  *samples = found.in_order + found.out_of_order;
  return true;
}

void Piece::Read(PieceView view, TimeRange range, std::vector<TimestampMs>* times_ms,
                 std::vector<double>* values) const {
  run_.Read(view.in_order, range, times_ms, values);
  if (view.out_of_order > 0) {
    aside_->out_of_order.Read(view.out_of_order, range, times_ms, values);
  }
}

Sample Piece::Newest() const {
  Sample newest{kMinTimestampMs, 0};
  if (!run_.empty()) newest = run_.last();
  if (!has_out_of_order()) return newest;
  std::vector<TimestampMs> times_ms;
  std::vector<double> values;
  aside_->out_of_order.Read(out_of_order_count(), {kMinTimestampMs, kMaxTimestampMs}, &times_ms,
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
  auto* const rest = new Piece(start_ms(), nullptr);
  run_.MoveTail(settled.in_order, &rest->run_);
  if (out_of_order_count() > settled.out_of_order) {
    aside_->out_of_order.MoveTail(settled.out_of_order, &rest->MadeAside().out_of_order);
  }
  auto keep = [&](const Pending& pending) {
    if (pending.ticket > epoch) rest->AddPending(pending);
  };
  keep(pending_);
  if (aside_) {
    for (const Pending& pending : aside_->more) keep(pending);
    aside_->more.clear();
  }
  pending_ = {};
  DropEmptyAside();
  return rest;
}

bool Piece::HasSettledDuplicate(Sample sample, Ticket horizon) const {
  const PieceView settled = SettledAt(horizon);
  // The same sample in order, sent again.
  const uint32_t in_order = run_.FindRaw(sample.timestamp_ms);
  if (in_order < settled.in_order && SameBits(run_.raw(in_order).value, sample.value)) return true;
  // Prometheus drops an out-of-order repetition whatever its value (OOOChunk.Insert).
  return aside_ && aside_->out_of_order.FindRaw(sample.timestamp_ms) < settled.out_of_order;
}

uint64_t Piece::memory_bytes() const {
  return sizeof(Piece) + run_.heap_bytes() +
         (aside_ ? sizeof(Aside) + aside_->out_of_order.heap_bytes() : 0);
}

uint64_t Piece::block_count() const {
  return run_.block_count() + (aside_ ? aside_->out_of_order.block_count() : 0);
}

}  // namespace thermocline
