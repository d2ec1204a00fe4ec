// Where the series of a query's answer go, one after another.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/status.h"
#include "base/time.h"
#include "model/labels.h"

namespace thermocline {
struct FloatHistogram;
}

namespace thermocline::promql {

enum class ResultKind { kScalar, kString, kVector, kMatrix };

// One series of a result. In kVector and kScalar results one point; timestamps are step times.
struct ResultSeries {
  Labels labels;
  std::vector<TimestampMs> timestamps_ms;
  std::vector<double> values;  // 0 for a histogram
  // Native histograms: empty when all points are floats, else parallel to `values` and null for a
  // float. A float and a histogram may share a timestamp; then the float comes first.
  std::vector<std::shared_ptr<const FloatHistogram>> histograms;

  // Null for a float.
  const FloatHistogram* histogram(size_t point) const {
    return histograms.empty() ? nullptr : histograms[point].get();
  }
};

// Called by one thread, the one that asked.
class ResultSink {
 public:
  virtual ~ResultSink() = default;
  // Once, before any series. An error after it means that the answer is not whole.
  virtual Status Begin(ResultKind kind) = 0;
  // The next series in the result's order. An error ends the query and is its error.
  virtual Status Add(ResultSeries series) = 0;
};

}  // namespace thermocline::promql
