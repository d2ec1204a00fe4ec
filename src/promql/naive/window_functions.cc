// Functions of range vectors in the naive evaluator (promql-semantics 2.3 to 2.7).
#include <algorithm>
#include <cmath>

#include "promql/naive/evaluator.h"

namespace thermocline::promql::naive {
namespace {

using F = Function;

double Seconds(int64_t ms) { return static_cast<double>(ms) / 1000; }

std::vector<double> ValuesOf(const Window& window) {
  std::vector<double> values;
  for (const Sample& sample : window.samples) values.push_back(sample.value);
  return values;
}

// rate, increase, delta: the difference, stretched to the window's edges where the first and last
// sample stand close enough to them.
std::optional<double> Extrapolated(F function, const Window& window) {
  const std::vector<Sample>& samples = window.samples;
  if (samples.size() < 2) return std::nullopt;
  const bool counter = function != F::kDelta;
  double difference = samples.back().value - samples.front().value;
  for (size_t i = 1; counter && i < samples.size(); ++i) {
    if (samples[i].value < samples[i - 1].value) difference += samples[i - 1].value;
  }
  double to_start = Seconds(samples.front().timestamp_ms - window.start_ms);
  double to_end = Seconds(window.end_ms - samples.back().timestamp_ms);
  const double sampled = Seconds(samples.back().timestamp_ms - samples.front().timestamp_ms);
  const double average = sampled / static_cast<double>(samples.size() - 1);
  if (to_start >= average * 1.1) to_start = average / 2;
  if (counter && difference > 0 && samples.front().value >= 0) {
    to_start = std::min(to_start, sampled * (samples.front().value / difference));
  }
  if (to_end >= average * 1.1) to_end = average / 2;
  double factor = (sampled + to_start + to_end) / sampled;
  if (function == F::kRate) factor /= Seconds(window.end_ms - window.start_ms);
  return difference * factor;
}

std::optional<double> LastTwo(F function, const Window& window) {
  if (window.samples.size() < 2) return std::nullopt;
  const Sample& last = window.samples.back();
  const Sample& before = window.samples[window.samples.size() - 2];
  double difference = last.value - before.value;
  if (function == F::kIdelta) return difference;
  if (last.value < before.value) difference = last.value;
  return difference / Seconds(last.timestamp_ms - before.timestamp_ms);
}

double CountSteps(F function, const Window& window) {
  int count = 0;
  for (size_t i = 1; i < window.samples.size(); ++i) {
    const double a = window.samples[i - 1].value;
    const double b = window.samples[i].value;
    const bool changed = a != b && !(std::isnan(a) && std::isnan(b));
    count += function == F::kResets ? b < a : changed;
  }
  return count;
}

struct Line {
  double slope = 0;
  double intercept = 0;
};

// Least squares, with x in seconds since `origin_ms`.
Line Regression(const Window& window, TimestampMs origin_ms) {
  const double first = window.samples.front().value;
  const bool constant = std::all_of(window.samples.begin(), window.samples.end(),
                                    [first](const Sample& s) { return s.value == first; });
  if (constant) return {std::isinf(first) ? NAN : 0, std::isinf(first) ? NAN : first};
  KahanSum sum_x, sum_y, sum_xy, sum_xx;
  for (const Sample& sample : window.samples) {
    const double x = Seconds(sample.timestamp_ms - origin_ms);
    sum_x.Add(x);
    sum_y.Add(sample.value);
    sum_xy.Add(x * sample.value);
    sum_xx.Add(x * x);
  }
  const auto n = static_cast<double>(window.samples.size());
  const double covariance = sum_xy.value() - sum_x.value() * sum_y.value() / n;
  const double variance = sum_xx.value() - sum_x.value() * sum_x.value() / n;
  const double slope = covariance / variance;
  return {slope, sum_y.value() / n - slope * sum_x.value() / n};
}

double Smoothed(const Window& window, double level_factor, double trend_factor) {
  double level = window.samples[0].value;
  double trend = window.samples[1].value - window.samples[0].value;
  double level_before = 0;
  for (size_t i = 1; i < window.samples.size(); ++i) {
    if (i > 1) trend = trend_factor * (level - level_before) + (1 - trend_factor) * trend;
    level_before = level;
    level = level_factor * window.samples[i].value + (1 - level_factor) * (level + trend);
  }
  return level;
}

// The sample that min_over_time and its relatives choose; the last of equals.
const Sample& Extreme(const Window& window, bool largest) {
  const Sample* best = &window.samples.front();
  for (const Sample& sample : window.samples) {
    const bool better = largest ? sample.value >= best->value : sample.value <= best->value;
    if (better || std::isnan(best->value)) best = &sample;
  }
  return *best;
}

double MedianDeviation(const Window& window) {
  std::vector<double> values = ValuesOf(window);
  if (std::any_of(values.begin(), values.end(), [](double v) { return std::isnan(v); })) {
    return NAN;
  }
  const double median = QuantileOf(0.5, values);
  for (double& value : values) value = std::fabs(value - median);
  return QuantileOf(0.5, values);
}

double Sum(const Window& window) {
  KahanSum sum;
  for (const Sample& sample : window.samples) sum.Add(sample.value);
  return sum.value();
}

std::optional<double> Trend(F function, const Window& window, const std::vector<Value>& args,
                            TimestampMs t_ms) {
  if (window.samples.size() < 2) return std::nullopt;
  switch (function) {
    case F::kDeriv: return Regression(window, window.samples.front().timestamp_ms).slope;
    case F::kPredictLinear: {
      const Line line = Regression(window, t_ms);
      return line.slope * args[1].scalar + line.intercept;
    }
    default: return Smoothed(window, args[1].scalar, args[2].scalar);
  }
}

}  // namespace

std::optional<double> WindowFunction(Function function, const Window& window,
                                     const std::vector<Value>& args, TimestampMs t_ms) {
  const std::vector<Sample>& samples = window.samples;
  switch (function) {
    case F::kRate:
    case F::kIncrease:
    case F::kDelta: return Extrapolated(function, window);
    case F::kIrate:
    case F::kIdelta: return LastTwo(function, window);
    case F::kResets:
    case F::kChanges: return CountSteps(function, window);
    case F::kDeriv:
    case F::kPredictLinear:
    case F::kDoubleExponentialSmoothing: return Trend(function, window, args, t_ms);
    case F::kSumOverTime: return Sum(window);
    case F::kAvgOverTime: return MeanOf(ValuesOf(window));
    case F::kMinOverTime: return Extreme(window, false).value;
    case F::kMaxOverTime: return Extreme(window, true).value;
    case F::kTsOfMinOverTime: return Seconds(Extreme(window, false).timestamp_ms);
    case F::kTsOfMaxOverTime: return Seconds(Extreme(window, true).timestamp_ms);
    case F::kTsOfFirstOverTime: return Seconds(samples.front().timestamp_ms);
    case F::kTsOfLastOverTime: return Seconds(samples.back().timestamp_ms);
    case F::kFirstOverTime: return samples.front().value;
    case F::kLastOverTime: return samples.back().value;
    case F::kCountOverTime: return static_cast<double>(samples.size());
    case F::kPresentOverTime: return 1;
    case F::kQuantileOverTime: return QuantileOf(args[0].scalar, ValuesOf(window));
    case F::kStddevOverTime: return std::sqrt(VarianceOf(ValuesOf(window)));
    case F::kStdvarOverTime: return VarianceOf(ValuesOf(window));
    case F::kMadOverTime: return MedianDeviation(window);
    default: return std::nullopt;
  }
}

}  // namespace thermocline::promql::naive
