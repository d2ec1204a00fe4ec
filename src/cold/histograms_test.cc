// The `histograms` table: every field back, beside floats and alone, whatever is done to blocks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <random>

#include "cold/block_reader.h"
#include "cold/cold_tier_case.h"
#include "cold/test_histograms.h"
#include "cold/test_series.h"
#include "env/posix/posix_file_system.h"

namespace thermocline {
namespace {

using ::testing::HasSubstr;

constexpr TimestampMs kDay = kColdTestDay;
constexpr TimeRange kAlways{kMinTimestampMs, kMaxTimestampMs};

using Answer = std::map<std::string, TestSeries>;

class HistogramsTest : public ColdTierCase {
 protected:
  std::vector<BlockEntry> Add(const std::vector<TestSeries>& series) {
    auto entries = tier_->WriteBlocks(TestSeriesSet(series), {});
    EXPECT_TRUE(entries.ok()) << entries.status().ToString();
    EXPECT_TRUE(tier_->Install(*entries).ok());
    return *entries;
  }
  Answer Read(const SelectRequest& request, size_t step = 1024) {
    auto set = tier_->Select(request);
    EXPECT_TRUE(set.ok()) << set.status().ToString();
    EXPECT_TRUE((*set)->warnings().empty()) << (*set)->warnings()[0];
    auto all = ReadAll(**set, step);
    EXPECT_TRUE(all.ok()) << all.status().ToString();
    return all.ok() ? *std::move(all) : Answer();
  }
  Answer All() {
    SelectRequest request;
    request.range = kAlways;
    return Read(request);
  }
  std::vector<BlockId> Ids() {
    std::vector<BlockId> ids;
    for (const BlockEntry& entry : tier_->entries()) ids.push_back(entry.id);
    return ids;
  }
};

// Blocks of several days are sources of their own: where one begins, the hint is not known.
void ForgetHintsAtBlocks(TestSeries* series) {
  const auto day = [&](size_t i) { return FloorTo(series->times[i], kDayMs); };
  if (series->times.empty() || day(0) == day(series->times.size() - 1)) return;
  for (auto& [place, histogram] : series->histograms) {
    if (place > 0 && day(place - 1) == day(place)) continue;
    if (histogram.reset_hint == CounterResetHint::kGauge) continue;
    histogram.reset_hint = CounterResetHint::kUnknown;
  }
}

// What a selection of these series over `range` must give.
Answer Expected(const std::vector<TestSeries>& series, const TimeRange& range = kAlways) {
  Answer all;
  for (const TestSeries& one : series) {
    TestSeries cut{one.labels};
    for (size_t i = 0; i < one.times.size(); ++i) {
      if (!range.Contains(one.times[i])) continue;
      if (!one.starts.empty()) cut.starts.push_back(one.starts[i]);
      const auto it = one.histograms.find(i);
      if (it == one.histograms.end()) cut.Add(one.times[i], one.values[i]);
      if (it != one.histograms.end()) cut.Add(one.times[i], it->second);
    }
    ForgetHintsAtBlocks(&cut);
    if (!cut.times.empty()) all.emplace(cut.labels.packed(), std::move(cut));
  }
  return all;
}

void ExpectSame(const Answer& found, const Answer& wanted) {
  EXPECT_EQ(found.size(), wanted.size());
  for (const auto& [key, one] : wanted) {
    const auto it = found.find(key);
    ASSERT_NE(it, found.end()) << one.labels.ToString();
    EXPECT_TRUE(it->second == one) << one.labels.ToString();
  }
}

enum class Mix { kFloats, kHistograms, kBoth };

// `count` series of metrics that overlap in names, from midnight on.
std::vector<TestSeries> RandomSeries(std::mt19937_64& random, int count, int64_t step_ms,
                                     bool starts) {
  std::vector<TestSeries> series;
  for (int s = 0; s < count; ++s) {
    TestSeries one{Labels{{"__name__", "m" + std::to_string(s % 3)}, {"id", std::to_string(s)}}};
    const auto mix = static_cast<Mix>(random() % 3);
    TimestampMs t = kDay + static_cast<int64_t>(random() % kHourMs);
    for (size_t i = random() % 90; i > 0; --i) {
      if (mix == Mix::kHistograms || (mix == Mix::kBoth && random() % 2)) {
        one.Add(t, RandomHistogram(random));
      } else {
        one.Add(t, RandomFloat(random));
      }
      if (starts) one.starts.push_back(random() % 3 == 0 ? 0 : t - 1000);
      t += 1 + static_cast<int64_t>(random() % static_cast<uint64_t>(step_ms));
    }
    series.push_back(std::move(one));
  }
  return series;
}

TEST_F(HistogramsTest, EveryFieldComesBackBesideFloatsAndAlone) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    // Within a day, or over some.
    const int64_t step_ms = seed % 2 == 0 ? kMinuteMs : kHourMs;
    std::vector<TestSeries> series = RandomSeries(random, 60, step_ms, seed % 3 == 0);
    std::shuffle(series.begin(), series.end(), random);
    Add(series);
    ExpectSame(All(), Expected(series));
    SelectRequest part;
    part.range = {kDay + 20 * kMinuteMs, kDay + 80 * kMinuteMs};
    part.hints.sorted = seed % 4 < 2;
    part.matchers.push_back(*Matcher::Make(MatchType::kRegex, "__name__", "m[01]"));
    std::vector<TestSeries> named;
    for (const TestSeries& one : series) {
      if (one.labels.view().metric_name() != "m2") named.push_back(one);
    }
    ExpectSame(Read(part, 1 + random() % 20), Expected(named, part.range));
    EXPECT_TRUE(tier_->CheckAll()->empty());
    ASSERT_TRUE(tier_->RemoveBlocks(Ids()).ok());
  }
}

