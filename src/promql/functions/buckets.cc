#include "promql/functions/buckets.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>

namespace thermocline::promql {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();
// Counts that differ by less are taken for equal: noise of float arithmetic upstream.
constexpr double kTolerance = 1e-12;

bool AlmostEqual(double a, double b) {
  constexpr double kMinNormal = std::numeric_limits<double>::min();
  const double difference = std::fabs(a - b);
  const double magnitude = std::fabs(a) + std::fabs(b);
  if (a == 0 || b == 0 || magnitude < kMinNormal) return difference < kTolerance * kMinNormal;
  return difference / std::min(magnitude, std::numeric_limits<double>::max()) < kTolerance;
}

// Sorted by bound, equal bounds added up; false when the last is not +Inf.
bool Arrange(std::vector<Bucket>* buckets) {
  if (buckets->empty()) return false;
  std::stable_sort(buckets->begin(), buckets->end(), [](const Bucket& a, const Bucket& b) {
    // NaN bounds sort first.
    if (std::isnan(a.upper_bound)) return !std::isnan(b.upper_bound);
    return a.upper_bound < b.upper_bound;
  });
  if (buckets->back().upper_bound != kInf) return false;
  size_t last = 0;
  for (size_t i = 1; i < buckets->size(); ++i) {
    if ((*buckets)[i].upper_bound == (*buckets)[last].upper_bound) {
      (*buckets)[last].count += (*buckets)[i].count;
    } else {
      (*buckets)[++last] = (*buckets)[i];
    }
  }
  buckets->resize(last + 1);
  return true;
}

BucketRepair MakeMonotonic(std::vector<Bucket>* buckets) {
  BucketRepair repair;
  double highest = (*buckets)[0].count;
  for (size_t i = 1; i < buckets->size(); ++i) {
    Bucket& bucket = (*buckets)[i];
    if (bucket.count == highest) continue;
    if (AlmostEqual(highest, bucket.count)) {
      bucket.count = highest;
      continue;
    }
    if (bucket.count < highest) {
      if (!repair.forced) repair.min_bucket = bucket.upper_bound;
      repair.forced = true;
      repair.min_bucket = std::min(repair.min_bucket, bucket.upper_bound);
      repair.max_bucket = bucket.upper_bound;
      repair.max_diff = std::max(repair.max_diff, highest - bucket.count);
      bucket.count = highest;
      continue;
    }
    highest = bucket.count;
  }
  return repair;
}

}  // namespace

double BucketQuantile(double q, std::vector<Bucket>* buckets, BucketRepair* repair) {
  if (std::isnan(q)) return kNan;
  if (q < 0) return -kInf;
  if (q > 1) return kInf;
  if (!Arrange(buckets)) return kNan;
  *repair = MakeMonotonic(buckets);
  const std::vector<Bucket>& list = *buckets;
  if (list.size() < 2) return kNan;
  const double observations = list.back().count;
  if (observations == 0) return kNan;
  double rank = q * observations;
  const size_t last = list.size() - 1;
  const size_t found = static_cast<size_t>(
      std::find_if(list.begin(), list.end() - 1,
                   [rank](const Bucket& bucket) { return bucket.count >= rank; }) -
      list.begin());
  if (found == last) return list[last - 1].upper_bound;
  if (found == 0 && list[0].upper_bound <= 0) return list[0].upper_bound;
  double lower = 0;
  double count = list[found].count;
  if (found > 0) {
    lower = list[found - 1].upper_bound;
    count -= list[found - 1].count;
    rank -= list[found - 1].count;
  }
  return lower + (list[found].upper_bound - lower) * (rank / count);
}

double BucketFraction(double lower, double upper, std::vector<Bucket>* buckets) {
  if (!Arrange(buckets)) return kNan;
  const double total = buckets->back().count;
  if (total == 0 || std::isnan(lower) || std::isnan(upper)) return kNan;
  if (lower >= upper) return 0;
  // The number of observations at or below `value`.
  const auto rank_of = [buckets, total](double value) {
    double below = 0;
    double from = (*buckets)[0].upper_bound > 0 ? 0 : -kInf;
    for (const Bucket& bucket : *buckets) {
      const double to = bucket.upper_bound;
      if (from >= value) return std::min(below, total);
      if (to > value) {
        // Nothing is known inside a bucket without an end.
        if (std::isinf(from)) return std::min(bucket.count, total);
        return std::min(below + (bucket.count - below) * (value - from) / (to - from), total);
      }
      below = bucket.count;
      from = to;
    }
    return total;
  };
  return (rank_of(upper) - rank_of(lower)) / total;
}

std::optional<double> ParseBound(std::string_view text) {
  if (text.empty() || text.find_first_of(" \t\n\r\v\f(") != std::string_view::npos) {
    return std::nullopt;
  }
  const std::string copy(text);
  char* end = nullptr;
  const double value = std::strtod(copy.c_str(), &end);
  if (end != copy.c_str() + copy.size()) return std::nullopt;
  return value;
}

}  // namespace thermocline::promql
