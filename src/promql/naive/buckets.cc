// Classic histograms in the naive evaluator (promql-semantics 2.13, 2.14).
#include <algorithm>
#include <cmath>
#include <limits>

#include "promql/naive/evaluator.h"
#include "promql/test_script/series_line.h"

namespace thermocline::promql::naive {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

struct Bucket {
  double upper = 0;
  double count = 0;  // cumulative
};

struct Histogram {
  Labels labels;  // without le
  std::vector<Bucket> buckets;
};

std::vector<Histogram> HistogramsOf(const Vector& vector) {
  std::vector<Histogram> histograms;
  for (const Element& element : vector) {
    double upper = 0;
    if (!ParseSignedNumber(element.labels.Get(kBucketLabel), &upper)) continue;
    const Labels labels = LabelsBuilder(element.labels).Remove(kBucketLabel).Build();
    auto found = std::find_if(histograms.begin(), histograms.end(),
                              [&](const Histogram& h) { return h.labels == labels; });
    if (found == histograms.end()) found = histograms.insert(found, {labels, {}});
    found->buckets.push_back({upper, element.value});
  }
  for (Histogram& histogram : histograms) {
    std::sort(histogram.buckets.begin(), histogram.buckets.end(),
              [](const Bucket& a, const Bucket& b) { return a.upper < b.upper; });
  }
  return histograms;
}

std::vector<Bucket> Coalesced(const std::vector<Bucket>& buckets) {
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

double QuantileOfBuckets(double q, std::vector<Bucket> buckets) {
  if (std::isnan(q)) return kNan;
  if (q < 0) return -kInf;
  if (q > 1) return kInf;
  if (buckets.back().upper != kInf) return kNan;
  buckets = Coalesced(buckets);
  for (size_t i = 1; i < buckets.size(); ++i) {
    const double before = buckets[i - 1].count;
    const double sum = std::fabs(before) + std::fabs(buckets[i].count);
    const bool same = std::fabs(before - buckets[i].count) < 1e-12 * sum;
    if (buckets[i].count < before || same) buckets[i].count = before;
  }
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

// The cumulative count up to `bound`, linear within a bucket.
double RankOf(double bound, const std::vector<Bucket>& buckets) {
  double lower = buckets.front().upper > 0 ? 0 : -kInf;
  double below = 0;
  for (const Bucket& bucket : buckets) {
    if (bound <= lower) return below;
    if (bound < bucket.upper) {
      if (std::isinf(lower)) return bucket.count;
      if (std::isinf(bucket.upper)) return below;
      return below + (bucket.count - below) * (bound - lower) / (bucket.upper - lower);
    }
    lower = bucket.upper;
    below = bucket.count;
  }
  return below;
}

double FractionOfBuckets(double lower, double upper, std::vector<Bucket> buckets) {
  if (buckets.back().upper != kInf) return kNan;
  buckets = Coalesced(buckets);
  const double total = buckets.back().count;
  if (total == 0 || std::isnan(total) || std::isnan(lower) || std::isnan(upper)) return kNan;
  if (lower >= upper) return 0;
  // Counts that are not cumulative could exceed the total.
  const auto rank = [&](double bound) { return std::min(RankOf(bound, buckets), total); };
  return (rank(upper) - rank(lower)) / total;
}

}  // namespace

Vector ClassicQuantile(double q, const Vector& vector) {
  Vector out;
  for (const Histogram& histogram : HistogramsOf(vector)) {
    out.push_back({histogram.labels, QuantileOfBuckets(q, histogram.buckets)});
  }
  return out;
}

Vector ClassicFraction(double lower, double upper, const Vector& vector) {
  Vector out;
  for (const Histogram& histogram : HistogramsOf(vector)) {
    out.push_back({histogram.labels, FractionOfBuckets(lower, upper, histogram.buckets)});
  }
  return out;
}

}  // namespace thermocline::promql::naive