// The mapping that FORMAT.md 2 promises: leaves of the file's nested struct, and what stands in
// them.
using TestHistogramMapping = HistogramsTest;

TEST_F(TestHistogramMapping, EachFieldHasItsLeafOfTheNestedStruct) {
  TestSeries one{Labels{{"__name__", "h"}}};
  Histogram whole;
  whole.schema = 3;
  whole.zero_threshold = 0.25;
  whole.zero_count = 2;
  whole.count = 12;
  whole.sum = -1.5;
  whole.positive_spans = {{-2, 1}, {3, 2}};
  whole.positive_counts = {1, 2, 3};
  whole.negative_spans = {{7, 1}};
  whole.negative_counts = {4};
  one.Add(kDay, whole);
  Histogram custom;
  custom.kind = SampleKind::kFloatHistogram;
  custom.schema = kCustomBoundsSchema;
  custom.float_count = 2.5;
  custom.sum = 8;
  custom.positive_spans = {{1, 2}};
  custom.positive_floats = {0.5, 2};
  custom.custom_bounds = {0.1, 5};
  one.Add(kDay + 1000, custom);
  const BlockEntry block = Add({one}).at(0);
  ExpectSame(All(), Expected({one}));
  const auto index = tier_->ReadFileIndex(*block.Find(BlockFileKind::kHistograms));
  ASSERT_TRUE(index.ok());
  std::vector<std::string> leaves;
  for (const columnar::ColumnSpec& column : (*index)->schema().columns) {
    if (column.groups != std::vector<std::string>{"histogram"}) continue;
    const char* const type = column.type == columnar::ColumnType::kInt64    ? " int64"
                             : column.type == columnar::ColumnType::kDouble ? " double"
                                                                            : " string";
    leaves.push_back(column.path() + type + (column.optional ? "?" : ""));
  }
  EXPECT_EQ(leaves, (std::vector<std::string>{
                        "histogram.kind string",
                        "histogram.schema int64",
                        "histogram.reset_hint string",
                        "histogram.zero_threshold double",
                        "histogram.sum double?",
                        "histogram.count int64?",
                        "histogram.zero_count int64?",
                        "histogram.float_count double?",
                        "histogram.float_zero_count double?",
                        "histogram.positive_spans.list.element.offset int64",
                        "histogram.positive_spans.list.element.length int64",
                        "histogram.negative_spans.list.element.offset int64",
                        "histogram.negative_spans.list.element.length int64",
                        "histogram.positive_counts.list.element int64",
                        "histogram.negative_counts.list.element int64",
                        "histogram.positive_float_counts.list.element double",
                        "histogram.negative_float_counts.list.element double",
                        "histogram.custom_bounds.list.element double",
                    }));
}

