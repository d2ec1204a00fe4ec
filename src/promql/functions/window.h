// Functions of one series' samples in one window: rate, *_over_time and their kin.
// Source: Prometheus' promql/functions.go; promql-semantics 2.3 to 2.7.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/status.h"
#include "base/time.h"
#include "promql/signatures.h"

namespace thermocline::promql {

// The samples in (start_ms, end_ms] and what the functions need to know around them.
struct WindowView {
  const TimestampMs* times = nullptr;
  const double* values = nullptr;
  size_t count = 0;  // >= 1
  TimestampMs start_ms = 0;
  TimestampMs end_ms = 0;
  TimestampMs step_ms = 0;    // the step's own time
  double params[2] = {0, 0};  // scalar arguments at the step, in order
  // Parallel to times, 0 for none; null when start timestamps do not count.
  const TimestampMs* starts = nullptr;

  TimestampMs start_of(size_t sample) const { return starts == nullptr ? 0 : starts[sample]; }
};

// False: no value at this step.
using WindowFunction = bool (*)(const WindowView& window, double* out);

// Null when `function` is not one of them. rate, increase and delta are evaluated by
// ExtrapolateWindows; they are here too as the plain form.
WindowFunction FindWindowFunction(Function function);

// Whether the parameters are legal; asked for windows that have samples only. OutOfRange.
Status CheckWindowParams(Function function, const double* params);

// --- by topic; each returns null for functions of another topic ---
WindowFunction FindRateFunction(Function function);
WindowFunction FindStatisticsFunction(Function function);
WindowFunction FindRegressionFunction(Function function);

enum class RateKind { kRate, kIncrease, kDelta };

// Whether a counter began anew between two samples, judged by their values or by their start
// timestamps (promql-semantics 2.2).
bool IsStartReset(TimestampMs before_start_ms, TimestampMs before_ms, TimestampMs now_start_ms,
                  TimestampMs now_ms);
// Whether a sample claims to have begun before the sample before it was taken.
bool StartsOverlap(TimestampMs before_start_ms, TimestampMs before_ms, TimestampMs now_start_ms);

// Where the samples of a window stand in it.
struct SampledSpan {
  TimestampMs first_ms = 0;
  TimestampMs last_ms = 0;
  size_t count = 0;  // samples
  TimestampMs window_start_ms = 0;
  TimestampMs window_end_ms = 0;
  TimestampMs first_start_ms = 0;  // the first sample's start timestamp, 0 for none

  // The counter is known to have begun at zero inside the window.
  bool begins_inside() const {
    return first_start_ms != 0 && first_start_ms > window_start_ms && first_start_ms < first_ms;
  }
};
// By how much to multiply the change over the samples to have it over the window (per second for
// kRate). Counters are not stretched below zero: `first` is the first sample's value and `change`
// the change, resets included. With begins_inside() the change has to include the first sample.
inline double StretchFactor(RateKind kind, const SampledSpan& span, double first, double change) {
  const auto seconds = [](int64_t span_ms) { return static_cast<double>(span_ms) / 1000; };
  const bool is_counter = kind != RateKind::kDelta;
  double to_start = seconds(span.first_ms - span.window_start_ms);
  double to_end = seconds(span.window_end_ms - span.last_ms);
  double sampled = seconds(span.last_ms - span.first_ms);
  const double average = span.count > 1 ? sampled / static_cast<double>(span.count - 1) : 0;
  // Beyond a little more than the usual gap the series probably began or ended inside the window.
  const double threshold = average * 1.1;
  if (is_counter && span.begins_inside()) {
    to_start = 0;
    sampled = seconds(span.last_ms - span.first_start_ms);
  } else {
    if (to_start >= threshold) to_start = average / 2;
    if (is_counter && change > 0 && first >= 0) {
      // A counter cannot have been below zero.
      to_start = std::min(to_start, sampled * (first / change));
    }
  }
  if (to_end >= threshold) to_end = average / 2;
  double factor = sampled == 0 ? 1 : (sampled + to_start + to_end) / sampled;
  if (kind == RateKind::kRate) factor /= seconds(span.window_end_ms - span.window_start_ms);
  return factor;
}

// The change over a window of floats, stretched to its bounds. `first` is the first sample,
// `change` what StretchFactor wants, without the first sample. False: too few samples.
inline bool Extrapolate(RateKind kind, const SampledSpan& span, double first, double change,
                        double* out) {
  if (kind != RateKind::kDelta && span.begins_inside()) {
    change += first;
  } else if (span.count < 2) {
    return false;
  }
  *out = change * StretchFactor(kind, span, first, change);
  return true;
}

// Prometheus' quantile of `values`, which it sorts (NaN first): -Inf below 0, +Inf above 1, NaN for
// NaN or no values.
double Quantile(double q, std::vector<double>* values);

}  // namespace thermocline::promql
