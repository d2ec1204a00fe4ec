#include "promql/explain.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "env/simulated/manual_clock.h"
#include "env/simulated/seeded_executor.h"
#include "promql/test_script/memory_storage.h"

namespace thermocline::promql {
namespace {

// One line a node: depth, kind, name, notes in parentheses, rewrites in brackets.
std::string Lines(const ExplainedNode& node, size_t depth = 0) {
  std::string text = std::string(depth, ' ') + node.kind + " " + node.name;
  for (const std::string& note : node.notes) text += " (" + note + ")";
  for (const std::string_view rewrite : node.rewrites) text += fmt::format(" [{}]", rewrite);
  text += '\n';
  for (const ExplainedNode& child : node.children) text += Lines(child, depth + 1);
  return text;
}

class ExplainTest : public testing::Test {
 protected:
  ExplainTest() {
    for (const std::string job : {"a", "b"}) {
      for (int i = 0; i < 3; ++i) {
        for (int sample = 0; sample < 10; ++sample) {
          storage_.Add(Labels{{"__name__", "m"}, {"i", std::to_string(i)}, {"job", job}},
                       sample * 15'000, sample);
        }
      }
    }
  }
  Result<Explanation> Ask(std::string_view query, bool analyze, int64_t step_ms = 15'000) {
    ExplainRequest request;
    request.query = query;
    request.start_ms = 60'000;
    request.end_ms = 120'000;
    request.step_ms = step_ms;
    request.analyze = analyze;
    return engine_.Explain(storage_, request, {});
  }

  MemoryStorage storage_;
  SeededExecutor executor_;
  ManualClock clock_;
  Engine engine_{{}, executor_, clock_};
};

TEST_F(ExplainTest, NamesNodesAndTheRewritesThatChangedThem) {
  const auto explained =
      Ask("histogram_count(sum by (job) (rate(m{job=~\"a|b\"}[1m] offset 5m))) * (1 + 1)"
          " / on (job) group_left () -(m @ 60)",
          false);
  ASSERT_TRUE(explained.ok()) << explained.status().ToString();
  EXPECT_EQ(Lines(explained->plan),
            "binary / on (job) group_left ()\n"
            " binary *\n"
            "  call histogram_count\n"
            "   aggregate sum by (job)\n"
            "    call rate\n"
            "     window m{job=~\"a|b\"}[1m] offset 5m (histograms without buckets)"
            " [shorten_histograms]\n"
            "  number 2 [fold_constants]\n"
            " once once [evaluate_once]\n"
            "  negate -\n"
            "   selector m @ 60.000\n");
  EXPECT_EQ(explained->plan.record, nullptr);
  EXPECT_EQ(explained->total, nullptr);
}

TEST_F(ExplainTest, OfAnInstantQueryOnlyPinnedPartsAreEvaluatedOnce) {
  const auto explained =
      Ask("topk(2, m @ 60) or vector(max_over_time(m[5m:1m])) > \"x\"", false, 0);
  EXPECT_FALSE(explained.ok());
  EXPECT_EQ(Lines(Ask("topk(2, m @ 60)", false, 0)->plan),
            "once once [evaluate_once]\n aggregate topk\n  selector m @ 60.000\n  number 2\n");
  EXPECT_EQ(Lines(Ask("max_over_time((m)[5m:1m] offset 1h)", false, 0)->plan),
            "call max_over_time\n subquery [5m:1m] offset 1h\n  selector m\n");
}

TEST_F(ExplainTest, SaysWhichSelectorDecidesTheOrderOfTheAnswer) {
  EXPECT_EQ(Lines(Ask("abs(m)", false)->plan),
            "call abs\n selector m (lists series in label order)\n");
}

TEST_F(ExplainTest, CountsWhatEachNodeTook) {
  const auto explained = Ask("sum by (job) (m{job=\"a\"}) + 1", true);
  ASSERT_TRUE(explained.ok()) << explained.status().ToString();
  const ExplainedNode& plus = explained->plan;
  const ExplainedNode& sum = plus.children[0];
  const ExplainedNode& selector = sum.children[0];
  EXPECT_EQ(plus.record->series, 1u);
  EXPECT_EQ(plus.record->samples, 5u);  // steps
  EXPECT_EQ(sum.record->series, 1u);
  EXPECT_EQ(selector.record->series, 3u);
  EXPECT_EQ(selector.record->samples, 15u);
  EXPECT_EQ(selector.record->selects, 1u);
  EXPECT_EQ(selector.record->samples_read, 27u);  // nine up to the last step
  EXPECT_EQ(explained->series, 1u);
  EXPECT_EQ(explained->samples, 5u);
  EXPECT_EQ(explained->result.samples_scanned, 27u);
  EXPECT_TRUE(explained->result.series.empty());
}

TEST_F(ExplainTest, AnalysedQueriesHaveTheAnnotationsOfTheirAnswers) {
  const auto explained = Ask("rate(m[1m])", true);
  ASSERT_TRUE(explained.ok());
  const auto answer = engine_.Range(storage_, "rate(m[1m])", 60'000, 120'000, 15'000, {});
  EXPECT_EQ(explained->result.infos, answer->infos);
  EXPECT_FALSE(explained->result.infos.empty());
  EXPECT_EQ(explained->series, answer->series.size());
  EXPECT_TRUE(Ask("rate(m[1m])", false)->result.infos.empty());
}

TEST_F(ExplainTest, WhatIsSharedIsReadOnce) {
  const auto twice = Ask("sum by (job) (m) / sum by (job) (m)", true);
  ASSERT_TRUE(twice.ok()) << twice.status().ToString();
  EXPECT_EQ(Lines(twice->plan),
            "binary /\n"
            " shared sum by (job) (answered by its last occurrence) [share_subexpressions]\n"
            " aggregate sum by (job) (used by 2)\n"
            "  selector m\n");
  EXPECT_EQ(twice->result.samples_scanned, 54u);  // not 108
  EXPECT_EQ(twice->plan.children[0].record->series, 2u);
  EXPECT_EQ(twice->plan.children[1].record->series, 2u);
  const auto listed = Ask("sum(m) / max(m)", true);
  ASSERT_TRUE(listed.ok()) << listed.status().ToString();
  EXPECT_EQ(Lines(listed->plan),
            "binary /\n"
            " aggregate sum\n"
            "  selector m (listed by 2)\n"
            " aggregate max\n"
            "  selector m [share_selectors]\n");
  EXPECT_EQ(listed->plan.children[0].children[0].record->selects, 1u);
  EXPECT_EQ(listed->plan.children[1].children[0].record->selects, 0u);
  EXPECT_EQ(listed->plan.children[1].children[0].record->samples_read, 54u);
}

TEST_F(ExplainTest, WhatMeetsNothingIsNotRead) {
  const auto narrowed = Ask("m{job=\"a\"} / m{i=\"1\"}", true);
  ASSERT_TRUE(narrowed.ok()) << narrowed.status().ToString();
  EXPECT_EQ(narrowed->result.samples_scanned, 18u);  // of one series, twice; not of three and two
}

TEST_F(ExplainTest, TilesAddUpInTheirNode) {
  EngineOptions options;
  options.tile_bytes = 1;
  const Engine tiled(options, executor_, clock_);
  ExplainRequest request{"m / m", 60'000, 120'000, 15'000, true};
  const auto explained = tiled.Explain(storage_, request, {});
  ASSERT_TRUE(explained.ok()) << explained.status().ToString();
  EXPECT_EQ(explained->plan.record->series, 6u);
  EXPECT_EQ(explained->plan.record->samples, 30u);
  // The list, then once for each step; both operands read the same.
  EXPECT_EQ(explained->plan.children[0].record->selects, 6u);
  EXPECT_EQ(explained->plan.children[1].record->selects, 0u);
}

TEST_F(ExplainTest, MeasuresTimeOnTheEnginesClock) {
  // Each look at the clock is a millisecond after the one before.
  class TickingClock : public Clock {
   public:
    TimestampMs NowMs() const override { return 0; }
    int64_t SteadyNs() const override { return now_ns_ += 1'000'000; }

   private:
    mutable int64_t now_ns_ = 0;
  };
  const TickingClock clock;
  const Engine engine({}, executor_, clock);
  const auto explained =
      engine.Explain(storage_, {"scalar(m) + time()", 60'000, 60'000, 0, true}, {});
  ASSERT_TRUE(explained.ok());
  const ExplainedNode& plus = explained->plan;
  const ExplainedNode& scalar = plus.children[0];
  const ExplainedNode& selector = scalar.children[0];
  EXPECT_EQ(selector.record->time_ns, 2'000'000);  // opened and read
  EXPECT_EQ(scalar.record->time_ns, 5'000'000);    // with two looks for each of these
  EXPECT_EQ(plus.children[1].record->time_ns, 1'000'000);
  EXPECT_EQ(plus.record->time_ns, 9'000'000);
}

TEST_F(ExplainTest, FailsAsTheQueryWould) {
  EXPECT_EQ(Ask("sum(", false).status().message(),
            engine_.Range(storage_, "sum(", 60'000, 120'000, 15'000, {}).status().message());
  EXPECT_EQ(Ask("m[1m]", false).status().code(), Code::kInvalidArgument);
  EXPECT_TRUE(Ask("m + on (job) m", false).ok());
  EXPECT_EQ(Ask("m + on (job) m", true).status().code(), Code::kOutOfRange);
}

}  // namespace
}  // namespace thermocline::promql
