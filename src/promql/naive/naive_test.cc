#include "promql/naive/naive.h"

#include <gtest/gtest.h>

#include <random>

#include "promql/naive/differential.h"
#include "promql/naive/random_storage.h"
#include "promql/test_script/run_script.h"

namespace thermocline::promql {
namespace {

TEST(NaiveEvaluator, AgreesWithTheEngineOnRandomQueries) {
  const uint64_t seed = std::random_device{}() % 1'000'000'000;
  for (uint64_t world = 0; world < 40; ++world) {
    naive::Differential differential(seed + world);
    for (int i = 0; i < naive::Differential::kQueries; ++i) {
      naive::RandomCase asked = differential.Next();
      if (naive::DifferenceOf(asked, differential.data()).empty()) continue;
      naive::Matrix data = differential.data();
      naive::Shrink(&asked, &data);
      FAIL() << "seed " << seed + world << ", query " << i << ", shrunk, over " << data.size()
             << " series: " << asked.ToString() << "\n"
             << naive::DifferenceOf(asked, data);
    }
  }
}

// Otherwise the comparison would be one of errors and of nothing.
TEST(NaiveEvaluator, AnswersMostRandomQueriesWithValues) {
  int answered = 0;
  int with_histograms = 0;
  int noted = 0;
  for (uint64_t world = 0; world < 20; ++world) {
    naive::Differential differential(world);
    const naive::RandomStorage storage(differential.data());
    for (int i = 0; i < naive::Differential::kQueries; ++i) {
      const naive::RandomCase asked = differential.Next();
      if (asked.instant_only) continue;
      const auto answer = NaiveRange(storage, asked.query, asked.start_ms, asked.end_ms,
                                     asked.step_ms, asked.options);
      if (!answer.ok()) continue;
      answered += !answer->series.empty();
      noted += !answer->warnings.empty() || !answer->infos.empty();
      for (const ResultSeries& series : answer->series) {
        if (series.histograms.empty()) continue;
        ++with_histograms;
        break;
      }
    }
  }
  EXPECT_GT(answered, 450);
  EXPECT_GT(with_histograms, 80);
  EXPECT_GT(noted, 150);
}

// What both evaluators answer alike could still be wrong; the whole of Prometheus' scripts is run
// by tests/promql.
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

eval instant at 10m requests_total{job="a"}
  {job="a"} 600
)";
  std::string report;
  const Result<ScriptSummary> summary = RunScriptText("own", kScript, ask, &report);
  ASSERT_TRUE(summary.ok()) << summary.status().ToString();
  EXPECT_EQ(summary->passed, 4) << report;
  EXPECT_EQ(summary->failed, 1) << report;  // the last one leaves the name out
}

}  // namespace
}  // namespace thermocline::promql
