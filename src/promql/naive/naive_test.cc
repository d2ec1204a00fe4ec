#include "promql/naive/naive.h"

#include <gtest/gtest.h>

#include <cmath>

#include "env/simulated/manual_clock.h"
#include "env/simulated/seeded_executor.h"
#include "promql/naive/random_query.h"
#include "promql/test_script/run_script.h"

namespace thermocline::promql {
namespace {

bool Close(double a, double b) {
  if (a == b || (std::isnan(a) && std::isnan(b))) return true;
  const double difference = std::fabs(a - b);
  return difference < 1e-9 || difference <= 1e-9 * (std::fabs(a) + std::fabs(b));
}

std::vector<ResultSeries> Sorted(const QueryResult& result) {
  std::vector<ResultSeries> series = result.series;
  std::sort(series.begin(), series.end(),
            [](const ResultSeries& a, const ResultSeries& b) { return a.labels < b.labels; });
  return series;
}

std::string Shown(const std::vector<ResultSeries>& all) {
  std::string text;
  for (const ResultSeries& series : all) {
    text += "  " + series.labels.ToString();
    for (size_t i = 0; i < series.values.size(); ++i) {
      text +=
          " " + std::to_string(series.values[i]) + "@" + std::to_string(series.timestamps_ms[i]);
    }
    text += "\n";
  }
  return text;
}

bool Same(const std::vector<ResultSeries>& a, const std::vector<ResultSeries>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].labels != b[i].labels || a[i].timestamps_ms != b[i].timestamps_ms) return false;
    for (size_t j = 0; j < a[i].values.size(); ++j) {
      if (!Close(a[i].values[j], b[i].values[j])) return false;
    }
  }
  return true;
}

// A function of a range vector that makes two series equal fails even when they have no sample at
// one step; the naive evaluator, which looks at one step at a time, cannot see that.
bool MayRefuseAlone(const Result<QueryResult>& engine, const EngineOptions& options) {
  return !options.delayed_name_removal && !engine.ok() &&
         engine.status().message() == "vector cannot contain metrics with the same labelset";
}

// Both answer alike, or both refuse.
void ExpectSame(const Result<QueryResult>& engine, const Result<QueryResult>& naive,
                const EngineOptions& options) {
  if (MayRefuseAlone(engine, options)) return;
  ASSERT_EQ(engine.ok(), naive.ok())
      << "engine: " << engine.status().ToString() << "\nnaive: " << naive.status().ToString();
  if (!engine.ok()) return;
  ASSERT_EQ(engine->kind, naive->kind);
  const std::vector<ResultSeries> left = Sorted(*engine);
  const std::vector<ResultSeries> right = Sorted(*naive);
  ASSERT_TRUE(Same(left, right)) << "engine:\n" << Shown(left) << "naive:\n" << Shown(right);
}

class Differential {
 public:
  explicit Differential(uint64_t seed) : random_(seed), writer_(&random_) {
    options_.enable_experimental = true;
    options_.extended_range_selectors = true;
    options_.fill_modifiers = true;
    naive::FillRandomly(&random_, &storage_);
  }

  void RunOne() {
    const std::string query = writer_.Vector(1 + static_cast<int>(random_() % 3));
    // `or` may put samples with and without the note that the name goes into one series; which
    // note counts differs between nodes of one query.
    options_.delayed_name_removal = random_() % 2 == 0 && query.find(" or") == std::string::npos;
    // Tiles of one step and more, or one tile.
    options_.tile_bytes = random_() % 3 == 0 ? EngineOptions().tile_bytes : 1 + random_() % 2000;
    const Engine engine(options_, executor_, clock_);
    const auto start_ms = static_cast<TimestampMs>(random_() % (20 * kMinuteMs));
    const auto step_ms = static_cast<int64_t>(1 + random_() % (2 * kMinuteMs));
    const TimestampMs end_ms = start_ms + step_ms * static_cast<int64_t>(random_() % 20);
    SCOPED_TRACE(query + " from " + std::to_string(start_ms) + " to " + std::to_string(end_ms) +
                 " step " + std::to_string(step_ms) + " tile bytes " +
                 std::to_string(options_.tile_bytes) +
                 (options_.delayed_name_removal ? ", delayed name removal" : ""));
    ExpectSame(engine.Instant(storage_, query, start_ms, {}),
               NaiveInstant(storage_, query, start_ms, options_), options_);
    if (::testing::Test::HasFailure()) return;
    const auto engine_range = engine.Range(storage_, query, start_ms, end_ms, step_ms, {});
    const auto naive_range = NaiveRange(storage_, query, start_ms, end_ms, step_ms, options_);
    ExpectSame(engine_range, naive_range, options_);
    answered_ += engine_range.ok() && !engine_range->series.empty();
  }
  int answered() const { return answered_; }

 private:
  std::mt19937_64 random_;
  naive::QueryWriter writer_;
  EngineOptions options_;
  MemoryStorage storage_;
  SeededExecutor executor_;
  ManualClock clock_;
  int answered_ = 0;
};

TEST(NaiveEvaluator, AgreesWithTheEngineOnRandomQueries) {
  const uint64_t seed = std::random_device{}();
  int answered = 0;
  for (uint64_t round = 0; round < 20; ++round) {
    SCOPED_TRACE("seed " + std::to_string(seed) + " round " + std::to_string(round));
    Differential differential(seed + round);
    for (int i = 0; i < 50; ++i) {
      differential.RunOne();
      if (HasFailure()) return;
    }
    answered += differential.answered();
  }
  EXPECT_GT(answered, 200);
}

// The script language's own examples, answered by the naive evaluator.
TEST(NaiveEvaluator, PassesAScript) {
  const EngineOptions options = ScriptEngineOptions();
  const ScriptQuery ask = [&options](const Queryable& storage, const EvalCommand& eval) {
    return eval.is_range
               ? NaiveRange(storage, eval.query, eval.start_ms, eval.end_ms, eval.step_ms, options)
               : NaiveInstant(storage, eval.query, eval.at_ms, options);
  };
  constexpr std::string_view kScript = R"(
load 1m
  requests_total{job="a"} 0+60x10
  requests_total{job="b"} 0+30x4 0+30x5

eval instant at 5m rate(requests_total[5m])
  {job="a"} 1
  {job="b"} 0.375

eval range from 0 to 2m step 1m sum(requests_total) + 1
  {} 1 91 181

eval instant at 10m count by (job) (requests_total > 200)
  {job="a"} 1

eval instant at 10m scalar(requests_total{job="a"}) / 6
  100
)";
  std::string report;
  const Result<ScriptSummary> summary = RunScriptText("own", kScript, ask, &report);
  ASSERT_TRUE(summary.ok()) << summary.status().ToString();
  EXPECT_EQ(summary->passed, 4) << report;
  EXPECT_EQ(summary->failed, 0) << report;
}

}  // namespace
}  // namespace thermocline::promql
