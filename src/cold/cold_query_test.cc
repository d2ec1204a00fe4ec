// Selects against a naive evaluation, and what they cost.
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "cold/block_filter.h"
#include "cold/cold_tier.h"
#include "cold/test_series.h"
#include "env/simulated/simulated_env.h"

namespace thermocline {
namespace {

constexpr TimestampMs kDay = 19'700 * kDayMs;

class Tier {
 public:
  explicit Tier(BlockWriterOptions writer = {}) {
    ColdTierOptions options;
    options.directory = "data/cold";
    options.writer = writer;
    ColdOpenSummary summary;
    auto opened = ColdTier::Open(options, env_.env(), true, &summary);
    CHECK_OK(opened.status());
    tier_ = *std::move(opened);
  }
  ColdTier& operator*() { return *tier_; }
  ColdTier* operator->() { return tier_.get(); }
  SimulatedEnv& env() { return env_; }

  void Write(const std::vector<TestSeries>& series, uint32_t generation = 0) {
    BlockRequest request;
    request.generation = generation;
    auto entries = tier_->WriteBlocks(TestSeriesSet(series), request);
    CHECK_OK(entries.status());
    CHECK_OK(tier_->Install(*entries));
  }
  std::map<std::string, TestSeries> Read(const std::vector<Matcher>& matchers, TimeRange range,
                                         ReadCounters* counters = nullptr) {
    SelectRequest select;
    select.matchers = matchers;
    select.range = range;
    select.counters = counters;
    auto set = tier_->Select(select);
    CHECK_OK(set.status());
    auto all = ReadAll(**set, 100);
    CHECK_OK(all.status());
    return *std::move(all);
  }

