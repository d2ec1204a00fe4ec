// The currency of the operators: per series one optional value at every step.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/time.h"

namespace thermocline::promql {

// The steps an operator answers for: start_ms, start_ms + step_ms, ... (`count` of them, >= 1).
struct StepGrid {
  TimestampMs start_ms = 0;
  int64_t step_ms = 1;
  size_t count = 1;

  TimestampMs At(size_t step) const { return start_ms + static_cast<int64_t>(step) * step_ms; }
  TimestampMs last_ms() const { return At(count - 1); }
};

// What a series has at a step. Histogram samples are a further kind, held by pointer beside the
// values.
enum class StepKind : uint8_t { kAbsent = 0, kFloat = 1 };

// StepVectors of neighbouring series, row by row: `steps` values and kinds each.
class StepBlock {
 public:
  static constexpr size_t kBytesPerStep = sizeof(double) + sizeof(StepKind);

  // Makes `series` rows of `steps` absent values.
  void Reset(size_t series, size_t steps) {
    series_ = series;
    steps_ = steps;
    values_.resize(series * steps);
    kinds_.assign(series * steps, StepKind::kAbsent);
  }
  size_t series() const { return series_; }
  size_t steps() const { return steps_; }
  double* values(size_t row) { return values_.data() + row * steps_; }
  const double* values(size_t row) const { return values_.data() + row * steps_; }
  StepKind* kinds(size_t row) { return kinds_.data() + row * steps_; }
  const StepKind* kinds(size_t row) const { return kinds_.data() + row * steps_; }
  size_t size_bytes() const { return values_.capacity() * sizeof(double) + kinds_.capacity(); }

 private:
  size_t series_ = 0;
  size_t steps_ = 0;
  std::vector<double> values_;
  std::vector<StepKind> kinds_;
};

}  // namespace thermocline::promql
