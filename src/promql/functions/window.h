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

// The change over a window, stretched to its bounds. `resets_sum` is what counter resets inside the
// window add up to (0 for delta).
enum class RateKind { kRate, kIncrease, kDelta };
bool Extrapolate(RateKind kind, const WindowView& window, double resets_sum, double* out);

// Prometheus' quantile of `values`, which it sorts (NaN first): -Inf below 0, +Inf above 1, NaN for
// NaN or no values.
double Quantile(double q, std::vector<double>* values);

}  // namespace thermocline::promql
