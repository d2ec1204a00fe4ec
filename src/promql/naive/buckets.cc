#include "promql/naive/buckets.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "promql/test_script/series_line.h"

namespace thermocline::promql::naive {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kTiny = std::numeric_limits<double>::min();

// By bound; counts of equal bounds are added up.
std::vector<Bucket> Ordered(std::vector<Bucket> buckets) {
  std::stable_sort(buckets.begin(), buckets.end(),
                   [](const Bucket& a, const Bucket& b) { return a.upper < b.upper; });
  std::vector<Bucket> merged;
  for (const Bucket& bucket : buckets) {
    if (!merged.empty() && merged.back().upper == bucket.upper) {
      merged.back().count += bucket.count;
    } else {
      merged.push_back(bucket);
    }
  }
  return merged;
}

bool AlmostSame(double a, double b) {
  const double sum = std::fabs(a) + std::fabs(b);
  const double difference = std::fabs(a - b);
  if (a == 0 || b == 0 || sum < kTiny) return difference < 1e-12 * kTiny;
  return difference / std::min(sum, std::numeric_limits<double>::max()) < 1e-12;
}

// Makes the counts grow with the bounds.
std::optional<BucketRepair> Repair(std::vector<Bucket>* buckets) {
  std::optional<BucketRepair> repair;
  double before = (*buckets)[0].count;
  for (size_t i = 1; i < buckets->size(); ++i) {
    Bucket& bucket = (*buckets)[i];
    if (bucket.count == before) continue;
    if (AlmostSame(before, bucket.count)) {
      bucket.count = before;
    } else if (bucket.count < before) {
      if (!repair) repair = BucketRepair{kInf, -kInf, 0};
      repair->lowest = std::min(repair->lowest, bucket.upper);
      repair->highest = std::max(repair->highest, bucket.upper);
      repair->largest_fall = std::max(repair->largest_fall, before - bucket.count);
      bucket.count = before;
    } else {
      before = bucket.count;
    }
  }
  return repair;
}

// The cumulative count up to `bound`, linear within a bucket.
double RankOf(double bound, const std::vector<Bucket>& buckets) {
  double lower = buckets.front().upper > 0 ? 0 : -kInf;
  double below = 0;
  for (const Bucket& bucket : buckets) {
    if (bound <= lower) return below;
    if (bound < bucket.upper) {
      if (std::isinf(lower)) return bucket.count;
      return below + (bucket.count - below) * (bound - lower) / (bucket.upper - lower);
    }
    lower = bucket.upper;
    below = bucket.count;
  }
  return below;
}

}  // namespace

std::optional<double> BoundOf(const Labels& labels) {
  double bound = 0;
  if (!ParseSignedNumber(labels.Get(kBucketLabel), &bound)) return std::nullopt;
  return bound;
}

double QuantileOfBuckets(double q, std::vector<Bucket> buckets,
                         std::optional<BucketRepair>* repair) {
  if (std::isnan(q)) return kNan;
  if (q < 0) return -kInf;
  if (q > 1) return kInf;
  buckets = Ordered(std::move(buckets));
  if (buckets.back().upper != kInf) return kNan;
  *repair = Repair(&buckets);
  const double total = buckets.back().count;
  if (buckets.size() < 2 || total == 0) return kNan;
  const double rank = q * total;
  size_t chosen = 0;
  while (chosen + 1 < buckets.size() && !(buckets[chosen].count >= rank)) ++chosen;
  if (chosen + 1 == buckets.size()) return buckets[chosen - 1].upper;
  const double upper = buckets[chosen].upper;
  if (chosen == 0 && upper <= 0) return upper;
  const double lower = chosen == 0 ? 0 : buckets[chosen - 1].upper;
  const double below = chosen == 0 ? 0 : buckets[chosen - 1].count;
  return lower + (upper - lower) * ((rank - below) / (buckets[chosen].count - below));
}

double FractionOfBuckets(double lower, double upper, std::vector<Bucket> buckets) {
  buckets = Ordered(std::move(buckets));
  if (buckets.back().upper != kInf) return kNan;
  const double total = buckets.back().count;
  if (total == 0 || std::isnan(total) || std::isnan(lower) || std::isnan(upper)) return kNan;
  if (lower >= upper) return 0;
  // Counts that are not cumulative could exceed the total.
  const auto rank = [&](double bound) {
    const double below = RankOf(bound, buckets);
    return below > total ? total : below;
  };
  return (rank(upper) - rank(lower)) / total;
}

}  // namespace thermocline::promql::naive
