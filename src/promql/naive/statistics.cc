// Sums, means, variances and quantiles of the naive evaluator (promql-semantics 2.7).
#include <algorithm>
#include <cmath>
#include <limits>

#include "promql/naive/evaluator.h"

namespace thermocline::promql::naive {

void KahanSum::Add(double value) {
  const double sum = sum_ + value;
  if (std::isinf(sum)) {
    lost_ = 0;
  } else if (std::fabs(sum_) >= std::fabs(value)) {
    lost_ += (sum_ - sum) + value;
  } else {
    lost_ += (value - sum) + sum_;
  }
  sum_ = sum;
}

double KahanSum::value() const { return std::isinf(sum_) ? sum_ : sum_ + lost_; }

// In long double, so that sums of large values do not overflow.
double MeanOf(const std::vector<double>& values) {
  KahanSum plain;
  for (const double value : values) plain.Add(value);
  const auto count = static_cast<double>(values.size());
  if (std::isfinite(plain.sum())) return plain.value() / count;
  long double wide = 0;
  for (const double value : values) wide += static_cast<long double>(value) / values.size();
  return static_cast<double>(wide);
}

double VarianceOf(const std::vector<double>& values) {
  long double mean = 0;
  long double squares = 0;
  long double count = 0;
  for (const double value : values) {
    if (!std::isfinite(value)) return std::numeric_limits<double>::quiet_NaN();
    const long double delta = value - mean;
    mean += delta / ++count;
    squares += delta * (value - mean);
  }
  return static_cast<double>(squares / count);
}

double QuantileOf(double q, std::vector<double> values) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  if (values.empty() || std::isnan(q)) return std::numeric_limits<double>::quiet_NaN();
  if (q < 0) return -kInf;
  if (q > 1) return kInf;
  std::sort(values.begin(), values.end(), [](double a, double b) {
    return std::isnan(a) ? !std::isnan(b) : a < b;  // NaN first
  });
  const double rank = q * static_cast<double>(values.size() - 1);
  const auto low = static_cast<size_t>(std::floor(rank));
  const size_t high = std::min(low + 1, values.size() - 1);
  const double weight = rank - std::floor(rank);
  return values[low] * (1 - weight) + values[high] * weight;
}

}  // namespace thermocline::promql::naive
