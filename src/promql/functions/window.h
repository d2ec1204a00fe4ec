// Functions of one series' samples in one window: rate, *_over_time and their kin.
// Source: Prometheus' promql/functions.go; promql-semantics 2.3 to 2.7.
#pragma once

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
double StretchFactor(RateKind kind, const SampledSpan& span, double first, double change);

// The change over a window of floats, stretched to its bounds. `change` is what
// StretchFactor wants, without the first sample. False: too few samples.
bool Extrapolate(RateKind kind, const WindowView& window, double change, double* out);

// Prometheus' quantile of `values`, which it sorts (NaN first): -Inf below 0, +Inf above 1, NaN for
// NaN or no values.
double Quantile(double q, std::vector<double>* values);

}  // namespace thermocline::promql
