#include "promql/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "env/simulated/manual_clock.h"
#include "env/simulated/seeded_executor.h"
#include "promql/test_script/memory_storage.h"

namespace thermocline::promql {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// One line per series: labels, then value@seconds.
std::string Text(const QueryResult& result) {
  if (result.kind == ResultKind::kString) return result.text;
  std::string text;
  for (const ResultSeries& series : result.series) {
    if (!text.empty()) text += '\n';
    text += series.labels.ToString();
    for (size_t i = 0; i < series.values.size(); ++i) {
      char point[64];
      std::snprintf(point, sizeof(point), " %.10g@%.10g", series.values[i],
                    static_cast<double>(series.timestamps_ms[i]) / 1000);
      text += point;
    }
  }
  return text;
}

class EngineTest : public testing::Test {
 protected:
  EngineTest() : engine_(Options(), executor_, clock_) {
    for (int i = 0; i <= 40; ++i) {
      const TimestampMs t_ms = i * 15'000;
      storage_.Add({{"__name__", "requests_total"}, {"job", "api"}, {"instance", "a"}}, t_ms,
                   i * 15.0);
      storage_.Add({{"__name__", "requests_total"}, {"job", "api"}, {"instance", "b"}}, t_ms,
                   i < 20 ? i * 30.0 : (i - 20) * 30.0);
      storage_.Add({{"__name__", "requests_total"}, {"job", "web"}, {"instance", "a"}}, t_ms, 7);
      storage_.Add({{"__name__", "up"}, {"job", "api"}}, t_ms, i % 2);
    }
  }
  static EngineOptions Options() {
    EngineOptions options;
    options.enable_experimental = true;
    options.extended_range_selectors = true;
    options.fill_modifiers = true;
    return options;
  }
  std::string At(std::string_view query, TimestampMs at_ms) {
    const auto result = engine_.Instant(storage_, query, at_ms, {});
    return result.ok() ? Text(*result) : "error: " + std::string(result.status().message());
  }
  std::string Over(std::string_view query, TimestampMs start_ms, TimestampMs end_ms,
                   int64_t step_ms) {
    const auto result = engine_.Range(storage_, query, start_ms, end_ms, step_ms, {});
    return result.ok() ? Text(*result) : "error: " + std::string(result.status().message());
  }

