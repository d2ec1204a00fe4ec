// The currency of the operators: per series one optional value at every step.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/time.h"
#include "model/float_histogram.h"

namespace thermocline::promql {

// A histogram in an answer: immutable, shared by all the cells that show it.
using HistogramPtr = std::shared_ptr<const FloatHistogram>;

// The steps an operator answers for: start_ms, start_ms + step_ms, ... (`count` of them, >= 1).
struct StepGrid {
  TimestampMs start_ms = 0;
  int64_t step_ms = 1;
  size_t count = 1;
  // Start and end are the same, as of an instant query: a single step with nothing after it. Some
  // rules look at that, not at the number of steps.
  bool alone = false;

  TimestampMs At(size_t step) const { return start_ms + static_cast<int64_t>(step) * step_ms; }
  TimestampMs last_ms() const { return At(count - 1); }
};

// What a series has at a step.
enum class StepKind : uint8_t { kAbsent = 0, kFloat = 1, kHistogram = 2 };

// StepVectors of neighbouring series, row by row: `steps` values and kinds each. Histograms stand
// in a column of their own, which only blocks that hold one have.
class StepBlock {
 public:
  static constexpr size_t kBytesPerStep = sizeof(double) + sizeof(StepKind);

  // Makes `series` rows of `steps` absent values.
  void Reset(size_t series, size_t steps) {
    series_ = series;
    steps_ = steps;
    values_.resize(series * steps);
    kinds_.assign(series * steps, StepKind::kAbsent);
    histograms_.clear();
  }
  size_t series() const { return series_; }
  size_t steps() const { return steps_; }
  double* values(size_t row) { return values_.data() + row * steps_; }
  const double* values(size_t row) const { return values_.data() + row * steps_; }
  StepKind* kinds(size_t row) { return kinds_.data() + row * steps_; }
  const StepKind* kinds(size_t row) const { return kinds_.data() + row * steps_; }
  // Null when the block has no histogram; else a row's histograms by step, null where the kind is
  // another.
  const HistogramPtr* histograms(size_t row) const {
    return histograms_.empty() ? nullptr : histograms_.data() + row * steps_;
  }
  bool has_histograms() const { return !histograms_.empty(); }
  // Gives the block its histogram column. Not while other threads use the block.
  void MakeHistograms() { histograms_.resize(series_ * steps_); }
  void SetHistogram(size_t row, size_t step, HistogramPtr histogram) {
    if (histograms_.empty()) MakeHistograms();
    values(row)[step] = 0;
    kinds(row)[step] = StepKind::kHistogram;
    histograms_[row * steps_ + step] = std::move(histogram);
  }
  // Makes `row` equal to a row of another block with as many steps.
  void CopyRow(size_t row, const StepBlock& from, size_t from_row) {
    std::copy_n(from.values(from_row), steps_, values(row));
    std::copy_n(from.kinds(from_row), steps_, kinds(row));
    if (!from.has_histograms()) return;
    if (histograms_.empty()) MakeHistograms();
    std::copy_n(from.histograms(from_row), steps_, histograms_.data() + row * steps_);
  }
  // Takes the histograms away, for operators that answer floats alone.
  void DropHistograms() {
    if (histograms_.empty()) return;
    histograms_.clear();
    std::replace(kinds_.begin(), kinds_.end(), StepKind::kHistogram, StepKind::kAbsent);
  }
  size_t size_bytes() const {
    return values_.capacity() * sizeof(double) + kinds_.capacity() +
           histograms_.capacity() * sizeof(HistogramPtr);
  }

 private:
  size_t series_ = 0;
  size_t steps_ = 0;
  std::vector<double> values_;
  std::vector<StepKind> kinds_;
  std::vector<HistogramPtr> histograms_;  // empty, or parallel to the others
};

// How many samples a histogram counts as in limits and statistics. Source: Prometheus'
// promql/value.go, HPoint.size.
inline uint64_t SampleWeight(const FloatHistogram& histogram) {
  return (SizeAsPrometheus(histogram) + sizeof(TimestampMs)) / 16;
}
// What the samples of a row weigh together; `histograms` may be null.
inline uint64_t SampleWeight(const StepKind* kinds, const HistogramPtr* histograms, size_t steps) {
  const auto absent = static_cast<size_t>(std::count(kinds, kinds + steps, StepKind::kAbsent));
  uint64_t weight = steps - absent;
  for (size_t step = 0; histograms != nullptr && step < steps; ++step) {
    if (kinds[step] == StepKind::kHistogram) weight += SampleWeight(*histograms[step]) - 1;
  }
  return weight;
}

}  // namespace thermocline::promql
