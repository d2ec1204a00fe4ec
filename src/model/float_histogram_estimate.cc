// Quantiles, fractions and the variance that buckets allow to estimate.
// Source: Prometheus' promql/quantile.go and funcHistogramStdVar.
#include <cmath>
#include <limits>

#include "model/float_histogram_parts.h"
#include "model/go_math.h"

namespace thermocline {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

// Where only one side counts, zero ends the zero bucket on the other side.
void ClipAtZero(const FloatHistogram& h, HistogramBucket* bucket) {
  if (h.negative_buckets.empty() && !h.positive_buckets.empty()) bucket->lower = 0;
  if (h.positive_buckets.empty() && !h.negative_buckets.empty()) bucket->upper = 0;
}

// The value `fraction` of the way through a bucket: linear, or on a logarithmic scale.
double Interpolate(const HistogramBucket& bucket, double fraction, bool linear) {
  if (linear) return bucket.lower + (bucket.upper - bucket.lower) * fraction;
  const double lower = GoLog2(std::fabs(bucket.lower));
  const double upper = GoLog2(std::fabs(bucket.upper));
  if (bucket.lower > 0) return GoExp2(lower + (upper - lower) * fraction);
  return -GoExp2(upper + (lower - upper) * (1 - fraction));
}

// The rank of `value` within a bucket that holds it, `rank` observations being below the bucket.
double RankWithin(const HistogramBucket& b, double rank, double value, bool linear) {
  // Nothing is known of a bucket without a lower end.
  if (linear && b.lower == -kInf) return b.count;
  return rank + b.count * FractionBelow(b, value, linear);
}

}  // namespace

double FractionBelow(const HistogramBucket& b, double value, bool linear) {
  if (linear) return (value - b.lower) / (b.upper - b.lower);
  const double lower = GoLog2(std::fabs(b.lower));
  const double upper = GoLog2(std::fabs(b.upper));
  const double at = GoLog2(std::fabs(value));
  if (value > 0) return (at - lower) / (upper - lower);
  return 1 - ((at - upper) / (lower - upper));
}

HistogramEstimate HistogramQuantile(double q, const FloatHistogram& h) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  if (q < 0) return {-kInf};
  if (q > 1) return {kInf};
  if (h.count == 0 || std::isnan(q)) return {kNan};
  // NaN observations count in no bucket, so ranks are true only from below.
  const bool nan_sum = std::isnan(h.sum);
  const bool upwards = nan_sum || q < 0.5;
  double rank = upwards ? q * h.count : (1 - q) * h.count;
  AllBucketsCursor cursor(h, upwards);
  HistogramBucket bucket;
  double count = 0;
  while (cursor.Next()) {
    bucket = cursor.bucket();
    if (bucket.count == 0) continue;
    count += bucket.count;
    if (count >= rank) break;
  }
  if (h.uses_custom_bounds()) {
    if (bucket.lower == -kInf) {
      if (bucket.upper <= 0) return {bucket.upper};
      bucket.lower = 0;
    } else if (bucket.upper == kInf) {
      return {bucket.lower};
    }
  } else if (bucket.lower < 0 && bucket.upper > 0) {
    ClipAtZero(h, &bucket);
  }
  // Rounding may have gathered more than there is.
  if (count > h.count) count = h.count;
  if (count < rank) {
    if (nan_sum) return {kNan, true, false};
    return {bucket.upper};
  }
  rank = upwards ? rank - (count - bucket.count) : count - rank;
  HistogramEstimate estimate;
  if (nan_sum) {
    // Upstream goes on with the last bucket here, which is where the interpolation then happens.
    while (cursor.Next()) {
      bucket = cursor.bucket();
      count += bucket.count;
    }
    estimate.has_nan_observations = estimate.skewed_by_nan = count < h.count;
  }
  const bool linear = h.uses_custom_bounds() || (bucket.lower <= 0 && bucket.upper >= 0);
  estimate.value = Interpolate(bucket, rank / bucket.count, linear);
  return estimate;
}

HistogramEstimate HistogramFraction(double lower, double upper, const FloatHistogram& h) {
  if (h.count == 0 || std::isnan(lower) || std::isnan(upper)) {
    return {std::numeric_limits<double>::quiet_NaN()};
  }
  if (lower >= upper) return {0};
  double count = 0;
  double rank = 0;
  std::optional<double> lower_rank;
  std::optional<double> upper_rank;
  AllBucketsCursor cursor(h, true);
  while (cursor.Next()) {
    HistogramBucket b = cursor.bucket();
    count += b.count;
    const bool zero = b.lower <= 0 && b.upper >= 0;
    if (zero) ClipAtZero(h, &b);
    const bool linear = h.uses_custom_bounds() || zero;
    if (!lower_rank && b.lower >= lower) lower_rank = rank;
    if (!upper_rank && b.lower >= upper) upper_rank = rank;
    if (lower_rank && upper_rank) break;
    if (!lower_rank && b.upper > lower) lower_rank = RankWithin(b, rank, lower, linear);
    if (!upper_rank && b.upper > upper) upper_rank = RankWithin(b, rank, upper, linear);
    if (lower_rank && upper_rank) break;
    rank += b.count;
  }
  HistogramEstimate estimate;
  if (std::isnan(h.sum)) {
    while (cursor.Next()) count += cursor.bucket().count;
    estimate.has_nan_observations = count < h.count;
  } else {
    count = h.count;
  }
  const double from = !lower_rank || *lower_rank > count ? count : *lower_rank;
  const double to = !upper_rank || *upper_rank > count ? count : *upper_rank;
  estimate.value = (to - from) / h.count;
  return estimate;
}

double HistogramVariance(const FloatHistogram& h) {
  const double mean = h.sum / h.count;
  double variance = 0;
  double compensation = 0;
  AllBucketsCursor cursor(h, true);
  while (cursor.Next()) {
    const HistogramBucket& b = cursor.bucket();
    if (b.count == 0) continue;
    double value = 0;  // the zero bucket's
    if (h.uses_custom_bounds()) {
      value = (b.upper + b.lower) / 2;
    } else if (!(b.lower <= 0 && b.upper >= 0)) {
      value = std::sqrt(b.upper * b.lower);
      if (b.upper < 0) value = -value;
    }
    const double delta = value - mean;
    KahanStep(b.count * delta * delta, &variance, &compensation);
  }
  return (variance + compensation) / h.count;
}

}  // namespace thermocline