  MemoryStorage storage_;
  SeededExecutor executor_;
  ManualClock clock_;
  Engine engine_;
};

TEST_F(EngineTest, AnswersScalarsAndStrings) {
  EXPECT_EQ(At("1 + 2 * 3", 5000), "{} 7@5");
  EXPECT_EQ(At("-2 ^ 2", 0), "{} -4@0");
  EXPECT_EQ(At("time()", 5000), "{} 5@5");
  EXPECT_EQ(At("\"abc\"", 0), "abc");
  EXPECT_EQ(Over("time() * 2", 0, 60'000, 30'000), "{} 0@0 60@30 120@60");
}

TEST_F(EngineTest, SelectsTheNewestSampleWithinTheLookback) {
  EXPECT_EQ(At("up", 40'000), "{__name__=\"up\", job=\"api\"} 0@40");
  // The last sample is at 600 s; the window is open on the left.
  EXPECT_EQ(At("up", 899'999), "{__name__=\"up\", job=\"api\"} 0@899.999");
  EXPECT_EQ(At("up", 900'000), "");
  EXPECT_EQ(At("up offset -10m", 0), "{__name__=\"up\", job=\"api\"} 0@0");
  EXPECT_EQ(At("up @ 15", 0), "{__name__=\"up\", job=\"api\"} 1@0");
}

TEST_F(EngineTest, AStaleMarkerHidesASeriesFromInstantSelectorsOnly) {
  storage_.Add({{"__name__", "s"}}, 0, 1);
  storage_.Add({{"__name__", "s"}}, 15'000, StaleMarker());
  EXPECT_EQ(At("s", 14'000), "{__name__=\"s\"} 1@14");
  EXPECT_EQ(At("s", 15'000), "");
  EXPECT_EQ(At("count_over_time(s[1m])", 15'000), "{} 1@15");
}

TEST_F(EngineTest, WindowsAreOpenOnTheLeft) {
  EXPECT_EQ(At("count_over_time(up[1m])", 60'000), "{job=\"api\"} 4@60");
  EXPECT_EQ(At("up[30s]", 60'000), "{__name__=\"up\", job=\"api\"} 1@45 0@60");
}

TEST_F(EngineTest, RateCorrectsResetsAndExtrapolates) {
  EXPECT_EQ(At("rate(requests_total{job=\"api\"}[1m])", 300'000),
            "{instance=\"a\", job=\"api\"} 1@300\n{instance=\"b\", job=\"api\"} 1.333333333@300");
  EXPECT_EQ(At("sum(increase(requests_total[2m]))", 240'000), "{} 360@240");
}

TEST_F(EngineTest, AggregatesByLabels) {
  EXPECT_EQ(At("sum by (job) (requests_total)", 60'000),
            "{job=\"api\"} 180@60\n{job=\"web\"} 7@60");
  EXPECT_EQ(At("count without (instance) (requests_total)", 60'000),
            "{job=\"api\"} 2@60\n{job=\"web\"} 1@60");
  EXPECT_EQ(At("max(requests_total) - min(requests_total)", 60'000), "{} 113@60");
  EXPECT_EQ(At("avg(requests_total)", 60'000), "{} 62.33333333@60");
  EXPECT_EQ(At("topk(1, requests_total)", 60'000),
            "{__name__=\"requests_total\", instance=\"b\", job=\"api\"} 120@60");
  EXPECT_EQ(At("quantile(0.5, requests_total)", 60'000), "{} 60@60");
  EXPECT_EQ(At("sum(nothing)", 60'000), "");
}

TEST_F(EngineTest, MatchesVectorsByLabels) {
  EXPECT_EQ(At("sum by (job) (requests_total) * on (job) up", 75'000), "{job=\"api\"} 225@75");
  EXPECT_EQ(At("requests_total * on (job) group_left up", 75'000),
            "{instance=\"a\", job=\"api\"} 75@75\n{instance=\"b\", job=\"api\"} 150@75");
  EXPECT_EQ(At("requests_total > 100", 60'000),
            "{__name__=\"requests_total\", instance=\"b\", job=\"api\"} 120@60");
  EXPECT_THAT(At("up * on (job) requests_total", 75'000),
              testing::StartsWith("error: found duplicate series for the match group "
                                  "{job=\"api\"} on the right hand-side of the operation: ["));
}

TEST_F(EngineTest, SubqueriesRunOnAnAbsoluteGrid) {
  EXPECT_EQ(At("up[1m:20s]", 70'000), "{__name__=\"up\", job=\"api\"} 1@20 0@40 0@60");
  EXPECT_EQ(At("sum_over_time(vector(1)[5m:1m])", 600'000), "{} 5@600");
}

TEST_F(EngineTest, EqualLabelSetsAreAnError) {
  storage_.Add({{"__name__", "down"}, {"job", "api"}}, 60'000, 5);
  const std::string equal = "error: vector cannot contain metrics with the same labelset";
  EXPECT_EQ(At("abs({__name__=~\"up|down\"})", 60'000), equal);
  EXPECT_EQ(At("last_over_time({__name__=~\"up|down\"}[1m])", 60'000),
            "{__name__=\"up\", job=\"api\"} 0@60\n{__name__=\"down\", job=\"api\"} 5@60");
  // Functions of steps may join series that have no step in common; functions of windows not.
  EXPECT_EQ(Over("abs({__name__=~\"up|down\"})", 0, 30'000, 30'000), "{job=\"api\"} 0@0 0@30");
  EXPECT_EQ(Over("max_over_time({__name__=~\"up|down\"}[15s])", 0, 60'000, 60'000), equal);
}

TEST_F(EngineTest, ParseErrorsCarryTheirPosition) {
  const auto result = engine_.Instant(storage_, "sum(", 0, {});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.status().code(), Code::kInvalidArgument);
  EXPECT_THAT(std::string(result.status().message()), testing::HasSubstr("parse error: "));
}

TEST_F(EngineTest, AnnotatesWhatIsNotNamedLikeACounter) {
  const auto result = engine_.Instant(storage_, "rate(up[1m])", 60'000, {});
  ASSERT_TRUE(result.ok());
  EXPECT_THAT(result->infos,
              ElementsAre("PromQL info: metric might not be a counter, name does not end in "
                          "_total/_sum/_count/_bucket: \"up\" (1:6)"));
  EXPECT_THAT(result->warnings, IsEmpty());
}

TEST_F(EngineTest, DelayedNamesLiveUntilTheEnd) {
  EngineOptions options = Options();
  options.delayed_name_removal = true;
  const Engine engine(options, executor_, clock_);
  const auto ask = [&](std::string_view query) {
    const auto result = engine.Instant(storage_, query, 60'000, {});
    return result.ok() ? Text(*result) : "error: " + std::string(result.status().message());
  };
  EXPECT_EQ(ask("abs(up)"), "{job=\"api\"} 0@60");
  EXPECT_EQ(ask("label_replace(abs(up), \"was\", \"$1\", \"__name__\", \"(.+)\")"),
            "{job=\"api\", was=\"up\"} 0@60");
  EXPECT_EQ(At("label_replace(abs(up), \"was\", \"$1\", \"__name__\", \"(.+)\")", 60'000),
            "{job=\"api\"} 0@60");
}

TEST_F(EngineTest, ExtremeTimesAndStepsAreAnsweredOrRefused) {
  EXPECT_EQ(At("up", kMinTimestampMs), "");
  EXPECT_EQ(At("up offset 100y", kMaxTimestampMs), "");
  EXPECT_EQ(At("rate(up[290y])[290y:290y] offset -290y", kMaxTimestampMs), "");
  EXPECT_EQ(
      At("count_over_time(up[100y:1ms])", 0),
      "error: subquery of 3153600000000 steps exceeds the maximum of 100000 per series: use a "
      "larger resolution, <range>:<resolution> (--query.max-subquery-points)");
  EXPECT_EQ(Over("vector(1)", kMinTimestampMs, kMaxTimestampMs, 1),
            "error: query processing would load too many samples into memory in query execution: "
            "more than 50000000 at once (--query.max-samples)");
}

TEST_F(EngineTest, StopsAtTheSampleLimit) {
  EngineOptions options = Options();
  options.max_samples = 10;
  const Engine engine(options, executor_, clock_);
  const auto result = engine.Range(storage_, "requests_total", 0, 60'000, 15'000, {});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.status().code(), Code::kResourceExhausted);
}

}  // namespace
}  // namespace thermocline::promql
