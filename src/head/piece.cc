#include "head/piece.h"

#include "base/check.h"

namespace thermocline {
namespace {

constexpr TimeRange kAllTime{kMinTimestampMs, kMaxTimestampMs};

// Appends those of the run's first `limit` samples whose time is in `range`.
void ReadRun(const Run& run, const Extras* extras, uint32_t limit, TimeRange range,
             SeriesBatch* out) {
  if (extras == nullptr) {
    return run.Read(limit, range, &out->timestamps_ms, &out->values);
  }
  // What else a sample has is found by its position in the run.
  const size_t base = out->timestamps_ms.size();
  run.Read(limit, kAllTime, &out->timestamps_ms, &out->values);
  std::vector<uint32_t> positions;
  for (uint32_t i = 0; i < limit; ++i) {
    const TimestampMs time_ms = out->timestamps_ms[base + i];
    if (!range.Contains(time_ms)) continue;
    out->timestamps_ms[base + positions.size()] = time_ms;
    out->values[base + positions.size()] = out->values[base + i];
    positions.push_back(i);
  }
  out->timestamps_ms.resize(base + positions.size());
  out->values.resize(base + positions.size());
  extras->Fill(positions, base, out);
}

void DropEmpty(std::unique_ptr<Extras>* extras) {
  if (*extras != nullptr && (*extras)->empty()) extras->reset();
}

void MoveTail(Extras* from, uint32_t first, std::unique_ptr<Extras>* to) {
  if (from == nullptr) return;
  *to = std::make_unique<Extras>();
  from->MoveTail(first, to->get());
  from->Freeze();
  DropEmpty(to);
}

}  // namespace

Piece::Aside& Piece::MadeAside() {
  if (!aside_) aside_ = std::make_unique<Aside>(start_ms());
  return *aside_;
}

uint64_t Piece::Aside::bytes() const {
  return sizeof(Aside) + out_of_order.heap_bytes() + (extras ? extras->heap_bytes() : 0) +
         (out_of_order_extras ? out_of_order_extras->heap_bytes() : 0);
}

void Piece::DropEmptyAside() {
  if (!aside_) return;
  DropEmpty(&aside_->extras);
  DropEmpty(&aside_->out_of_order_extras);
  if (aside_->more.empty() && aside_->out_of_order.empty() && !aside_->extras) aside_.reset();
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

int64_t Piece::AppendInOrder(Sample sample, const SampleExtra& extra, Ticket horizon,
                             uint32_t expected_more) {
  int64_t grown = 0;
  if (run_.full()) [[unlikely]]
    grown = run_.EncodeFullBlocks(SettledAt(horizon).in_order);
  ++newest_pending().in_order;
  grown += run_.Append(sample, expected_more);
  return extra.any() ? grown + AddExtra(run_.size() - 1, extra) : grown;
}

int64_t Piece::AddExtra(uint32_t position, const SampleExtra& extra) {
  int64_t grown = aside_ ? 0 : static_cast<int64_t>(sizeof(Aside));
  std::unique_ptr<Extras>& extras = MadeAside().extras;
  if (extras == nullptr) {
    extras = std::make_unique<Extras>();
  } else {
    grown -= static_cast<int64_t>(extras->heap_bytes());
  }
  extras->Add(position, extra);
  return grown + static_cast<int64_t>(extras->heap_bytes());
}

int64_t Piece::AppendOutOfOrder(Sample sample, const SampleExtra& extra, Ticket horizon) {
  const uint64_t before = memory_bytes();
  Run& out_of_order = MadeAside().out_of_order;
  if (out_of_order.full()) out_of_order.EncodeFullBlocks(SettledAt(horizon).out_of_order);
  out_of_order.Append(sample);
  if (extra.any()) {
    std::unique_ptr<Extras>& extras = aside_->out_of_order_extras;
    if (extras == nullptr) extras = std::make_unique<Extras>();
    extras->Add(out_of_order.size() - 1, extra);
  }
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
  if (found.in_order > 0) {
    run_.Erase(in_order_end - found.in_order, found.in_order);
    if (extras() != nullptr) {
      aside_->extras->Erase(in_order_end - found.in_order, found.in_order);
    }
  }
  if (found.out_of_order > 0) {
    const uint32_t first = out_of_order_end - found.out_of_order;
    aside_->out_of_order.Erase(first, found.out_of_order);
    if (aside_->out_of_order_extras) aside_->out_of_order_extras->Erase(first, found.out_of_order);
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

void Piece::Read(PieceView view, TimeRange range, SeriesBatch* out) const {
  ReadRun(run_, extras(), view.in_order, range, out);
  if (view.out_of_order > 0) {
    ReadRun(aside_->out_of_order, aside_->out_of_order_extras.get(), view.out_of_order, range, out);
  }
}

NewestSample Piece::Newest() const {
  NewestSample newest;
  if (!run_.empty()) {
    const Sample last = run_.last();
    newest = {last.timestamp_ms, last.value, SampleKind::kFloat};
    if (extras() != nullptr) newest.kind = extras()->KindAt(run_.size() - 1);
  }
  if (!has_out_of_order()) return newest;
  SeriesBatch batch;
  ReadRun(aside_->out_of_order, aside_->out_of_order_extras.get(), out_of_order_count(), kAllTime,
          &batch);
  batch.histogram_index.resize(batch.values.size(), SeriesBatch::kNoHistogram);
  for (size_t i = 0; i < batch.values.size(); ++i) {
    if (batch.timestamps_ms[i] <= newest.timestamp_ms) continue;
    const Histogram* const h = batch.histogram(i);
    newest = {batch.timestamps_ms[i], batch.values[i], h == nullptr ? SampleKind::kFloat : h->kind};
  }
  return newest;
}

std::optional<bool> Piece::IsRepetition(TimestampMs time_ms, const Histogram& h) const {
  if (!run_.empty() && run_.last().timestamp_ms == time_ms) {
    return extras() != nullptr && extras()->IsRepeatedAt(run_.size() - 1, h);
  }
  SeriesBatch batch;
  Read({run_.size(), out_of_order_count()}, {time_ms, time_ms}, &batch);
  if (batch.values.empty()) return std::nullopt;
  const Histogram* const held = batch.histogram(0);
  return held != nullptr && thermocline::IsRepetition(*held, h);
}

Piece* Piece::Freeze(Ticket epoch) {
  CHECK(!frozen);
  frozen = true;
  if (!HasPendingAfter(epoch)) {
    if (extras() != nullptr) aside_->extras->Freeze();
    return nullptr;
  }
  const PieceView settled = SettledAt(epoch);
  auto* const rest = new Piece(start_ms(), nullptr);
  run_.MoveTail(settled.in_order, &rest->run_);
  if (out_of_order_count() > settled.out_of_order) {
    aside_->out_of_order.MoveTail(settled.out_of_order, &rest->MadeAside().out_of_order);
  }
  if (extras() != nullptr) {
    MoveTail(aside_->extras.get(), settled.in_order, &rest->MadeAside().extras);
  }
  if (aside_ && aside_->out_of_order_extras) {
    MoveTail(aside_->out_of_order_extras.get(), settled.out_of_order,
             &rest->MadeAside().out_of_order_extras);
  }
  rest->DropEmptyAside();
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

bool Piece::HasSettledDuplicate(Sample sample, const Histogram* histogram, Ticket horizon) const {
  const PieceView settled = SettledAt(horizon);
  // The same sample in order, sent again.
  const uint32_t in_order = run_.FindRaw(sample.timestamp_ms);
  if (in_order < settled.in_order && SameBits(run_.raw(in_order).value, sample.value) &&
      (histogram == nullptr
           ? extras() == nullptr || extras()->KindAt(in_order) == SampleKind::kFloat
           : extras() != nullptr && extras()->IsRepeatedAt(in_order, *histogram))) {
    return true;
  }
  // Prometheus drops an out-of-order repetition whatever its value (OOOChunk.Insert).
  return aside_ && aside_->out_of_order.FindRaw(sample.timestamp_ms) < settled.out_of_order;
}

uint64_t Piece::memory_bytes() const {
  return sizeof(Piece) + run_.heap_bytes() + (aside_ ? aside_->bytes() : 0);
}

uint64_t Piece::block_count() const {
  return run_.block_count() + (aside_ ? aside_->out_of_order.block_count() : 0);
}

}  // namespace thermocline
