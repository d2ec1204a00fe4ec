// Classic histograms in the naive evaluator (promql-semantics 2.13, 2.14).
#pragma once

#include <optional>
#include <vector>

#include "promql/naive/notes.h"
#include "promql/naive/values.h"

namespace thermocline::promql::naive {

struct Bucket {
  double upper = 0;
  double count = 0;  // cumulative
};

struct ClassicHistogram {
  Labels labels;  // without le
  bool drop_name = false;
  std::vector<Bucket> buckets;
};

// What an le label says; nullopt when it is no number.
std::optional<double> BoundOf(const Labels& labels);
// `repair` is set when counts that fell had to be raised.
double QuantileOfBuckets(double q, std::vector<Bucket> buckets,
                         std::optional<BucketRepair>* repair);
double FractionOfBuckets(double lower, double upper, std::vector<Bucket> buckets);

}  // namespace thermocline::promql::naive
