// What selects cost: the eleven of the Go library's benchmark on a part of its data, and one
// series out of a shard with large pages.
#include <gtest/gtest.h>

#include <map>

#include "bucket/local_bucket.h"
#include "env/simulated/simulated_file_system.h"
#include "shards/counted_bucket.h"
#include "shards/select_cases.h"
#include "shards/shard_queryable.h"
#include "shards/shard_writer.h"

namespace thermocline::shards {
namespace {

constexpr uint32_t kInstances = 3;  // of 100

class SelectCasesTest : public testing::Test {
 protected:
  SelectCasesTest() : local_(memory_, "/out"), bucket_(local_) {}

  ShardQueryable Open() {
    columnar::ReadStats stats;
    auto shards = OpenShards(bucket_, *FindShards(bucket_, "s/"), {}, &stats);
    EXPECT_TRUE(shards.ok()) << shards.status().ToString();
    bucket_.counts().Reset();
    return ShardQueryable(*shards);
  }

  SimulatedFileSystem memory_;
  LocalBucket local_;
  CountedBucket bucket_;
};

// Reads all samples of what `matchers` select; returns how many series there are.
size_t ReadAll(const ShardQueryable& source, const std::vector<Matcher>& matchers, TimeRange range,
               double* sum) {
  SelectRequest request;
  request.matchers = matchers;
  request.range = range;
  request.hints.sorted = true;
  const auto set = source.Select(request);
  EXPECT_TRUE(set.ok()) << set.status().ToString();
  SeriesBatch batch;
  std::vector<uint32_t> wanted;
  for (uint32_t i = 0; i < (*set)->series_count(); ++i) {
    wanted.push_back(i);
    if (wanted.size() < 1024 && i + 1 < (*set)->series_count()) continue;
    EXPECT_TRUE((*set)->Read(wanted, &batch).ok());
    for (const double value : batch.values) *sum += value;
    wanted.clear();
  }
  return (*set)->series_count();
}

TEST_F(SelectCasesTest, ReadLessThanTheGoLibraryInFewerRequests) {
  const SelectData data(kInstances);
  ASSERT_TRUE(WriteShards(data, local_, "s/", SelectWriterOptions()).ok());
  const ShardQueryable source = Open();
  EXPECT_EQ(source.shards()[0]->labels().index->row_groups(), data.series_count() / 500);
  // Rows of each case in the benchmark's own data: its requests and bytes are by row group.
  const std::map<std::string, double> theirs = {{"SingleMetricAllSeries", 300'000},
                                                {"SingleMetricReducedSeries", 3'000},
                                                {"SingleMetricOneSeries", 1},
                                                {"SingleMetricSparseSeries", 5'000},
                                                {"NonExistentSeries", 0},
                                                {"MultipleMetricsRange", 1'200'000},
                                                {"MultipleMetricsSparse", 300'000},
                                                {"NegativeRegexSingleMetric", 234'000},
                                                {"NegativeRegexMultipleMetrics", 702'000},
                                                {"ExpensiveRegexSingleMetric", 6'000},
                                                {"ExpensiveRegexMultipleMetrics", 45'000}};
  std::vector<Labels> all;
  for (size_t i = 0; i < data.series_count(); ++i) all.push_back(data.labels(i));
  for (const SelectCase& one : SelectCases()) {
    size_t series = 0;
    double expected = 0;
    for (size_t i = 0; i < all.size(); ++i) {
      if (!MatchesAll(one.matchers, all[i])) continue;
      ++series;
      expected += SelectData::Value(i);
    }
    bucket_.counts().Reset();
    double sum = 0;
    ASSERT_EQ(ReadAll(source, one.matchers, kSelectRange, &sum), series) << one.name;
    EXPECT_NEAR(sum, expected, 1e-9 * expected) << one.name;
    const double share =
        theirs.at(one.name) == 0 ? 1 : static_cast<double>(series) / theirs.at(one.name);
    const auto requests = static_cast<double>(bucket_.counts().requests);
    const auto bytes = static_cast<double>(bucket_.counts().bytes);
    EXPECT_LE(requests, 0.6 * share * static_cast<double>(one.requests)) << one.name;
    EXPECT_LE(bytes, 0.75 * share * static_cast<double>(one.bytes)) << one.name;
    RecordProperty(one.name, fmt::format("{} {}", requests, bytes));
  }
  EXPECT_LE(source.most_rounds(), 3u);
}

// 6,000 series with a pod each, in pages as converters write them.
class PodData final : public SeriesSet {
 public:
  static constexpr size_t kSamples = 4;
  size_t series_count() const override { return 6'000; }
  SeriesId id(size_t i) const override { return SeriesId(i + 1); }
  Labels labels(size_t i) const override {
    return Labels{{"__name__", fmt::format("metric_{:03}", i / 100)},
                  {"instance", fmt::format("10.0.0.{}:9100", i % 100)},
                  {"job", fmt::format("job-{}", i % 20)},
                  {"pod", fmt::format("pod-{:08x}", i * 2654435761 % (1u << 31))}};
  }
  Status Read(std::span<const uint32_t> series, SeriesBatch* out) const override {
    out->Clear();
    for (const uint32_t i : series) {
      for (size_t k = 0; k < kSamples; ++k) {
        out->timestamps_ms.push_back(static_cast<int64_t>(k) * kMinuteMs);
        out->values.push_back(i);
      }
      out->offsets.push_back(static_cast<uint32_t>(out->timestamps_ms.size()));
    }
    return Status::Ok();
  }
  const std::vector<std::string>& warnings() const override { return warnings_; }

 private:
  std::vector<std::string> warnings_;
};

TEST_F(SelectCasesTest, FindOnePodOfAMetricInThreeRounds) {
  const PodData data;
  ShardWriterOptions options;
  options.range = {0, kHourMs - 1};
  ASSERT_TRUE(WriteShards(data, local_, "s/", options).ok());
  const ShardQueryable source = Open();
  const Labels wanted = data.labels(3'456);
  const auto is = [&](const char* name) {
    return Matcher::Equal(name, std::string(wanted.Get(name)));
  };
  double sum = 0;
  EXPECT_EQ(ReadAll(source, {is("__name__"), is("pod")}, options.range, &sum), 1u);
  EXPECT_EQ(sum, 3'456.0 * PodData::kSamples);
  // Matchers' pages; then the other labels' and the chunks' at the same time.
  EXPECT_EQ(source.most_rounds(), 2u);
  EXPECT_LE(bucket_.counts().requests.load(), 6u);
}

TEST_F(SelectCasesTest, AskNothingThatThePageIndexTells) {
  ASSERT_TRUE(WriteShards(SelectData(1), local_, "s/", SelectWriterOptions()).ok());
  const ShardQueryable source = Open();
  // No page holds rows of two metrics, or of two environments.
  ShardReads reads;
  const auto matched = source.shards()[0]->Match(
      {*Matcher::Make(MatchType::kRegex, "__name__", ".*_metric_[13]"),
       *Matcher::Make(MatchType::kNotEqual, "environment", "environment-1")},
      &reads);
  ASSERT_TRUE(matched.ok());
  EXPECT_EQ(*matched, (std::vector<RowRange>{
                          {3'000, 1'000}, {5'000, 1'000}, {9'000, 1'000}, {11'000, 1'000}}));
  EXPECT_EQ(reads.rounds, 0u);
  EXPECT_EQ(bucket_.counts().requests.load(), 0u);
}

}  // namespace
}  // namespace thermocline::shards