 private:
  SimulatedEnv env_;
  std::unique_ptr<ColdTier> tier_;
};

BlockWriterOptions SmallPages() {
  BlockWriterOptions options;
  options.page_rows = 64;
  options.series_page_rows = 64;
  options.row_group_rows = 1024;
  return options;
}

constexpr TimeRange kAlways{kMinTimestampMs, kMaxTimestampMs};

std::vector<TestSeries> RandomSeries(std::mt19937_64& random, size_t count) {
  std::map<std::string, TestSeries> unique;
  while (unique.size() < count) {
    LabelsBuilder labels;
    if (random() % 12) labels.Set("__name__", "m" + std::to_string(random() % 6));
    for (const char* name : {"job", "zone", "Value", "value", "日本"}) {
      if (random() % 3) labels.Set(name, "x" + std::to_string(random() % 5));
    }
    if (random() % 2) labels.Set("id", std::to_string(random()));  // above the dictionary budget
    for (int l = 0; l < 4; ++l) labels.Set("w" + std::to_string(random() % 130), "1");
    TestSeries one{labels.Build()};
    TimestampMs t = kDay + static_cast<int64_t>(random() % (4 * kHourMs));
    for (size_t i = 0, n = 1 + random() % 30; i < n; ++i) {
      one.Add(t, static_cast<double>(random() % 100));
      t += 1000 + static_cast<int64_t>(random() % kMinuteMs);
    }
    unique.emplace(one.labels.packed(), one);
  }
  std::vector<TestSeries> series;
  series.reserve(unique.size());
  for (auto& [key, one] : unique) series.push_back(one);
  return series;
}

std::vector<Matcher> RandomMatchers(std::mt19937_64& random,
                                    const std::vector<TestSeries>& series) {
  static const char* names[] = {"__name__", "job", "zone", "Value", "value",
                                "日本",     "id",  "w3",   "w120",  "never"};
  static const char* patterns[] = {"x1",      "x1|x3", "x.*",  "",    ".*",  ".+",
                                   "m1|m2|m", "m.+",   "x[1]", "|x2", "1.*", "[0-9]+",
                                   "m3",      "zzz",   "x0",   "1",   "x4|", "(m1|x2).*"};
  std::vector<Matcher> matchers;
  for (size_t i = 0, n = random() % 4; i < n; ++i) {
    const auto type = static_cast<MatchType>(random() % 4);
    std::string name = names[random() % std::size(names)];
    std::string value = patterns[random() % std::size(patterns)];
    if (name == "id" && random() % 2) {
      value = std::string(series[random() % series.size()].labels.Get("id"));
    }
    auto matcher = Matcher::Make(type, std::move(name), std::move(value));
    CHECK_OK(matcher.status());
    matchers.push_back(*matcher);
  }
  return matchers;
}

std::string Text(const std::vector<Matcher>& matchers) {
  std::string text;
  for (const Matcher& matcher : matchers) text += matcher.ToString() + " ";
  return text;
}

TEST(ColdQueryTest, EveryMatcherAnswersAsANaiveScanDoes) {
  for (uint32_t seed = 1; seed <= 15; ++seed) {
    std::mt19937_64 random(seed);
    BlockWriterOptions options = SmallPages();
    // "id" gets an index in `labels`; in some rounds its columns are front-coded too.
    options.dictionary_max_values = seed % 3 == 0 ? 64 << 10 : 20;
    Tier tier(options);
    const std::vector<TestSeries> series = RandomSeries(random, 250);
    tier.Write(series);
    for (int round = 0; round < 60; ++round) {
      const std::vector<Matcher> matchers = RandomMatchers(random, series);
      TimeRange range = kAlways;
      if (random() % 2) {
        range.start_ms = kDay + static_cast<int64_t>(random() % (4 * kHourMs));
        range.end_ms = range.start_ms + static_cast<int64_t>(random() % kHourMs);
      }
      SCOPED_TRACE("seed " + std::to_string(seed) + " " + Text(matchers));
      std::map<std::string, TestSeries> expected;
      std::set<std::string> jobs;
      std::set<std::string> names;
      for (const TestSeries& one : series) {
        if (!MatchesAll(matchers, one.labels)) continue;
        TestSeries cut{one.labels};
        for (size_t i = 0; i < one.times.size(); ++i) {
          if (range.Contains(one.times[i])) cut.Add(one.times[i], one.values[i]);
        }
        if (TimeRange{one.times.front(), one.times.back()}.Overlaps(range)) {
          for (const LabelPair& pair : one.labels) {
            names.emplace(pair.name);
            if (pair.name == "job") jobs.emplace(pair.value);
          }
        }
        if (!cut.times.empty()) expected.emplace(one.labels.packed(), cut);
      }
      EXPECT_TRUE(tier.Read(matchers, range) == expected);
      LabelRequest request;
      request.range = range;
      if (!matchers.empty()) request.matcher_sets = {matchers};
      EXPECT_EQ(*tier->LabelValues("job", request),
                std::vector<std::string>(jobs.begin(), jobs.end()));
      EXPECT_EQ(*tier->LabelNames(request), std::vector<std::string>(names.begin(), names.end()));
    }
  }
}

TEST(ColdQueryTest, AtEqualTimesTheHighestGenerationThenTheNewestBlockWins) {
  Tier tier;
  TestSeries one{Labels{{"__name__", "m"}}};
  const auto write = [&](std::initializer_list<TimestampMs> times, double v, uint32_t generation) {
    TestSeries part{one.labels};
    for (const TimestampMs t : times) part.Add(kDay + t, v);
    tier.Write({part}, generation);
  };
  write({1, 2, 3, 4}, 10, 1);
  write({2, 3, 5}, 20, 0);  // newer, but of a lower generation
  write({3, 6}, 30, 1);     // as high, and newer
  const auto read = tier.Read({}, kAlways);
  ASSERT_EQ(read.size(), 1u);
  EXPECT_EQ(read.begin()->second.times,
            (std::vector<TimestampMs>{kDay + 1, kDay + 2, kDay + 3, kDay + 4, kDay + 5, kDay + 6}));
  EXPECT_EQ(read.begin()->second.values, (std::vector<double>{10, 10, 30, 10, 20, 30}));
}

TEST(ColdQueryTest, OneOfManyIdsReadsAFewPagesWhateverTheNumberOfSeries) {
  uint64_t pages_of_small = 0;
  for (const int count : {3000, 30000}) {
    BlockWriterOptions options;
    options.page_rows = 256;
    options.series_page_rows = 256;
    options.row_group_rows = 8192;
    options.dictionary_max_values = 1000;
    Tier tier(options);
    std::vector<TestSeries> series;
    for (int i = 0; i < count; ++i) {
      TestSeries one{Labels{{"__name__", "http_request"},
                            {"job", "api"},
                            {"request_id", "req-" + std::to_string((i * 7919) % count)}}};
      one.Add(kDay + i, i);
      one.Add(kDay + kHourMs + i, i);
      series.push_back(std::move(one));
    }
    tier.Write(series);
    ASSERT_NE(tier->entries()[0].Find(BlockFileKind::kLabels), nullptr);
    ReadCounters counters;
    const auto read = tier.Read(
        {Matcher::Equal("__name__", "http_request"), Matcher::Equal("request_id", "req-1234")},
        kAlways, &counters);
    ASSERT_EQ(read.size(), 1u);
    EXPECT_EQ(read.begin()->second.times.size(), 2u);
    // labels: 3 columns of one or two pages; series: the metric, then six locators; samples: 2.
    EXPECT_LE(counters.pages_read.load(), 24u);
    EXPECT_GT(counters.pages_skipped.load(), static_cast<uint64_t>(count / 256));
    if (count == 3000) pages_of_small = counters.pages_read.load();
    EXPECT_LE(counters.pages_read.load(), pages_of_small + 6);
  }
}

TEST(ColdQueryTest, ReadingAllInTurnDecodesEachPageOnce) {
  Tier tier(SmallPages());
  std::vector<TestSeries> series;
  for (int s = 0; s < 100; ++s) {
    TestSeries one{Labels{{"__name__", "m"}, {"s", std::to_string(1000 + s)}}};
    for (int i = 0; i < 10; ++i) one.Add(kDay + i * 1000, i);
    series.push_back(one);
  }
  tier.Write(series);
  ReadCounters counters;
  SelectRequest select;
  select.range = kAlways;
  select.counters = &counters;
  auto set = tier->Select(select);
  ASSERT_TRUE(set.ok());
  const uint64_t before = counters.pages_read.load();
  ASSERT_TRUE(ReadAll(**set, 3).ok());
  // 1,000 rows are 16 pages of two columns.
  EXPECT_EQ(counters.pages_read.load() - before, 32u);
  EXPECT_EQ(counters.cold_samples.load(), 1000u);
}

TEST(ColdQueryTest, ABudgetThatIsSpentEndsTheQuery) {
  Tier tier;
  TestSeries one{Labels{{"__name__", "m"}}};
  for (int i = 0; i < 1000; ++i) one.Add(kDay + i * 1000, i * 0.1);
  tier.Write({one});
  QueryBudget budget({}, 0, {}, 10);
  SelectRequest select;
  select.range = kAlways;
  select.budget = &budget;
  EXPECT_EQ(tier->Select(select).status().code(), Code::kResourceExhausted);
  EXPECT_EQ(budget.used_bytes(), 0u);
  std::stop_source stop;
  stop.request_stop();
  QueryBudget stopped(stop.get_token(), 0, {}, 0);
  select.budget = &stopped;
  EXPECT_EQ(tier->Select(select).status().code(), Code::kCancelled);
}

TEST(ColdQueryTest, AnotherTenantSeesNothing) {
  Tier tier;
  TestSeries one{Labels{{"__name__", "m"}}};
  one.Add(kDay, 1);
  tier.Write({one});
  SelectRequest select;
  select.tenant = TenantId("other");
  select.range = kAlways;
  EXPECT_EQ((*tier->Select(select))->series_count(), 0u);
  LabelRequest labels;
  labels.tenant = TenantId("other");
  labels.range = kAlways;
  EXPECT_TRUE(tier->LabelNames(labels)->empty());
  EXPECT_EQ(*ColdDirectory("d", TenantId("team-1")), "d/tenants/team-1/cold");
  for (const char* evil : {"..", ".", "a/b", "a\\b", "a b", "ü"}) {
    EXPECT_FALSE(ColdDirectory("d", TenantId(evil)).ok()) << evil;
  }
}

TEST(ColdBlockIndexTest, BlocksAreSkippedUnopenedByTimeAndByTheirLabels) {
  Tier tier;
  for (int block = 0; block < 10; ++block) {
    TestSeries one{Labels{{"__name__", "metric" + std::to_string(block)},
                          {"request_id", "r" + std::to_string(block)}}};
    one.Add(kDay + block * kHourMs, 1);
    one.Add(kDay + block * kHourMs + 1000, 1);
    tier.Write({one});
  }
  const auto run = [&](const std::vector<Matcher>& matchers, TimeRange range, uint64_t by_time,
                       uint64_t by_index) {
    SCOPED_TRACE(Text(matchers));
    ReadCounters counters;
    tier.Read(matchers, range, &counters);
    EXPECT_EQ(counters.blocks_considered.load(), 10u);
    EXPECT_EQ(counters.blocks_skipped_by_time.load(), by_time);
    EXPECT_EQ(counters.blocks_skipped_by_index.load(), by_index);
    return counters.requests.load();
  };
  const auto regex = [](const char* name, const char* pattern) {
    return *Matcher::Make(MatchType::kRegex, name, pattern);
  };
  run({}, kAlways, 0, 0);
  run({}, {kDay + 3 * kHourMs, kDay + 4 * kHourMs}, 8, 0);
  run({Matcher::Equal("__name__", "metric3")}, kAlways, 0, 9);
  run({Matcher::Equal("request_id", "r7")}, kAlways, 0, 9);
  run({regex("request_id", "r7|r8|nothing")}, kAlways, 0, 8);
  run({regex("request_id", "r.+")}, kAlways, 0, 0);
  run({regex("unknown", ".+")}, kAlways, 0, 10);
  run({*Matcher::Make(MatchType::kNotEqual, "unknown", "")}, kAlways, 0, 10);
  run({Matcher::Equal("unknown", "")}, kAlways, 0, 0);
  run({*Matcher::Make(MatchType::kNotEqual, "__name__", "metric3")}, kAlways, 0, 0);
  // Once the filters are in memory, a query that no block can answer asks for nothing at all.
  EXPECT_EQ(run({Matcher::Equal("__name__", "metric99")}, kAlways, 0, 10), 0u);
  EXPECT_EQ(run({Matcher::Equal("__name__", "metric5")}, {kDay, kDay + 1}, 9, 1), 0u);
}

TEST(ColdBlockIndexTest, AFilterHasNoFalseNegativesAndFewFalsePositives) {
  BlockFilter filter(10000);
  for (int i = 0; i < 10000; ++i) filter.Add("label", "value" + std::to_string(i));
  const Result<BlockFilter> back = BlockFilter::Decode(filter.Encode());
  ASSERT_TRUE(back.ok());
  int wrong = 0;
  for (int i = 0; i < 10000; ++i) {
    EXPECT_TRUE(back->MayContain("label", "value" + std::to_string(i)));
    wrong += back->MayContain("label", "other" + std::to_string(i));
    wrong += back->MayContain("labe", "lvalue" + std::to_string(i));
  }
  EXPECT_LT(wrong, 400);  // 2 %
  const std::string bytes = BlockFilter(3).Encode();
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 4);
    EXPECT_FALSE(BlockFilter::Decode(damaged).ok()) << i;
    EXPECT_FALSE(BlockFilter::Decode(bytes.substr(0, i)).ok()) << i;
  }
}

}  // namespace
}  // namespace thermocline
