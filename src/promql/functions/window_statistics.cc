// *_over_time.
#include <algorithm>
#include <cmath>
#include <limits>

#include "promql/functions/arithmetic.h"
#include "promql/functions/window.h"

namespace thermocline::promql {
namespace {

bool Count(const WindowView& window, double* out) {
  *out = static_cast<double>(window.count);
  return true;
}

bool Present(const WindowView&, double* out) {
  *out = 1;
  return true;
}

bool First(const WindowView& window, double* out) {
  *out = window.values[0];
  return true;
}

bool Last(const WindowView& window, double* out) {
  *out = window.values[window.count - 1];
  return true;
}

bool Sum(const WindowView& window, double* out) {
  double sum = 0;
  double compensation = 0;
  for (size_t i = 0; i < window.count; ++i) KahanAdd(window.values[i], &sum, &compensation);
  *out = std::isinf(sum) ? sum : sum + compensation;
  return true;
}

bool Average(const WindowView& window, double* out) {
  // The sum, unless it overflows: what RunningMean does, without its bookkeeping.
  double sum = window.values[0];
  double compensation = 0;
  for (size_t i = 1; i < window.count; ++i) KahanAdd(window.values[i], &sum, &compensation);
  if (std::isfinite(sum)) {
    const auto count = static_cast<double>(window.count);
    *out = sum / count + compensation / count;
    return true;
  }
  RunningMean mean;
  for (size_t i = 0; i < window.count; ++i) mean.Add(window.values[i]);
  *out = mean.Value();
  return true;
}

// The index of the best value. A NaN is replaced by anything; of equal values the first counts, or
// the last when `last_of_equal`.
template <typename Better>
size_t Best(const WindowView& window, bool last_of_equal, Better better) {
  size_t best = 0;
  for (size_t i = 1; i < window.count; ++i) {
    const double held = window.values[best];
    const double value = window.values[i];
    if (better(value, held) || std::isnan(held) || (last_of_equal && value == held)) best = i;
  }
  return best;
}
bool Less(double a, double b) { return a < b; }
bool Greater(double a, double b) { return a > b; }

bool Min(const WindowView& window, double* out) {
  *out = window.values[Best(window, false, Less)];
  return true;
}
bool Max(const WindowView& window, double* out) {
  *out = window.values[Best(window, false, Greater)];
  return true;
}

double Seconds(TimestampMs t_ms) { return static_cast<double>(t_ms) / 1000; }

bool TimeOfMin(const WindowView& window, double* out) {
  *out = Seconds(window.times[Best(window, true, Less)]);
  return true;
}
bool TimeOfMax(const WindowView& window, double* out) {
  *out = Seconds(window.times[Best(window, true, Greater)]);
  return true;
}
bool TimeOfFirst(const WindowView& window, double* out) {
  *out = Seconds(window.times[0]);
  return true;
}
bool TimeOfLast(const WindowView& window, double* out) {
  *out = Seconds(window.times[window.count - 1]);
  return true;
}

// Welford's algorithm with compensated mean and sum of squares.
bool Variance(const WindowView& window, double* out) {
  double mean = 0;
  double mean_compensation = 0;
  double squares = 0;
  double squares_compensation = 0;
  double count = 0;
  for (size_t i = 0; i < window.count; ++i) {
    ++count;
    const double value = window.values[i];
    const double delta = value - (mean + mean_compensation);
    KahanAdd(delta / count, &mean, &mean_compensation);
    KahanAdd(delta * (value - (mean + mean_compensation)), &squares, &squares_compensation);
  }
  *out = (squares + squares_compensation) / count;
  return true;
}
bool Deviation(const WindowView& window, double* out) {
  Variance(window, out);
  *out = std::sqrt(*out);
  return true;
}

bool QuantileOverTime(const WindowView& window, double* out) {
  std::vector<double> values(window.values, window.values + window.count);
  *out = Quantile(window.params[0], &values);
  return true;
}

// Median absolute deviation.
bool Mad(const WindowView& window, double* out) {
  std::vector<double> values(window.values, window.values + window.count);
  if (std::any_of(values.begin(), values.end(), [](double v) { return std::isnan(v); })) {
    *out = std::numeric_limits<double>::quiet_NaN();
    return true;
  }
  const double median = Quantile(0.5, &values);
  for (double& value : values) value = std::abs(value - median);
  *out = Quantile(0.5, &values);
  return true;
}

}  // namespace

double Quantile(double q, std::vector<double>* values) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  if (values->empty() || std::isnan(q)) return std::numeric_limits<double>::quiet_NaN();
  if (q < 0) return -kInf;
  if (q > 1) return kInf;
  std::sort(values->begin(), values->end(), [](double a, double b) {
    if (std::isnan(a)) return !std::isnan(b);
    return a < b;
  });
  const auto count = static_cast<double>(values->size());
  const double rank = q * (count - 1);
  const double lower = std::max(0.0, std::floor(rank));
  const double upper = std::min(count - 1, lower + 1);
  const double weight = rank - std::floor(rank);
  // Both terms count even when one weighs nothing: infinity times zero is NaN, as in Prometheus.
  return (*values)[static_cast<size_t>(lower)] * (1 - weight) +
         (*values)[static_cast<size_t>(upper)] * weight;
}

WindowFunction FindStatisticsFunction(Function function) {
  switch (function) {
    case Function::kCountOverTime: return Count;
    case Function::kPresentOverTime: return Present;
    case Function::kFirstOverTime: return First;
    case Function::kLastOverTime: return Last;
    case Function::kSumOverTime: return Sum;
    case Function::kAvgOverTime: return Average;
    case Function::kMinOverTime: return Min;
    case Function::kMaxOverTime: return Max;
    case Function::kTsOfMinOverTime: return TimeOfMin;
    case Function::kTsOfMaxOverTime: return TimeOfMax;
    case Function::kTsOfFirstOverTime: return TimeOfFirst;
    case Function::kTsOfLastOverTime: return TimeOfLast;
    case Function::kStdvarOverTime: return Variance;
    case Function::kStddevOverTime: return Deviation;
    case Function::kQuantileOverTime: return QuantileOverTime;
    case Function::kMadOverTime: return Mad;
    default: return nullptr;
  }
}

}  // namespace thermocline::promql
