// Classic histogram buckets. Source: Prometheus' promql/quantile.go; promql-semantics 2.13, 2.14.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace thermocline::promql {

struct Bucket {
  double upper_bound = 0;
  double count = 0;  // cumulative
};

// What was changed to make counts rise with the bounds.
struct BucketRepair {
  bool forced = false;
  double min_bucket = 0;
  double max_bucket = 0;
  double max_diff = 0;
};

// The q-quantile, interpolated linearly; sorts and repairs `buckets`. NaN without a +Inf bucket.
double BucketQuantile(double q, std::vector<Bucket>* buckets, BucketRepair* repair);

// The fraction of observations in [lower, upper]; sorts `buckets`.
double BucketFraction(double lower, double upper, std::vector<Bucket>* buckets);

// A bucket's bound as Go's ParseFloat reads it; nullopt for what is no number.
std::optional<double> ParseBound(std::string_view text);

}  // namespace thermocline::promql
