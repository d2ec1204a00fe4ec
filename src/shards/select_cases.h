// The eleven questions that the Go library of parquet-common is measured by, their data, and what
// it needs for each (its BenchmarkSelect, published 2025-12-11). For the benchmark and its test.
#pragma once

#include <fmt/core.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "base/check.h"
#include "model/queryable.h"
#include "shards/sample_merge.h"
#include "shards/shard_options.h"

namespace thermocline::shards {

// Every combination of metrics, environments, instances, regions, services and zones once, in label
// order, with one sample at time 0.
class SelectData final : public SeriesSet {
 public:
  explicit SelectData(uint32_t instances = 100)
      : values_{Values("test_metric_", 5),      Values("environment-", 3),
                Values("instance-", instances), Values("region-", 5),
                Values("service-", 20),         Values("zone-", 10)} {
    for (const auto& values : values_) count_ *= values.size();
  }

  size_t series_count() const override { return count_; }
  SeriesId id(size_t series) const override { return SeriesId(series + 1); }
  Labels labels(size_t series) const override {
    static constexpr std::string_view kNames[] = {"__name__", "environment", "instance",
                                                  "region",   "service",     "zone"};
    LabelsBuilder builder;
    for (size_t i = values_.size(); i-- > 0;) {
      builder.Set(std::string(kNames[i]), values_[i][series % values_[i].size()]);
      series /= values_[i].size();
    }
    return builder.Build();
  }
  // In [0, 1), with as many random bits as a double there has.
  static double Value(size_t series) {
    uint64_t x = (series + 1) * 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return static_cast<double>((x ^ (x >> 31)) >> 11) * 0x1p-53;
  }
  Status Read(std::span<const uint32_t> series, SeriesBatch* out) const override {
    out->Clear();
    for (const uint32_t i : series) {
      out->timestamps_ms.push_back(0);
      out->values.push_back(Value(i));
      out->offsets.push_back(static_cast<uint32_t>(out->timestamps_ms.size()));
    }
    return Status::Ok();
  }
  const std::vector<std::string>& warnings() const override { return warnings_; }

 private:
  static std::vector<std::string> Values(std::string_view prefix, uint32_t count) {
    std::vector<std::string> values;
    for (uint32_t i = 0; i < count; ++i) values.push_back(fmt::format("{}{}", prefix, i));
    std::sort(values.begin(), values.end());
    return values;
  }

  const std::vector<std::vector<std::string>> values_;
  size_t count_ = 1;
  std::vector<std::string> warnings_;
};

// Row groups of 500 rows. A page buffer of 300 bytes is looked at after batches of 42 rows, of
// which each is more than that: so many rows have its pages, of every column.
inline ShardWriterOptions SelectWriterOptions() {
  ShardWriterOptions options;
  options.range = {0, 0};
  options.column_ms = kHourMs;
  options.row_group_rows = 500;
  options.label_page_rows = 42;
  return options;
}
inline constexpr TimeRange kSelectRange{0, 120};

struct SelectCase {
  const char* name;
  std::vector<Matcher> matchers;
  uint64_t requests;  // the Go library's
  uint64_t bytes;
  double milliseconds;  // wall time, on four cores
};

inline std::vector<SelectCase> SelectCases() {
  const auto is = [](const char* name, const char* value) { return Matcher::Equal(name, value); };
  const auto regex = [](MatchType type, const char* name, const char* value) {
    auto made = Matcher::Make(type, name, value);
    CHECK_OK(made.status());
    return *std::move(made);
  };
  constexpr MatchType kLike = MatchType::kRegex;
  constexpr MatchType kUnlike = MatchType::kNotRegex;
  const Matcher one = is("__name__", "test_metric_1");
  const Matcher three = regex(kLike, "__name__", "test_metric_[1-3]");
  const char* const negative = "(instance-1.*|instance-2.*)";
  return {
      {"SingleMetricAllSeries", {one}, 5'400, 5'684'006, 757},
      {"SingleMetricReducedSeries", {one, is("instance", "instance-1")}, 60, 59'554, 15.2},
      {"SingleMetricOneSeries",
       {one, is("instance", "instance-2"), is("region", "region-1"), is("zone", "zone-3"),
        is("service", "service-10"), is("environment", "environment-1")},
       14,
       4'998,
       10.8},
      {"SingleMetricSparseSeries",
       {one, is("service", "service-1"), is("environment", "environment-0")},
       2'200,
       1'561'142,
       63.6},
      {"NonExistentSeries", {one, is("environment", "non-existent-environment")}, 0, 0, 7.9},
      {"MultipleMetricsRange",
       {regex(kLike, "__name__", "test_metric_[1-5]")},
       21'600,
       22'735'606,
       2'958},
      {"MultipleMetricsSparse",
       {regex(kLike, "__name__", "test_metric_(1|5|10|15|20)")},
       7'200,
       6'495'846,
       791},
      {"NegativeRegexSingleMetric",
       {one, regex(kUnlike, "instance", negative)},
       4'944,
       4'762'058,
       626},
      {"NegativeRegexMultipleMetrics",
       {three, regex(kUnlike, "instance", negative)},
       14'832,
       14'286'338,
       1'853},
      {"ExpensiveRegexSingleMetric",
       {one,
        regex(kLike, "instance", "(container-1|instance-2|container-3|instance-4|container-5)")},
       516,
       296'968,
       32.6},
      {"ExpensiveRegexMultipleMetrics",
       {three,
        regex(kLike, "instance", "(instance-1|instance-2|instance-3|instance-4|instance-5)")},
       2'340,
       1'540'668,
       150},
  };
}

}  // namespace thermocline::shards
