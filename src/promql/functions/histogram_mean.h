// Sums and means of native histograms, one after another. Source: Prometheus' promql/engine.go,
// aggregation, and promql/functions.go, funcAvgOverTime; promql-semantics 2.7, 3.1.
#pragma once

#include <optional>

#include "model/float_histogram.h"

namespace thermocline::promql {

// A compensated sum.
class HistogramTotal {
 public:
  explicit HistogramTotal(const FloatHistogram& first) : sum_(first) {}
  // nullopt: exponential and custom buckets do not add; the total is then of no more use.
  std::optional<HistogramSumNotes> Add(const FloatHistogram& histogram);
  // The sum, not compacted. Ends the use of the total.
  FloatHistogram Take();

 private:
  FloatHistogram sum_;
  std::optional<FloatHistogram> compensation_;
};

// A compensated sum until it would overflow, then an incremental mean.
class HistogramMean {
 public:
  explicit HistogramMean(const FloatHistogram& first) : sum_(first) {}
  // As HistogramTotal.
  std::optional<HistogramSumNotes> Add(const FloatHistogram& histogram);
  FloatHistogram Take();

 private:
  std::optional<HistogramSumNotes> AddToMean(const FloatHistogram& histogram);

  FloatHistogram sum_;  // or the mean
  std::optional<FloatHistogram> compensation_;
  FloatHistogram tried_;  // memory of Add
  FloatHistogram tried_compensation_;
  double count_ = 1;
  bool incremental_ = false;
};

}  // namespace thermocline::promql
