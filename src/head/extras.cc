#include "head/extras.h"

#include <algorithm>

#include "base/check.h"
#include "codec/histogram_append.h"
#include "head/histogram_value.h"

namespace thermocline {
namespace {

// Each block begins with a histogram in full; who reads a later one decodes those before it.
constexpr uint32_t kBlockHistograms = 64;

bool NoneFell(const std::vector<int64_t>& before, const std::vector<int64_t>& now) {
  return std::equal(before.begin(), before.end(), now.begin(), now.end(),
                    [](int64_t a, int64_t b) { return !(a > b); });
}
bool NoneFell(const std::vector<double>& before, const std::vector<double>& now) {
  return std::equal(before.begin(), before.end(), now.begin(), now.end(),
                    [](double a, double b) { return !(a > b); });
}

bool SameLayout(const Histogram& a, const Histogram& b) {
  return a.schema == b.schema && a.zero_threshold == b.zero_threshold &&
         a.positive_spans == b.positive_spans && a.negative_spans == b.negative_spans &&
         a.custom_bounds == b.custom_bounds;
}

// Whether Prometheus' appender takes `h` into the chunk whose newest sample is `before`.
bool Follows(const Histogram& before, const Histogram& h) {
  if (!SameLayout(before, h)) return HistogramChunkState(before).Append(h);
  return !(h.count < before.count) && !(h.zero_count < before.zero_count) &&
         !(h.float_count < before.float_count) && !(h.float_zero_count < before.float_zero_count) &&
         NoneFell(before.positive_counts, h.positive_counts) &&
         NoneFell(before.negative_counts, h.negative_counts) &&
         NoneFell(before.positive_floats, h.positive_floats) &&
         NoneFell(before.negative_floats, h.negative_floats);
}

CounterResetHint HintBehind(const Histogram* before, const Histogram& h) {
  if (h.reset_hint == CounterResetHint::kGauge) return CounterResetHint::kGauge;
  const bool comparable = before != nullptr && !IsStale(before->sum) && !IsStale(h.sum) &&
                          before->reset_hint != CounterResetHint::kGauge &&
                          h.reset_hint != CounterResetHint::kReset;
  return comparable && Follows(*before, h) ? CounterResetHint::kNotReset
                                           : CounterResetHint::kUnknown;
}

// The sample before it in the run is another one now.
void ForgetReset(Histogram* h) {
  if (h->reset_hint != CounterResetHint::kGauge) h->reset_hint = CounterResetHint::kUnknown;
}

uint64_t BytesOf(const Histogram& h) {
  return sizeof(Histogram) +
         (h.positive_spans.capacity() + h.negative_spans.capacity()) * sizeof(HistogramSpan) +
         8 * (h.positive_counts.capacity() + h.negative_counts.capacity() +
              h.positive_floats.capacity() + h.negative_floats.capacity() +
              h.custom_bounds.capacity());
}

// Calls visit(i, histogram, offset behind it) for each of `count` histograms until it says false.
template <typename Visit>
void Walk(SampleKind kind, uint32_t count, std::string_view bytes, const Visit& visit) {
  HistogramSequence sequence(kind);
  ByteReader reader(bytes);
  for (uint32_t i = 0; i < count; ++i) {
    Histogram* const h = sequence.Next(reader);
    CHECK(h != nullptr);  // our own bytes, never out of memory
    if (!visit(i, *h, reader.offset())) return;
  }
}

}  // namespace

void Extras::Add(uint32_t position, const SampleExtra& extra) {
  if (extra.start_ms != 0) AddStart(position, extra.start_ms);
  if (extra.histogram == nullptr) return;
  Histogram h = *extra.histogram;
  const bool adjacent =
      !blocks_.empty() && blocks_.back().end() == position && blocks_.back().kind == h.kind;
  h.reset_hint = HintBehind(adjacent ? Last() : nullptr, h);
  AddHistogram(position, std::move(h));
}

void Extras::AddStart(uint32_t position, TimestampMs start_ms) {
  if (!starts_.empty()) {
    Start& last = starts_.back();
    if (last.start_ms == start_ms && last.first + last.count == position) {
      ++last.count;
      return;
    }
  }
  starts_.push_back({position, 1, start_ms});
}

void Extras::AddHistogram(uint32_t position, Histogram h) {
  const bool joins = !blocks_.empty() && blocks_.back().end() == position &&
                     blocks_.back().kind == h.kind && blocks_.back().count < kBlockHistograms;
  if (!joins) {
    if (!blocks_.empty()) blocks_.back().bytes.shrink_to_fit();
    blocks_.push_back({position, 0, h.kind, {}});
  }
  Block& block = blocks_.back();
  const size_t before = block.bytes.size();
  PutHistogram(h, joins ? Last() : nullptr, &block.bytes);
  ++block.count;
  block_bytes_ += block.bytes.size() - before;
  if (last_ == nullptr) last_ = std::make_unique<Histogram>();
  *last_ = std::move(h);
}

const Histogram* Extras::Last() {
  if (last_ == nullptr && !blocks_.empty()) {
    const Block& block = blocks_.back();
    Walk(block.kind, block.count, block.bytes, [&](uint32_t i, const Histogram& h, size_t) {
      if (i + 1 == block.count) last_ = std::make_unique<Histogram>(h);
      return true;
    });
  }
  return last_.get();
}

std::vector<Extras::Held> Extras::TakeHistograms(uint32_t first) {
  std::vector<Held> taken;
  const auto begin = std::find_if(blocks_.begin(), blocks_.end(),
                                  [first](const Block& b) { return b.end() > first; });
  if (begin == blocks_.end()) return taken;
  for (auto block = begin; block != blocks_.end(); ++block) {
    uint32_t kept = 0;
    size_t kept_bytes = 0;
    Walk(block->kind, block->count, block->bytes, [&](uint32_t i, const Histogram& h, size_t end) {
      if (block->first + i < first) {
        ++kept;
        kept_bytes = end;
      } else {
        taken.push_back({block->first + i, h});
      }
      return true;
    });
    block_bytes_ -= block->bytes.size() - kept_bytes;
    block->bytes.resize(kept_bytes);
    block->count = kept;
  }
  blocks_.erase(begin->count == 0 ? begin : begin + 1, blocks_.end());
  last_.reset();
  return taken;
}

std::vector<Extras::Start> Extras::TakeStarts(uint32_t first) {
  std::vector<Start> taken;
  while (!starts_.empty() && starts_.back().first + starts_.back().count > first) {
    Start& last = starts_.back();
    const uint32_t from = std::max(last.first, first);
    taken.push_back({from, last.first + last.count - from, last.start_ms});
    last.count = from - last.first;
    if (last.count == 0) starts_.pop_back();
  }
  std::reverse(taken.begin(), taken.end());
  return taken;
}

void Extras::Erase(uint32_t first, uint32_t count) {
  bool behind_gap = true;
  for (Held& held : TakeHistograms(first)) {
    if (held.position - first < count) continue;
    if (behind_gap) ForgetReset(&held.histogram);
    behind_gap = false;
    AddHistogram(held.position - count, std::move(held.histogram));
  }
  for (const Start& start : TakeStarts(first)) {
    for (uint32_t i = 0; i < start.count; ++i) {
      if (start.first + i - first >= count) AddStart(start.first + i - count, start.start_ms);
    }
  }
}

void Extras::MoveTail(uint32_t first, Extras* to) {
  CHECK(to->empty());
  for (Held& held : TakeHistograms(first)) {
    if (to->blocks_.empty()) ForgetReset(&held.histogram);
    to->AddHistogram(held.position - first, std::move(held.histogram));
  }
  for (const Start& start : TakeStarts(first)) {
    to->starts_.push_back({start.first - first, start.count, start.start_ms});
  }
}

const Extras::Block* Extras::BlockAt(uint32_t position) const {
  const auto behind =
      std::upper_bound(blocks_.begin(), blocks_.end(), position,
                       [](uint32_t p, const Block& block) { return p < block.first; });
  if (behind == blocks_.begin() || (behind - 1)->end() <= position) return nullptr;
  return &*(behind - 1);
}

SampleKind Extras::KindAt(uint32_t position) const {
  const Block* const block = BlockAt(position);
  return block == nullptr ? SampleKind::kFloat : block->kind;
}

bool Extras::IsRepeatedAt(uint32_t position, const Histogram& h) const {
  const Block* const block = BlockAt(position);
  if (block == nullptr || block->kind != h.kind) return false;
  if (IsStale(h.sum)) return true;  // the sums agree: nothing else is kept of a stale one
  bool repeated = false;
  const auto compare = [&](const Histogram& held) {
    Histogram other = held;
    other.sum = h.sum;
    repeated = IsRepetition(other, h);
  };
  if (last_ != nullptr && position + 1 == blocks_.back().end()) {
    compare(*last_);
    return repeated;
  }
  Walk(block->kind, block->count, block->bytes, [&](uint32_t i, const Histogram& held, size_t) {
    if (block->first + i < position) return true;
    compare(held);
    return false;
  });
  return repeated;
}

void Extras::Fill(std::span<const uint32_t> positions, size_t base, SeriesBatch* out) const {
  size_t next = 0;
  for (const Block& block : blocks_) {
    while (next < positions.size() && positions[next] < block.first) ++next;
    if (next == positions.size()) break;
    if (positions[next] >= block.end()) continue;
    Walk(block.kind, block.count, block.bytes, [&](uint32_t i, const Histogram& h, size_t) {
      if (block.first + i != positions[next]) return true;
      out->histogram_index.resize(base + next, SeriesBatch::kNoHistogram);
      out->histogram_index.push_back(static_cast<uint32_t>(out->histograms.size()));
      out->histograms.push_back(h);
      out->histograms.back().sum = out->values[base + next];
      return ++next < positions.size();
    });
  }
  next = 0;
  for (const Start& start : starts_) {
    while (next < positions.size() && positions[next] < start.first) ++next;
    for (; next < positions.size() && positions[next] < start.first + start.count; ++next) {
      out->start_timestamps_ms.resize(base + next);
      out->start_timestamps_ms.push_back(start.start_ms);
    }
  }
}

uint64_t Extras::heap_bytes() const {
  return sizeof(Extras) + blocks_.capacity() * sizeof(Block) + block_bytes_ +
         starts_.capacity() * sizeof(Start) + (last_ == nullptr ? 0 : BytesOf(*last_));
}

}  // namespace thermocline
