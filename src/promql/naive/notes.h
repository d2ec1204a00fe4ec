// Warnings and infos of the naive evaluator (promql-semantics 5).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace thermocline::promql::naive {

// What histogram_quantile changed to make the counts of classic buckets grow.
struct BucketRepair {
  double lowest = 0;   // bounds of the changed buckets
  double highest = 0;  //
  double largest_fall = 0;
};

// Each text once; the place given last stands, of repairs and overlaps the first. Positions are
// bytes of the query.
class Notes {
 public:
  void Warn(std::string text, int32_t position) { warnings_[std::move(text)] = position; }
  void Info(std::string text, int32_t position) { infos_[std::move(text)] = position; }
  void Repaired(const std::string& metric_name, const BucketRepair& repair, TimestampMs at_ms,
                int32_t position);
  void StartOverlap(const std::string& metric_name, int32_t position);

  // Complete texts, in no particular order.
  std::vector<std::string> Warnings(std::string_view query) const;
  std::vector<std::string> Infos(std::string_view query) const;

 private:
  struct Repairs {
    BucketRepair widest;
    TimestampMs first_ms, last_ms;
    int64_t count;
    int32_t position;
  };
  struct Overlaps {
    int64_t count;
    int32_t position;
  };
  std::map<std::string, int32_t> warnings_;
  std::map<std::string, int32_t> infos_;
  std::map<std::string, Repairs> repairs_;
  std::map<std::string, Overlaps> overlaps_;
};

// " for metric name \"x\"", or nothing without a name.
std::string ForMetric(std::string_view metric_name);
// Texts that several parts use.
std::string MixedFloats(std::string_view metric_name);
std::string MixedBuckets(std::string_view metric_name);
std::string IgnoredInRange(std::string_view metric_name);
std::string IgnoredInAggregation(std::string_view operation);
std::string NotACounter(std::string_view metric_name);
std::string NotAGauge(std::string_view metric_name);
std::string InvalidQuantile(double q);
// `operation`: addition, subtraction or aggregation.
std::string MismatchedBounds(std::string_view operation);
std::string ResetCollision(std::string_view operation);

}  // namespace thermocline::promql::naive
