// Morsels, threads and budgets: the same answer whatever the executor, and an end when told.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>
#include <stop_token>

#include "env/posix/thread_pool.h"
#include "env/simulated/capturing_logger.h"
#include "env/simulated/manual_clock.h"
#include "env/simulated/seeded_executor.h"
#include "promql/engine.h"
#include "promql/exec/context.h"
#include "promql/test_script/memory_storage.h"

namespace thermocline::promql {
namespace {

constexpr int kSeries = 1100;  // five morsels
constexpr int kSamples = 40;

void Fill(MemoryStorage* storage, uint64_t seed, int series = kSeries) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal(0, 1);
  for (int i = 0; i < series; ++i) {
    const Labels labels{{"__name__", "m_total"},
                        {"i", std::to_string(i)},
                        {"job", std::to_string(i % 3)},
                        {"le", i % 4 == 3 ? "+Inf" : std::to_string(i % 4)}};
    double value = 0;
    for (int s = 0; s < kSamples; ++s) {
      if (random() % 10 == 0) continue;
      value = random() % 20 == 0 ? 0 : value + std::exp(normal(random) * 5);
      storage->Add(labels, s * 15'000, value);
    }
  }
}

std::string Bits(const Result<QueryResult>& result) {
  if (!result.ok()) return result.status().ToString();
  std::string text;
  for (const ResultSeries& series : result->series) {
    text += series.labels.ToString();
    for (size_t i = 0; i < series.values.size(); ++i) {
      text += fmt::format(" {:x}@{}", std::bit_cast<uint64_t>(series.values[i]),
                          series.timestamps_ms[i]);
    }
    text += '\n';
  }
  for (const std::string& warning : result->warnings) text += warning + '\n';
  for (const std::string& info : result->infos) text += info + '\n';
  return text;
}

constexpr const char* kQueries[] = {
    "sum(m_total)",
    "sum by (job) (rate(m_total[1m]))",
    "avg without (i) (m_total)",
    "min(m_total) + max(m_total)",
    "stddev by (job) (m_total)",
    "count(m_total > 100) or vector(0)",
    "topk(3, m_total)",
    "quantile by (job) (0.9, m_total)",
    "m_total / on (i) m_total offset 1m",
    "m_total * on (i, job) group_left (le) (m_total > 10)",
    "sum by (job) (m_total - on (i) m_total offset 30s)",
    "m_total unless on (job) m_total{i=\"7\"} > 1",
    "m_total{job=\"1\"} or m_total{le=\"2\"}",
    "count_values(\"v\", floor(log10(m_total)))",
    "scalar(sum(m_total)) - m_total{job=\"1\"}",
    "absent(m_total{job=\"4\"})",
    "histogram_quantile(0.5, sum by (le) (m_total))",
    "sum(max_over_time(m_total[2m:30s]))",
    "label_replace(m_total, \"x\", \"$1\", \"i\", \"(.).*\")",
    "abs(m_total) >= m_total",
    "sort(m_total) / on (i) m_total",
};

TEST(Parallel, AnswersDoNotDependOnTheNumberOfThreads) {
  constexpr uint64_t kSeed = 20261121;
  SCOPED_TRACE(kSeed);
  MemoryStorage storage;
  Fill(&storage, kSeed);
  CapturingLogger logger;
  SeededExecutor one;
  ThreadPool four("query", 4, 64, logger);
  const ManualClock clock;
  const Engine alone({}, one, clock);
  const Engine together({}, four, clock);
  for (const char* query : kQueries) {
    SCOPED_TRACE(query);
    const auto want = alone.Range(storage, query, 60'000, 600'000, 45'000, {});
    ASSERT_TRUE(want.ok()) << want.status().ToString();
    ASSERT_FALSE(want->series.empty());
    const auto got = together.Range(storage, query, 60'000, 600'000, 45'000, {});
    EXPECT_EQ(Bits(want), Bits(got));
  }
}

TEST(Parallel, TheErrorOfAJoinDoesNotDependOnTheNumberOfThreads) {
  MemoryStorage storage;
  Fill(&storage, 11);
  CapturingLogger logger;
  SeededExecutor one;
  ThreadPool four("query", 4, 64, logger);
  const ManualClock clock;
  const Engine alone({}, one, clock);
  const Engine together({}, four, clock);
  for (const char* query : {
           "m_total / on (job) m_total",
           "m_total / on (job) group_left m_total",
           "m_total{job=\"1\"} * on (le) sum by (le) (m_total)",
           "m_total * on (i) group_left (job) label_replace(m_total, \"i\", \"1\", \"\", \"\")",
       }) {
    SCOPED_TRACE(query);
    const Status want = alone.Range(storage, query, 60'000, 600'000, 15'000, {}).status();
    EXPECT_EQ(want.code(), Code::kOutOfRange) << want.ToString();
    for (int run = 0; run < 3; ++run) {
      EXPECT_EQ(together.Range(storage, query, 60'000, 600'000, 15'000, {}).status().ToString(),
                want.ToString());
    }
  }
}

TEST(Tiles, AnswersDoNotDependOnTheirSize) {
  constexpr uint64_t kSeed = 20261122;
  SCOPED_TRACE(kSeed);
  MemoryStorage storage;
  Fill(&storage, kSeed, 600);
  CapturingLogger logger;
  ThreadPool four("query", 4, 64, logger);
  const ManualClock clock;
  const Engine whole({}, four, clock);
  for (const uint64_t tile_bytes : {1u, 40'000u}) {
    EngineOptions options;
    options.tile_bytes = tile_bytes;
    const Engine tiled(options, four, clock);
    for (const char* query : kQueries) {
      SCOPED_TRACE(fmt::format("{} in tiles of {} bytes", query, tile_bytes));
      const auto want = whole.Range(storage, query, 60'000, 600'000, 60'000, {});
      const auto got = tiled.Range(storage, query, 60'000, 600'000, 60'000, {});
      EXPECT_EQ(Bits(want), Bits(got));
    }
  }
}

TEST(Tiles, KeepWhatIsHeldWithinTheBudget) {
  MemoryStorage storage;
  Fill(&storage, 7);
  SeededExecutor executor;
  const ManualClock clock;
  // Both sides and the quotient, 1,100 series x 541 steps: 16 MB at once.
  const std::string query = "sum(m_total / on (i) m_total offset 1m)";
  EngineOptions options;
  options.tile_bytes = 1 << 20;
  for (const bool tiled : {false, true}) {
    QueryBudget budget({}, 0, nullptr, 12 << 20);
    QueryOptions query_options;
    query_options.budget = &budget;
    const Engine engine(tiled ? options : EngineOptions(), executor, clock);
    const auto answer = engine.Range(storage, query, 60'000, 600'000, 1'000, query_options);
    EXPECT_EQ(answer.ok(), tiled) << answer.status().ToString();
    EXPECT_EQ(budget.used_bytes(), 0u);
  }
}

TEST(Subqueries, HaveNoMorePointsThanTheLimit) {
  MemoryStorage storage;
  storage.Add(Labels{{"__name__", "m"}}, 0, 1);
  SeededExecutor executor;
  const ManualClock clock;
  const Engine engine({}, executor, clock);
  EXPECT_TRUE(engine.Instant(storage, "max_over_time(m[100s:1ms])", 0, {}).ok());
  const auto refused = engine.Instant(storage, "sum(max_over_time(m[100001ms:1ms]))", 0, {});
  EXPECT_EQ(refused.status().code(), Code::kInvalidArgument);
  EXPECT_EQ(refused.status().message(),
            "subquery of 100001 steps exceeds the maximum of 100000 per series: use a larger "
            "resolution, <range>:<resolution> (--query.max-subquery-points)");
  // The steps of the whole query count, and subqueries inside subqueries.
  EXPECT_EQ(
      engine.Range(storage, "max_over_time(m[1s:1ms])", 0, 100'000, 1'000, {}).status().message(),
      "subquery of 101000 steps exceeds the maximum of 100000 per series: use a larger "
      "resolution, <range>:<resolution> (--query.max-subquery-points)");
  EXPECT_FALSE(
      engine.Instant(storage, "max_over_time(sum_over_time(m[1m:1ms])[50s:1s])", 0, {}).ok());
}

class BudgetTest : public testing::Test {
 protected:
  BudgetTest() : engine_(Options(), executor_, clock_) { Fill(&storage_, 1); }
  static EngineOptions Options() {
    EngineOptions options;
    options.max_subquery_steps = 0;
    return options;
  }
  Status Ask(QueryBudget* budget) {
    QueryOptions options;
    options.budget = budget;
    return engine_.Range(storage_, "sum by (i) (rate(m_total[1m]))", 0, 600'000, 15'000, options)
        .status();
  }
  MemoryStorage storage_;
  SeededExecutor executor_;
  ManualClock clock_;
  Engine engine_;
};

TEST_F(BudgetTest, ACancelledQueryEnds) {
  std::stop_source stop;
  stop.request_stop();
  QueryBudget budget(stop.get_token(), 0, nullptr, 0);
  const Status status = Ask(&budget);
  EXPECT_EQ(status.code(), Code::kCancelled);
  EXPECT_EQ(status.message(), "query was canceled in query execution");
}

TEST_F(BudgetTest, AQueryPastItsDeadlineEnds) {
  QueryBudget budget(
      {}, 5, [] { return int64_t{10}; }, 0);
  const Status status = Ask(&budget);
  EXPECT_EQ(status.code(), Code::kDeadlineExceeded);
  EXPECT_EQ(status.message(), "query timed out in query execution");
}

TEST_F(BudgetTest, BytesAreChargedAndGivenBack) {
  QueryBudget small({}, 0, nullptr, 100'000);
  EXPECT_EQ(Ask(&small).code(), Code::kResourceExhausted);
  EXPECT_EQ(small.used_bytes(), 0u);
  QueryBudget enough({}, 0, nullptr, 64 << 20);
  EXPECT_TRUE(Ask(&enough).ok());
  EXPECT_EQ(enough.used_bytes(), 0u);
}

TEST_F(BudgetTest, ManyStepsAreRefusedBeforeTheyAreAllocated) {
  QueryBudget budget({}, 0, nullptr, 32 << 20);
  QueryOptions options;
  options.budget = &budget;
  // 40 million steps: 2.5 GB if it were tried.
  const auto result =
      engine_.Instant(storage_, "sum_over_time(m_total[40000s:1ms])", 600'000, options);
  EXPECT_EQ(result.status().code(), Code::kResourceExhausted);
  EXPECT_EQ(budget.used_bytes(), 0u);
}

TEST(Morsels, ShrinkWithTheNumberOfSteps) {
  EXPECT_EQ(MorselSeries(1), 256u);
  EXPECT_EQ(MorselSeries(11'000), 256u);
  EXPECT_EQ(MorselSeries(100'000), 41u);
  EXPECT_EQ(MorselSeries(50'000'000), 1u);
}

// Counts from its index, and would have no samples to read.
class CountingSource : public MemoryStorage {
 public:
  Result<std::optional<uint64_t>> TryCount(const SelectRequest& request, TimestampMs at_ms,
                                           int64_t lookback_ms) const override {
    at_ms_ = at_ms;
    lookback_ms_ = lookback_ms;
    EXPECT_EQ(request.matchers.size(), 1u);
    return std::optional<uint64_t>(count_);
  }
  uint64_t count_ = 0;
  mutable TimestampMs at_ms_ = 0;
  mutable int64_t lookback_ms_ = 0;
};

TEST(IndexCount, TakesTheCountFromTheIndex) {
  CountingSource source;
  SeededExecutor executor;
  const ManualClock clock;
  const Engine engine({}, executor, clock);
  EXPECT_TRUE(engine.Instant(source, "count(m)", 1000, {})->series.empty());
  source.count_ = 7;
  const auto result = engine.Instant(source, "count(m offset 1s)", 301'000, {});
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->series.at(0).values, std::vector<double>{7});
  EXPECT_EQ(source.at_ms_, 300'000);
  EXPECT_EQ(source.lookback_ms_, 300'000);
  // Grouped, it has to know the labels.
  EXPECT_TRUE(engine.Instant(source, "count by (i) (m)", 1000, {})->series.empty());
}

}  // namespace
}  // namespace thermocline::promql
