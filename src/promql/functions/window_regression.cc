// deriv, predict_linear, double_exponential_smoothing.
#include <fmt/core.h>

#include <cmath>
#include <limits>

#include "promql/functions/arithmetic.h"
#include "promql/functions/window.h"
#include "promql/text.h"

namespace thermocline::promql {
namespace {

struct Line {
  double slope = 0;
  double intercept = 0;  // at the origin
};

// Least squares over (time - origin in seconds, value).
Line FitLine(const WindowView& window, TimestampMs origin_ms) {
  double n = 0;
  double sum_x = 0, sum_y = 0, sum_xy = 0, sum_xx = 0;
  double carry_x = 0, carry_y = 0, carry_xy = 0, carry_xx = 0;
  const double first = window.values[0];
  bool constant = true;
  for (size_t i = 0; i < window.count; ++i) {
    const double y = window.values[i];
    if (constant && i > 0 && y != first) constant = false;
    ++n;
    const double x = static_cast<double>(window.times[i] - origin_ms) / 1e3;
    KahanAdd(x, &sum_x, &carry_x);
    KahanAdd(y, &sum_y, &carry_y);
    KahanAdd(x * y, &sum_xy, &carry_xy);
    KahanAdd(x * x, &sum_xx, &carry_xx);
  }
  if (constant) {
    constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
    return std::isinf(first) ? Line{kNan, kNan} : Line{0, first};
  }
  sum_x += carry_x;
  sum_y += carry_y;
  sum_xy += carry_xy;
  sum_xx += carry_xx;
  const double covariance = sum_xy - sum_x * sum_y / n;
  const double variance = sum_xx - sum_x * sum_x / n;
  const double slope = covariance / variance;
  return {slope, sum_y / n - slope * sum_x / n};
}

bool Deriv(const WindowView& window, double* out) {
  if (window.count < 2) return false;
  *out = FitLine(window, window.times[0]).slope;
  return true;
}

bool PredictLinear(const WindowView& window, double* out) {
  if (window.count < 2) return false;
  const Line line = FitLine(window, window.step_ms);
  *out = line.slope * window.params[0] + line.intercept;
  return true;
}

// Holt's linear method; params: smoothing factor, trend factor.
bool Smooth(const WindowView& window, double* out) {
  if (window.count < 2) return false;
  const double smoothing = window.params[0];
  const double trend_factor = window.params[1];
  double before = 0;
  double level = window.values[0];
  double trend = window.values[1] - window.values[0];
  for (size_t i = 1; i < window.count; ++i) {
    if (i > 1) trend = trend_factor * (level - before) + (1 - trend_factor) * trend;
    before = level;
    level = smoothing * window.values[i] + (1 - smoothing) * (level + trend);
  }
  *out = level;
  return true;
}

}  // namespace

Status CheckWindowParams(Function function, const double* params) {
  if (function != Function::kDoubleExponentialSmoothing) return Status::Ok();
  if (params[0] <= 0 || params[0] >= 1) {
    return Status::OutOfRange(fmt::format("invalid smoothing factor. Expected: 0 < sf < 1, got: {}",
                                          FormatFixed(params[0], 6)));
  }
  if (params[1] <= 0 || params[1] >= 1) {
    return Status::OutOfRange(fmt::format("invalid trend factor. Expected: 0 < tf < 1, got: {}",
                                          FormatFixed(params[1], 6)));
  }
  return Status::Ok();
}

WindowFunction FindRegressionFunction(Function function) {
  switch (function) {
    case Function::kDeriv: return Deriv;
    case Function::kPredictLinear: return PredictLinear;
    case Function::kDoubleExponentialSmoothing: return Smooth;
    default: return nullptr;
  }
}

}  // namespace thermocline::promql