TEST_F(HistogramsTest, ATableWithoutRowsHasNoFile) {
  std::mt19937_64 random(1);
  TestSeries floats{Labels{{"__name__", "f"}}};
  TestSeries histograms{Labels{{"__name__", "h"}, {"histogram", "x"}, {"histogram.sum", "y"}}};
  for (int i = 0; i < 200; ++i) {
    floats.Add(kDay + i * 1000, i);
    histograms.Add(kDay + i * 1000, RandomHistogram(random));
  }
  const BlockEntry alone = Add({histograms}).at(0);
  EXPECT_EQ(alone.Find(BlockFileKind::kSamples), nullptr);
  ASSERT_NE(alone.Find(BlockFileKind::kHistograms), nullptr);
  EXPECT_EQ(alone.Find(BlockFileKind::kHistograms)->key,
            "histograms/date=2023-12-09/" + alone.id.ToString() + ".parquet");
  EXPECT_EQ(alone.samples, 200u);
  ExpectSame(All(), Expected({histograms}));
  const BlockEntry without = Add({floats}).at(0);
  EXPECT_EQ(without.Find(BlockFileKind::kHistograms), nullptr);
  const auto index = tier_->ReadFileIndex(*without.Find(BlockFileKind::kSeries));
  ASSERT_TRUE(index.ok());
  for (const columnar::ColumnSpec& column : (*index)->schema().columns) {
    EXPECT_FALSE(column.path().starts_with("histogram"));
  }
  ExpectSame(All(), Expected({floats, histograms}));
  // Series of histograms are found by their labels as any other.
  LabelRequest labels;
  labels.range = kAlways;
  EXPECT_EQ(*tier_->LabelValues("histogram.sum", labels), std::vector<std::string>{"y"});
  SelectRequest unknown;
  unknown.range = kAlways;
  unknown.matchers.push_back(Matcher::Equal("histogram.sum", "z"));
  EXPECT_TRUE(Read(unknown).empty());
}

TEST_F(HistogramsTest, ATableWrittenBeforeThereWereAnyIsReadAndGoesOn) {
  const std::filesystem::path golden =
      std::filesystem::path(__FILE__).parent_path() / "testdata" / "floats";
  tier_.reset();
  env_.files.LoadImage({});
  PosixFileSystem real;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(golden)) {
    if (!entry.is_regular_file()) continue;
    const auto bytes = real.ReadFile(entry.path().string());
    ASSERT_TRUE(bytes.ok());
    env_.files.PutFile("data/cold" + entry.path().string().substr(golden.string().size()), *bytes);
  }
  Reopen();
  EXPECT_FALSE(summary_.rebuilt);
  Answer wanted = All();
  EXPECT_EQ(wanted.size(), 102u);
  EXPECT_EQ(wanted.count(Labels{{"foo", "bar"}}.packed()), 1u);
  EXPECT_TRUE(tier_->CheckAll()->empty());
  // Merged with a block that has some.
  std::mt19937_64 random(8);
  TestSeries both{Labels{{"bar", "7"}}};
  both.Add(0, wanted.at(both.labels.packed()).values.at(0));
  for (int i = 1; i < 30; ++i) both.Add(i * 1000, RandomHistogram(random));
  Add({both});
  const Answer before = All();
  EXPECT_EQ(before.at(both.labels.packed()).histograms.size(), 29u);
  auto merged = tier_->WriteMerged(Ids());
  ASSERT_TRUE(merged.ok()) << merged.status().ToString();
  ASSERT_TRUE(tier_->Install(*merged).ok());
  ExpectSame(All(), before);
}

TEST_F(HistogramsTest, OnlyThePagesAskedForAreRead) {
  std::mt19937_64 random(5);
  std::vector<TestSeries> series;
  for (int s = 0; s < 40; ++s) {
    TestSeries one{Labels{{"__name__", s < 20 ? "f" : "h"}, {"id", std::to_string(s)}}};
    for (int i = 0; i < 240; ++i) {
      const TimestampMs t = kDay + i * kMinuteMs;
      s < 20 ? one.Add(t, i) : one.Add(t, RandomHistogram(random));
    }
    series.push_back(std::move(one));
  }
  Add(series);
  const auto select = [&](const std::string& id, ReadCounters* counters) {
    SelectRequest request;
    request.range = {kDay, kDay + 30 * kMinuteMs};
    request.matchers.push_back(Matcher::Equal("id", id));
    request.counters = counters;
    return Read(request);
  };
  ReadCounters of_float;
  EXPECT_EQ(select("3", &of_float).size(), 1u);
  ReadCounters of_histogram;
  EXPECT_EQ(select("30", &of_histogram).size(), 1u);
  EXPECT_EQ(of_float.cold_samples.load(), 31u);
  EXPECT_EQ(of_histogram.cold_samples.load(), 31u);
  // 31 rows lie in two pages of 64 at most; of 20 columns or so.
  EXPECT_LE(of_histogram.rows_read.load(), 64u * 3 + 64u * 2);
  // The float's select looked at no page of `histograms`.
  ReadCounters again;
  EXPECT_EQ(select("4", &again).size(), 1u);
  EXPECT_LT(again.pages_considered.load(), of_histogram.pages_considered.load());
  EXPECT_LE(again.requests.load(), 4u);
}

