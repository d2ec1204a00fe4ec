// SeriesSet -> block -> SeriesSet: nothing lost, nothing changed.
#include <gtest/gtest.h>

#include <bit>
#include <random>

#include "cold/cold_tier.h"
#include "cold/test_series.h"
#include "env/simulated/simulated_env.h"

namespace thermocline {
namespace {

constexpr TimestampMs kDay = 19'700 * kDayMs;  // 2023-12-09

ColdTierOptions SmallPages() {
  ColdTierOptions options;
  options.directory = "data/cold";
  options.writer.page_rows = 64;
  options.writer.series_page_rows = 64;
  options.writer.row_group_rows = 512;
  return options;
}

std::unique_ptr<ColdTier> OpenTier(SimulatedEnv& env, const ColdTierOptions& options) {
  ColdOpenSummary summary;
  auto tier = ColdTier::Open(options, env.env(), true, &summary);
  EXPECT_TRUE(tier.ok()) << tier.status().ToString();
  return tier.ok() ? *std::move(tier) : nullptr;
}

// Writes the series, installs them and reads everything back.
std::map<std::string, TestSeries> RoundTrip(ColdTier& tier, const std::vector<TestSeries>& series,
                                            const BlockRequest& request = {}) {
  auto entries = tier.WriteBlocks(TestSeriesSet(series), request);
  EXPECT_TRUE(entries.ok()) << entries.status().ToString();
  if (!entries.ok()) return {};
  const Status installed = tier.Install(*entries);
  EXPECT_TRUE(installed.ok()) << installed.ToString();
  SelectRequest select;
  select.range = {kMinTimestampMs, kMaxTimestampMs};
  auto set = tier.Select(select);
  EXPECT_TRUE(set.ok()) << set.status().ToString();
  if (!set.ok()) return {};
  EXPECT_TRUE((*set)->warnings().empty()) << (*set)->warnings()[0];
  auto all = ReadAll(**set);
  EXPECT_TRUE(all.ok()) << all.status().ToString();
  return all.ok() ? *std::move(all) : std::map<std::string, TestSeries>();
}

void ExpectEqual(const std::map<std::string, TestSeries>& read,
                 const std::vector<TestSeries>& written) {
  size_t with_samples = 0;
  for (const TestSeries& series : written) {
    if (series.times.empty()) continue;
    ++with_samples;
    const auto it = read.find(series.labels.packed());
    ASSERT_NE(it, read.end()) << series.labels.ToString();
    EXPECT_TRUE(it->second == series) << series.labels.ToString();
  }
  EXPECT_EQ(read.size(), with_samples);
}

TEST(BlockConversionTest, EveryBitPatternComesBack) {
  SimulatedEnv env;
  auto tier = OpenTier(env, SmallPages());
  const uint64_t patterns[] = {kStaleBits,
                               kNormalNanBits,
                               0x7ff8000000000000ull,
                               0xfff8000000000123ull,
                               0x7ff0000000000001ull,
                               0x7ff0000000000000ull,
                               0xfff0000000000000ull,
                               0x8000000000000000ull,
                               0,
                               1,
                               0x3ff0000000000000ull};
  TestSeries specials{Labels{{"__name__", "specials"}}};
  TestSeries stale{Labels{{"__name__", "stale"}}};
  TestSeries nan{Labels{{"__name__", "nan"}}};
  for (int i = 0; i < 200; ++i) {
    specials.Add(kDay + i * 1000, std::bit_cast<double>(patterns[i % 11]));
    stale.Add(kDay + i * 1000, StaleMarker());
    nan.Add(kDay + i * 1000, NormalNan());
  }
  const std::vector<TestSeries> series = {specials, stale, nan};
  ExpectEqual(RoundTrip(*tier, series), series);
}

TEST(BlockConversionTest, SeriesWithoutAMetricOrALabelAndWithManyLabelsComeBack) {
  SimulatedEnv env;
  auto tier = OpenTier(env, SmallPages());
  std::vector<TestSeries> series;
  series.push_back({Labels{}});
  series.push_back({Labels{{"job", "a"}}});
  series.push_back({Labels{{"__name__", "m"}}});
  series.push_back({Labels{{"Aaa", "sorts before the metric"}, {"__name__", "a"}}});
  // 150 label names: some have no column of their own.
  for (int i = 0; i < 150; ++i) {
    series.push_back(
        {Labels{{"__name__", "m"}, {"label" + std::to_string(i), "x \"quoted\" \\ \n"}}});
  }
  series.push_back({Labels{{"__name__", "m"},
                           {"value", "1"},
                           {"Value", "2"},
                           {"timestamp", "3"},
                           {"date", "4"},
                           {"série", "5"},
                           {"日本", "6"},
                           {"a.b.c", "7"},
                           {"with space", "8"},
                           {"labels", "9"},
                           {"series_id", "10"}}});
  for (size_t i = 0; i < series.size(); ++i) {
    for (int k = 0; k < 5; ++k) series[i].Add(kDay + k * 15000, static_cast<double>(i * 10 + k));
  }
  ExpectEqual(RoundTrip(*tier, series), series);
}

TEST(BlockConversionTest, ABlockNeverCrossesAUtcDay) {
  SimulatedEnv env;
  auto tier = OpenTier(env, SmallPages());
  std::vector<TestSeries> series;
  for (int s = 0; s < 5; ++s) {
    TestSeries one{Labels{{"__name__", "m"}, {"s", std::to_string(s)}}};
    for (int i = 0; i < 300; ++i) one.Add(kDay + s * 7 + i * 10 * kMinuteMs, i);
    series.push_back(one);
  }
  series.push_back({Labels{{"__name__", "empty"}}});
  TestSeries before_epoch{Labels{{"__name__", "old"}}};
  before_epoch.Add(-1, 1);
  before_epoch.Add(0, 2);
  series.push_back(before_epoch);
  BlockRequest request;
  request.flushed = {{{kDay - kHourMs, kDay + 3 * kDayMs}, Lsn(77)}};
  ExpectEqual(RoundTrip(*tier, series, request), series);
  const std::vector<BlockEntry> entries = tier->entries();
  ASSERT_EQ(entries.size(), 5u);  // 1969-12-31, 1970-01-01 and three days of 2023
  uint64_t samples = 0;
  for (const BlockEntry& entry : entries) {
    samples += entry.samples;
    EXPECT_EQ(FloorTo(entry.range.start_ms, kDayMs), FloorTo(entry.range.end_ms, kDayMs));
    for (const FlushMark& mark : entry.flushed) {
      EXPECT_EQ(FloorTo(mark.range.start_ms, kDayMs), FloorTo(mark.range.end_ms, kDayMs));
    }
  }
  EXPECT_EQ(samples, 5u * 300 + 2);
  EXPECT_EQ(entries[0].files[0].key.substr(0, 23), "samples/date=1969-12-31");
  EXPECT_EQ(entries[4].files[0].key.substr(0, 23), "samples/date=2023-12-11");
  EXPECT_EQ(tier->last_flushed_lsn(), Lsn(77));
}

TEST(BlockConversionTest, LargeMetricsAreCutIntoSlicesAndStillReadInTimeOrder) {
  SimulatedEnv env;
  auto tier = OpenTier(env, SmallPages());
  std::vector<TestSeries> series;
  // 24 h: "large" fills 64 pages of 64 rows in 2 h, "middle" 8 pages in 6 h, "small" neither.
  const auto add = [&](const std::string& metric, int count, int64_t step_ms) {
    for (int s = 0; s < count; ++s) {
      TestSeries one{Labels{{"__name__", metric}, {"s", std::to_string(s)}}};
      for (int64_t t = s; t < kDayMs; t += step_ms) one.Add(kDay + t, static_cast<double>(t * 3));
      series.push_back(one);
    }
  };
  add("large", 6, 10 * kSecondMs);
  add("middle", 5, 2 * kMinuteMs);
  add("small", 3, 10 * kMinuteMs);
  ExpectEqual(RoundTrip(*tier, series), series);
  // One hour of the large metric touches a fraction of its pages.
  ReadCounters counters;
  SelectRequest select;
  select.matchers.push_back(Matcher::Equal("__name__", "large"));
  select.range = {kDay + 5 * kHourMs, kDay + 6 * kHourMs - 1};
  select.counters = &counters;
  auto set = tier->Select(select);
  ASSERT_TRUE(set.ok());
  auto read = ReadAll(**set);
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  ASSERT_EQ(read->size(), 6u);
  for (const auto& [key, one] : *read) EXPECT_EQ(one.times.size(), 360u);
  // 6 series x 360 samples lie in about 6 x (360 / 64 + 2) pages of two columns.
  EXPECT_LT(counters.pages_read.load(), 120u);
  EXPECT_GT(counters.pages_skipped.load(), 1000u);
}

TEST(BlockConversionTest, StartTimestampsAreKeptWhenSomeSampleHasOne) {
  SimulatedEnv env;
  auto tier = OpenTier(env, SmallPages());
  std::vector<TestSeries> series;
  for (int s = 0; s < 4; ++s) {
    TestSeries one{Labels{{"__name__", "m"}, {"s", std::to_string(s)}}};
    for (int i = 0; i < 100; ++i) {
      one.Add(kDay + i * 1000, i);
      one.starts.push_back(s < 2 ? 0 : kDay - 5000 + (i / 50) * 100);
    }
    series.push_back(one);
  }
  ExpectEqual(RoundTrip(*tier, series), series);
}

TEST(BlockConversionTest, RandomSeriesComeBackWhateverTheOrderAndTheReadSize) {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    SimulatedEnv env(seed);
    ColdTierOptions options = SmallPages();
    options.writer.dictionary_max_values = 8 + random() % 40;
    auto tier = OpenTier(env, options);
    std::map<std::string, TestSeries> unique;
    for (int s = 0; s < 150; ++s) {
      LabelsBuilder labels;
      if (random() % 10 != 0) labels.Set("__name__", "metric" + std::to_string(random() % 8));
      for (int l = 0; l < 6; ++l) {
        if (random() % 2) {
          labels.Set("l" + std::to_string(random() % 10), "v" + std::to_string(random() % 60));
        }
      }
      TestSeries one{labels.Build()};
      TimestampMs t = kDay + static_cast<int64_t>(random() % kHourMs);
      const size_t count = random() % 120;
      for (size_t i = 0; i < count; ++i) {
        one.Add(
            t, std::bit_cast<double>(random() % 4 ? std::bit_cast<uint64_t>(double(i)) : random()));
        t += 1 + static_cast<int64_t>(random() % 60000);
      }
      unique.emplace(one.labels.packed(), one);
    }
    std::vector<TestSeries> series;
    series.reserve(unique.size());
    for (auto& [key, one] : unique) series.push_back(one);
    std::shuffle(series.begin(), series.end(), random);
    ExpectEqual(RoundTrip(*tier, series), series);
    SelectRequest select;
    select.range = {kDay + kHourMs / 2, kDay + kHourMs};
    select.hints.sorted = true;
    auto set = tier->Select(select);
    ASSERT_TRUE(set.ok());
    for (size_t i = 1; i < (*set)->series_count(); ++i) {
      EXPECT_TRUE(((*set)->labels(i - 1) <=> (*set)->labels(i)) < 0);
    }
    auto read = ReadAll(**set, 1 + random() % 50);
    ASSERT_TRUE(read.ok()) << read.status().ToString();
    for (const TestSeries& one : series) {
      TestSeries cut{one.labels};
      for (size_t i = 0; i < one.times.size(); ++i) {
        if (select.range.Contains(one.times[i])) cut.Add(one.times[i], one.values[i]);
      }
      const auto it = read->find(one.labels.packed());
      ASSERT_EQ(it == read->end(), cut.times.empty()) << one.labels.ToString();
      if (it != read->end()) {
        EXPECT_TRUE(it->second == cut) << one.labels.ToString();
      }
    }
  }
}

}  // namespace
}  // namespace thermocline
