#include "promql/exec/range_batch.h"

#include <algorithm>
#include <utility>

#include "model/sample.h"

namespace thermocline::promql {

void RangeBatch::Clear() {
  samples_.Clear();
  histograms_.clear();
}

bool RangeBatch::has_histograms(size_t i) const {
  const auto part = histograms(i);
  return std::any_of(part.begin(), part.end(), [](const auto* one) { return one != nullptr; });
}

void RangeBatch::Take(SeriesBatch* source, bool statistics) {
  std::swap(samples_, *source);
  source->Clear();
  histograms_.clear();
  if (samples_.histogram_index.empty()) return;
  if (owned_.size() < samples_.histograms.size()) owned_.resize(samples_.histograms.size());
  for (size_t i = 0; i < samples_.histograms.size(); ++i) {
    ToFloat(samples_.histograms[i], &owned_[i]);
  }
  histograms_.reserve(samples_.values.size());
  for (const uint32_t index : samples_.histogram_index) {
    histograms_.push_back(index == SeriesBatch::kNoHistogram ? nullptr : &owned_[index]);
  }
  samples_.histogram_index.clear();
  samples_.histograms.clear();
  if (statistics) KeepStatistics();
}

// Source of the rule: Prometheus' promql/histogram_stats_iterator.go.
void RangeBatch::KeepStatistics() {
  std::vector<CounterResetHint> hints;
  hints.reserve(histograms_.size());
  for (size_t i = 0; i < series_count(); ++i) {
    const FloatHistogram* before = nullptr;
    for (const FloatHistogram* one : histograms(i)) {
      if (one == nullptr) {
        hints.push_back(CounterResetHint::kUnknown);
        continue;
      }
      CounterResetHint hint = one->reset_hint;
      if (hint == CounterResetHint::kUnknown && before != nullptr && !IsStale(one->sum)) {
        hint = DetectReset(*one, *before) ? CounterResetHint::kReset : CounterResetHint::kNotReset;
      }
      hints.push_back(hint);
      if (!IsStale(one->sum)) before = one;
    }
  }
  for (size_t sample = 0; sample < histograms_.size(); ++sample) {
    if (histograms_[sample] == nullptr) continue;
    FloatHistogram& histogram = owned_[static_cast<size_t>(histograms_[sample] - owned_.data())];
    FloatHistogram statistics;
    statistics.reset_hint = hints[sample];
    statistics.schema = histogram.schema;
    statistics.count = histogram.count;
    statistics.sum = histogram.sum;
    histogram = std::move(statistics);
  }
}

void RangeBatch::AddFloat(TimestampMs t_ms, double value) {
  samples_.timestamps_ms.push_back(t_ms);
  samples_.values.push_back(value);
  if (!histograms_.empty()) histograms_.push_back(nullptr);
}

void RangeBatch::AddHistogram(TimestampMs t_ms, const FloatHistogram* histogram) {
  if (histograms_.empty()) histograms_.resize(samples_.values.size(), nullptr);
  samples_.timestamps_ms.push_back(t_ms);
  samples_.values.push_back(0);
  histograms_.push_back(histogram);
}

}  // namespace thermocline::promql