TEST_F(HistogramsTest, CompactionKeepsThem) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    for (int n = 0; n < 4; ++n) Add(RandomSeries(random, 40, 3 * kMinuteMs, n == 2));
    const Answer before = All();
    auto merged = tier_->WriteMerged(Ids());
    ASSERT_TRUE(merged.ok()) << merged.status().ToString();
    ASSERT_TRUE(tier_->Install(*merged).ok());
    ASSERT_EQ(tier_->entries().size(), 1u);
    ExpectSame(All(), before);
    EXPECT_TRUE(tier_->CheckAll()->empty());
    Reopen();
    ExpectSame(All(), before);
    ASSERT_TRUE(tier_->RemoveBlocks(Ids()).ok());
  }
}

TEST_F(HistogramsTest, LargeMetricsAreCutIntoSlices) {
  std::mt19937_64 random(9);
  std::vector<TestSeries> series;
  for (int s = 0; s < 3; ++s) {
    TestSeries one{Labels{{"__name__", "h"}, {"id", std::to_string(s)}}};
    for (int64_t t = s; t < kDayMs; t += 20 * kSecondMs) {
      const bool is_float = s == 2 && random() % 3 == 0;
      is_float ? one.Add(kDay + t, 1.0) : one.Add(kDay + t, RandomHistogram(random));
    }
    series.push_back(std::move(one));
  }
  const BlockEntry entry = Add(series).at(0);
  const auto index = tier_->ReadFileIndex(*entry.Find(BlockFileKind::kSeries));
  ASSERT_TRUE(index.ok());
  EXPECT_TRUE((*index)->schema().Find("histogram.more_rows").has_value());
  ExpectSame(All(), Expected(series));
}

TEST_F(HistogramsTest, EveryFlippedByteIsAnErrorThatNamesTheFileOrTheSameAnswer) {
  std::mt19937_64 random(4);
  TestSeries one{Labels{{"__name__", "h"}}};
  for (int i = 0; i < 6; ++i) one.Add(kDay + i * kMinuteMs, RandomHistogram(random));
  const BlockEntry entry = Add({one}).at(0);
  const BlockFile& file = *entry.Find(BlockFileKind::kHistograms);
  const std::string bytes = *env_.files.ReadFile("data/cold/" + file.key);
  SelectRequest request;
  request.range = kAlways;
  size_t damaged = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    SCOPED_TRACE(i);
    std::string flipped = bytes;
    flipped[i] = static_cast<char>(flipped[i] ^ (1 << (i % 8)));
    env_.files.PutFile("data/cold/" + file.key, flipped);
    Reopen();
    auto set = tier_->Select(request);
    ASSERT_TRUE(set.ok()) << set.status().ToString();
    std::string error = (*set)->warnings().empty() ? "" : (*set)->warnings()[0];
    const auto all = ReadAll(**set);
    if (!all.ok()) error = all.status().ToString();
    if (error.empty()) {
      ExpectSame(*all, Expected({one}));
      continue;
    }
    ++damaged;
    EXPECT_THAT(error, HasSubstr(file.key));
    EXPECT_EQ(tier_->quarantined(), std::vector<BlockId>{entry.id});
  }
  EXPECT_GT(damaged, bytes.size() / 2);
}

TEST_F(HistogramsTest, WhatIsNoHistogramIsRefused) {
  Histogram h;
  h.positive_spans = {{0, 3}};
  h.positive_counts = {1, 2};
  TestSeries one{Labels{{"__name__", "h"}}};
  one.Add(kDay, h);
  const auto refused = tier_->WriteBlocks(TestSeriesSet({one}), {});
  EXPECT_EQ(refused.status().code(), Code::kInvalidArgument) << refused.status().ToString();
  EXPECT_THAT(refused.status().ToString(), HasSubstr("buckets"));
  EXPECT_TRUE(All().empty());
}

}  // namespace
}  // namespace thermocline
