// What a fold keeps per group and step. Add takes the values in series order; Merge continues with
// what another accumulator saw of later series. kHistograms tells what becomes of histograms.
#pragma once

#include <cmath>

#include "promql/functions/arithmetic.h"

namespace thermocline::promql {

enum class HistogramUse {
  kSummed,    // by HistogramCell, apart from floats
  kAveraged,  // likewise
  kCounted,   // as a float of any value
  kIgnored    // with an info
};

struct SumAccumulator {
  static constexpr HistogramUse kHistograms = HistogramUse::kSummed;
  double sum = 0;
  double compensation = 0;
  bool any = false;
  void Add(double value) {
    if (any) {
      KahanAdd(value, &sum, &compensation);
    } else {
      sum = value;
      any = true;
    }
  }
  void Merge(const SumAccumulator& later) {
    if (!later.any) return;
    Add(later.sum);
    if (!std::isinf(sum)) compensation += later.compensation;
  }
  double Value() const { return sum + compensation; }
};

struct AverageAccumulator {
  static constexpr HistogramUse kHistograms = HistogramUse::kAveraged;
  RunningMean mean;
  bool any = false;
  void Add(double value) {
    mean.Add(value);
    any = true;
  }
  void Merge(const AverageAccumulator& later) {
    mean.Merge(later.mean);
    any = any || later.any;
  }
  double Value() const { return mean.Value(); }
};

struct CountAccumulator {
  static constexpr HistogramUse kHistograms = HistogramUse::kCounted;
  uint32_t count = 0;
  bool any = false;
  void Add(double) {
    ++count;
    any = true;
  }
  void Merge(const CountAccumulator& later) {
    count += later.count;
    any = any || later.any;
  }
  double Value() const { return count; }
};

struct GroupAccumulator {
  static constexpr HistogramUse kHistograms = HistogramUse::kCounted;
  bool any = false;
  void Add(double) { any = true; }
  void Merge(const GroupAccumulator& later) { any = any || later.any; }
  double Value() const { return 1; }
};

// NaN is "no value yet": anything replaces it.
template <bool kMinimum>
struct ExtremeAccumulator {
  static constexpr HistogramUse kHistograms = HistogramUse::kIgnored;
  double held = 0;
  bool any = false;
  void Add(double value) {
    const bool better = kMinimum ? value < held : value > held;
    if (!any || better || std::isnan(held)) held = value;
    any = true;
  }
  void Merge(const ExtremeAccumulator& later) {
    if (later.any) Add(later.held);
  }
  double Value() const { return held; }
};

// Welford's algorithm; partial results join by Chan's formula.
template <bool kDeviation>
struct VarianceAccumulator {
  static constexpr HistogramUse kHistograms = HistogramUse::kIgnored;
  double count = 0;
  double mean = 0;
  double squares = 0;
  bool any = false;
  void Add(double value) {
    if (!any) {
      any = true;
      count = 1;
      mean = value;
      squares = std::isfinite(value) ? 0 : std::nan("");
      return;
    }
    ++count;
    const double delta = value - mean;
    mean += delta / count;
    squares += delta * (value - mean);
  }
  void Merge(const VarianceAccumulator& later) {
    if (!later.any) return;
    if (!any) {
      *this = later;
      return;
    }
    const double total = count + later.count;
    const double delta = later.mean - mean;
    squares += later.squares + delta * delta * (count * later.count / total);
    mean += delta * (later.count / total);
    count = total;
  }
  double Value() const { return kDeviation ? std::sqrt(squares / count) : squares / count; }
};

}  // namespace thermocline::promql
