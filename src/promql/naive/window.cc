#include "promql/naive/window.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "promql/naive/notes.h"
#include "promql/text.h"

namespace thermocline::promql::naive {
namespace {

using F = Function;

// deriv, predict_linear: least squares, with x in seconds since `origin_ms`.
struct Line {
  double slope = 0;
  double intercept = 0;
};

Line Regression(const std::vector<Point>& floats, TimestampMs origin_ms) {
  const double first = floats.front().value;
  const bool constant = std::all_of(floats.begin(), floats.end(),
                                    [first](const Point& p) { return p.value == first; });
  if (constant) return {std::isinf(first) ? NAN : 0, std::isinf(first) ? NAN : first};
  KahanSum sum_x, sum_y, sum_xy, sum_xx;
  for (const Point& point : floats) {
    const double x = Seconds(point.t_ms - origin_ms);
    sum_x.Add(x);
    sum_y.Add(point.value);
    sum_xy.Add(x * point.value);
    sum_xx.Add(x * x);
  }
  const auto whole = [](const KahanSum& sum) { return sum.sum() + sum.lost(); };
  const auto n = static_cast<double>(floats.size());
  const double covariance = whole(sum_xy) - whole(sum_x) * whole(sum_y) / n;
  const double variance = whole(sum_xx) - whole(sum_x) * whole(sum_x) / n;
  const double slope = covariance / variance;
  return {slope, whole(sum_y) / n - slope * whole(sum_x) / n};
}

Result<double> Smoothed(const Window& window) {
  const double level_factor = window.scalars[0];
  const double trend_factor = window.scalars[1];
  if (level_factor <= 0 || level_factor >= 1) {
    return Status::OutOfRange(fmt::format("invalid smoothing factor. Expected: 0 < sf < 1, got: {}",
                                          FormatFixed(level_factor, 6)));
  }
  if (trend_factor <= 0 || trend_factor >= 1) {
    return Status::OutOfRange(fmt::format("invalid trend factor. Expected: 0 < tf < 1, got: {}",
                                          FormatFixed(trend_factor, 6)));
  }
  const std::vector<double> values = window.values();
  if (values.size() < 2) return 0.0;
  double level = values[0];
  double trend = values[1] - values[0];
  double level_before = 0;
  for (size_t i = 1; i < values.size(); ++i) {
    if (i > 1) trend = trend_factor * (level - level_before) + (1 - trend_factor) * trend;
    level_before = level;
    level = level_factor * values[i] + (1 - level_factor) * (level + trend);
  }
  return level;
}

// deriv, predict_linear and double_exponential_smoothing want two floats.
Result<MaybeAnswer> Trend(F function, const Window& window, WindowNotes* notes) {
  double smoothed = 0;
  if (function == F::kDoubleExponentialSmoothing) {
    ASSIGN_OR_RETURN(smoothed, Smoothed(window));
  }
  if (!window.floats.empty() && !window.histograms.empty()) {
    notes->infos.push_back(IgnoredInRange(window.metric()));
  }
  if (window.floats.size() < 2) return MaybeAnswer();
  if (function == F::kDeriv) {
    return MaybeAnswer({Regression(window.floats, window.floats.front().t_ms).slope, nullptr});
  }
  if (function == F::kPredictLinear) {
    const Line line = Regression(window.floats, window.step_ms);
    return MaybeAnswer({line.slope * window.scalars[0] + line.intercept, nullptr});
  }
  return MaybeAnswer({smoothed, nullptr});
}

double Variance(const std::vector<double>& values) {
  KahanSum mean, squares;
  double count = 0;
  for (const double value : values) {
    ++count;
    const double delta = value - (mean.sum() + mean.lost());
    mean.Add(delta / count);
    squares.Add(delta * (value - (mean.sum() + mean.lost())));
  }
  return (squares.sum() + squares.lost()) / count;
}

double MedianDeviation(std::vector<double> values) {
  if (std::any_of(values.begin(), values.end(), [](double v) { return std::isnan(v); })) {
    return NAN;
  }
  const double median = QuantileOf(0.5, values);
  for (double& value : values) value = std::fabs(value - median);
  return QuantileOf(0.5, values);
}

// The best float; of equal ones the last, whose time is asked for.
const Point& Extreme(const std::vector<Point>& floats, bool largest) {
  const Point* best = &floats.front();
  for (const Point& point : floats) {
    const bool better = largest ? point.value >= best->value : point.value <= best->value;
    if (better || std::isnan(best->value)) best = &point;
  }
  return *best;
}

// min_over_time and max_over_time keep the first of equals, which differs for -0 and 0.
double ExtremeValue(const std::vector<Point>& floats, bool largest) {
  double best = floats.front().value;
  for (const Point& point : floats) {
    const bool better = largest ? point.value > best : point.value < best;
    if (better || std::isnan(best)) best = point.value;
  }
  return best;
}

// Functions of the floats alone; histograms beside them are noted.
std::optional<double> OfFloats(F function, const Window& window) {
  switch (function) {
    case F::kMinOverTime: return ExtremeValue(window.floats, false);
    case F::kMaxOverTime: return ExtremeValue(window.floats, true);
    case F::kTsOfMinOverTime: return Seconds(Extreme(window.floats, false).t_ms);
    case F::kTsOfMaxOverTime: return Seconds(Extreme(window.floats, true).t_ms);
    case F::kQuantileOverTime: return QuantileOf(window.scalars[0], window.values());
    case F::kStddevOverTime: return std::sqrt(Variance(window.values()));
    case F::kStdvarOverTime: return Variance(window.values());
    case F::kMadOverTime: return MedianDeviation(window.values());
    default: return std::nullopt;
  }
}

MaybeAnswer SumOrMean(bool mean, const Window& window, WindowNotes* notes) {
  if (!window.floats.empty() && !window.histograms.empty()) {
    notes->warnings.push_back(MixedFloats(window.metric()));
    return std::nullopt;
  }
  if (window.floats.empty()) {
    return mean ? MeanOfHistograms(window, notes) : SumOfHistograms(window, notes);
  }
  if (mean) return Answer{MeanOf(window.values()), nullptr};
  KahanSum sum;
  for (const double value : window.values()) sum.Add(value);
  return Answer{sum.value(), nullptr};
}

}  // namespace

std::vector<double> Window::values() const {
  std::vector<double> values;
  for (const Point& point : floats) values.push_back(point.value);
  return values;
}

std::vector<Point> Window::all() const {
  std::vector<Point> points = floats;
  points.insert(points.end(), histograms.begin(), histograms.end());
  std::stable_sort(points.begin(), points.end(),
                   [](const Point& a, const Point& b) { return a.t_ms < b.t_ms; });
  return points;
}

Result<MaybeAnswer> WindowFunction(Function function, const Window& window, WindowNotes* notes) {
  switch (function) {
    case F::kRate:
    case F::kIncrease:
    case F::kDelta:
      if (window.extension == Extension::kNone) return Extrapolated(function, window, notes);
      return ExtendedChange(function, window, notes);
    case F::kIrate:
    case F::kIdelta: return LastTwo(function == F::kIrate, window, notes);
    case F::kResets: return CountSteps(true, window);
    case F::kChanges: return CountSteps(false, window);
    case F::kDeriv:
    case F::kPredictLinear:
    case F::kDoubleExponentialSmoothing: return Trend(function, window, notes);
    case F::kSumOverTime: return SumOrMean(false, window, notes);
    case F::kAvgOverTime: return SumOrMean(true, window, notes);
    case F::kTsOfFirstOverTime: return MaybeAnswer({Seconds(window.all().front().t_ms), nullptr});
    case F::kTsOfLastOverTime: return MaybeAnswer({Seconds(window.all().back().t_ms), nullptr});
    case F::kFirstOverTime: {
      // Of two at one time the histogram counts.
      const std::vector<Point> all = window.all();
      const bool tie = all.size() > 1 && all[0].t_ms == all[1].t_ms;
      return MaybeAnswer({all[tie ? 1 : 0].value, all[tie ? 1 : 0].histogram});
    }
    case F::kLastOverTime:
      return MaybeAnswer({window.all().back().value, window.all().back().histogram});
    case F::kCountOverTime: {
      const size_t count = window.floats.size() + window.histograms.size();
      return MaybeAnswer({static_cast<double>(count), nullptr});
    }
    case F::kPresentOverTime:
    case F::kAbsentOverTime: return MaybeAnswer({1, nullptr});
    default: break;
  }
  if (window.floats.empty()) return MaybeAnswer();
  if (!window.histograms.empty()) notes->infos.push_back(IgnoredInRange(window.metric()));
  if (function == F::kQuantileOverTime) {
    const double q = window.scalars[0];
    notes->invalid_quantile = std::isnan(q) || q < 0 || q > 1;
  }
  const std::optional<double> value = OfFloats(function, window);
  if (!value) return Status::Internal("a range function that the naive evaluator does not know");
  return MaybeAnswer({*value, nullptr});
}

}  // namespace thermocline::promql::naive
