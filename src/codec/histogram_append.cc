#include "codec/histogram_append.h"

#include <algorithm>

namespace thermocline {
namespace {

constexpr int64_t kFarIndex = int64_t{1} << 30;

const std::vector<HistogramSpan>& SpansOn(size_t side, const Histogram& h) {
  return side == 0 ? h.positive_spans : h.negative_spans;
}
const std::vector<int64_t>& CountsOn(size_t side, const Histogram& h) {
  return side == 0 ? h.positive_counts : h.negative_counts;
}
const std::vector<double>& FloatsOn(size_t side, const Histogram& h) {
  return side == 0 ? h.positive_floats : h.negative_floats;
}

template <typename Count>
bool AnyFell(const std::vector<Count>& before, const std::vector<Count>& now) {
  for (size_t i = 0; i < before.size(); ++i) {
    if (before[i] > now[i]) return true;
  }
  return false;
}

// Merges two ascending lists of bucket indexes. False when a filled bucket of a counter vanished
// or fell.
template <typename Count>
bool MergeIndexes(bool gauge, const std::vector<int64_t>& chunk, const std::vector<Count>& before,
                  const std::vector<int64_t>& sample, const std::vector<Count>& now, bool* forward,
                  bool* backward, std::vector<int64_t>* merged) {
  size_t i = 0;
  size_t j = 0;
  while (i < chunk.size() || j < sample.size()) {
    if (j == sample.size() || (i < chunk.size() && chunk[i] < sample[j])) {
      if (!gauge && !(before[i] == Count{})) return false;
      *backward = true;
      merged->push_back(chunk[i++]);
    } else if (i == chunk.size() || sample[j] < chunk[i]) {
      *forward = true;
      merged->push_back(sample[j++]);
    } else {
      if (!gauge && before[i] > now[j]) return false;
      merged->push_back(sample[j++]);
      ++i;
    }
  }
  return true;
}

// As Go's == on floats: NaN differs from itself.
bool SameBounds(const std::vector<double>& a, const std::vector<double>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

}  // namespace

bool WellFormed(const Histogram& h) {
  if (IsStale(h.sum)) return true;
  for (size_t side = 0; side < 2; ++side) {
    const size_t counts = h.is_float() ? FloatsOn(side, h).size() : CountsOn(side, h).size();
    if (BucketCount(SpansOn(side, h)) != counts) return false;
  }
  return true;
}

HistogramChunkState::HistogramChunkState(const Histogram& h)
    : is_float_(h.is_float()), gauge_(h.reset_hint == CounterResetHint::kGauge) {
  stale_ = IsStale(h.sum);
  if (stale_) return;  // an empty layout: only stale samples can follow
  layout_.zero_threshold = h.zero_threshold;
  layout_.schema = h.schema;
  layout_.spans = {h.positive_spans, h.negative_spans};
  if (h.schema == kCustomBoundsSchema) layout_.custom_bounds = h.custom_bounds;
  Remember(h);
}

bool HistogramChunkState::Append(const Histogram& h) {
  const bool gauge = h.reset_hint == CounterResetHint::kGauge;
  if (gauge != gauge_)
    return Refuse(gauge       ? CounterResetHint::kGauge
                  : is_float_ ? CounterResetHint::kUnknown
                              : CounterResetHint::kNotReset);
  const CounterResetHint other = gauge ? CounterResetHint::kGauge : CounterResetHint::kUnknown;
  const CounterResetHint reset = gauge ? CounterResetHint::kGauge : CounterResetHint::kReset;
  if (h.reset_hint == CounterResetHint::kReset) return Refuse(CounterResetHint::kReset);
  if (IsStale(h.sum)) {
    stale_ = true;
    return true;
  }
  if (stale_) return Refuse(other);
  if (!gauge && CountFell(h)) return Refuse(reset);
  if (h.schema != layout_.schema || h.zero_threshold != layout_.zero_threshold) {
    return Refuse(other);
  }
  if (h.schema == kCustomBoundsSchema && !SameBounds(h.custom_bounds, layout_.custom_bounds)) {
    return Refuse(reset);
  }
  if (!gauge && ZeroCountFell(h)) return Refuse(reset);
  Fit fits[2];
  for (size_t side = 0; side < 2; ++side) {
    if (!FitSide(side, h, &fits[side])) return Refuse(reset);
  }
  if (fits[0].forward || fits[1].forward) {
    // The chunk takes the sample's spans as they are unless buckets had to be added to them.
    const bool any_backward = fits[0].backward || fits[1].backward;
    for (size_t side = 0; side < 2; ++side) {
      const bool widened = gauge ? any_backward : fits[side].backward;
      const bool merged = !fits[side].merged.empty() || !SpansOn(side, h).empty();
      if (widened && merged) {
        const auto& spans = SpansOn(side, h);
        if (fits[side].merged.empty()) fits[side].merged = BucketIndexes(spans);
        layout_.spans[side] = SpansOf(fits[side].merged);
      } else {
        layout_.spans[side] = SpansOn(side, h);
      }
    }
  }
  Remember(h);
  return true;
}

bool HistogramChunkState::CountFell(const Histogram& h) const {
  return is_float_ ? h.float_count < float_count_ : h.count < count_;
}

bool HistogramChunkState::ZeroCountFell(const Histogram& h) const {
  return is_float_ ? h.float_zero_count < float_zero_count_ : h.zero_count < zero_count_;
}

bool HistogramChunkState::FitSide(size_t side, const Histogram& h, Fit* fit) const {
  const auto& spans = SpansOn(side, h);
  if (spans == layout_.spans[side]) {
    if (gauge_) return true;
    return is_float_ ? !AnyFell(floats_[side], FloatsOn(side, h))
                     : !AnyFell(counts_[side], CountsOn(side, h));
  }
  if (!SpansAscend(spans) || !SpansAscend(layout_.spans[side])) return false;
  const std::vector<int64_t> chunk = BucketIndexes(layout_.spans[side]);
  const std::vector<int64_t> sample = BucketIndexes(spans);
  // A gap between two buckets must fit a span's offset.
  for (const auto* indexes : {&chunk, &sample}) {
    if (!indexes->empty() && (indexes->front() < -kFarIndex || indexes->back() > kFarIndex)) {
      return false;
    }
  }
  return is_float_ ? MergeIndexes(gauge_, chunk, floats_[side], sample, FloatsOn(side, h),
                                  &fit->forward, &fit->backward, &fit->merged)
                   : MergeIndexes(gauge_, chunk, counts_[side], sample, CountsOn(side, h),
                                  &fit->forward, &fit->backward, &fit->merged);
}

void HistogramChunkState::Remember(const Histogram& h) {
  count_ = h.count;
  zero_count_ = h.zero_count;
  float_count_ = h.float_count;
  float_zero_count_ = h.float_zero_count;
  for (size_t side = 0; side < 2; ++side) {
    const auto& spans = SpansOn(side, h);
    if (is_float_) {
      Respread(spans, FloatsOn(side, h), layout_.spans[side], &floats_[side]);
    } else {
      Respread(spans, CountsOn(side, h), layout_.spans[side], &counts_[side]);
    }
  }
}

}  // namespace thermocline
