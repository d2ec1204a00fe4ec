// Sums, means and quantiles of the naive evaluator (promql-semantics 2.7).
#include <algorithm>
#include <cmath>
#include <limits>

#include "promql/naive/values.h"

namespace thermocline::promql::naive {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

}  // namespace

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

void KahanSum::Multiply(double factor) {
  sum_ *= factor;
  lost_ *= factor;
}

KahanSum KahanSum::DividedBy(double divisor) const {
  KahanSum divided(sum_ / divisor);
  divided.lost_ = lost_ / divisor;
  return divided;
}

double KahanSum::value() const { return std::isinf(sum_) ? sum_ : sum_ + lost_; }

double MeanOf(const std::vector<double>& values) {
  KahanSum sum(values.front());
  bool overflowed = false;  // `sum` is a mean from then on
  for (size_t i = 1; i < values.size(); ++i) {
    const auto count = static_cast<double>(i + 1);
    if (!overflowed) {
      KahanSum next = sum;
      next.Add(values[i]);
      if (!std::isinf(next.sum())) {
        sum = next;
        continue;
      }
      overflowed = true;
      sum = sum.DividedBy(count - 1);
    }
    sum.Multiply((count - 1) / count);
    sum.Add(values[i] / count);
  }
  if (overflowed) return sum.sum() + sum.lost();
  const auto count = static_cast<double>(values.size());
  return sum.sum() / count + sum.lost() / count;
}

double QuantileOf(double q, std::vector<double> values) {
  if (values.empty() || std::isnan(q)) return kNan;
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

double GoMax(double a, double b) {
  if (a == kInf || b == kInf) return kInf;
  if (std::isnan(a) || std::isnan(b)) return kNan;
  if (a == 0 && b == 0) return std::signbit(a) ? b : a;
  return a > b ? a : b;
}

double GoMin(double a, double b) {
  if (a == -kInf || b == -kInf) return -kInf;
  if (std::isnan(a) || std::isnan(b)) return kNan;
  if (a == 0 && b == 0) return std::signbit(a) ? a : b;
  return a < b ? a : b;
}

}  // namespace thermocline::promql::naive
