// Small cases of what random queries found the engine to answer otherwise than Prometheus.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "env/simulated/manual_clock.h"
#include "env/simulated/seeded_executor.h"
#include "promql/engine.h"
#include "promql/test_script/memory_storage.h"

namespace thermocline::promql {
namespace {

constexpr char kEqual[] = "vector cannot contain metrics with the same labelset";
constexpr char kSortWarning[] =
    "PromQL warning: sort is ineffective for range queries since results are always ordered by "
    "labels (1:1)\n";

std::shared_ptr<FloatHistogram> Histogram(double first, double second) {
  auto histogram = std::make_shared<FloatHistogram>();
  histogram->positive_spans = {{0, 2}};
  histogram->positive_buckets = {first, second};
  histogram->count = first + second;
  histogram->sum = first * 0.75 + second * 1.5;
  return histogram;
}

// Series, warnings and infos, one a line; histograms by their count.
std::string Text(const Result<QueryResult>& result) {
  if (!result.ok()) return std::string(result.status().message());
  std::string text;
  for (const ResultSeries& series : result->series) {
    text += series.labels.ToString();
    for (size_t i = 0; i < series.values.size(); ++i) {
      const FloatHistogram* const histogram = series.histogram(i);
      text += histogram == nullptr ? fmt::format(" {:.17g}", series.values[i])
                                   : fmt::format(" h{}", histogram->count);
      text += fmt::format("@{}", series.timestamps_ms[i] / 1000);
    }
    text += '\n';
  }
  for (const std::string& warning : result->warnings) text += warning + '\n';
  for (const std::string& info : result->infos) text += info + '\n';
  return text;
}

class ExactAnswers : public testing::Test {
 protected:
  ExactAnswers() {
    options_.enable_experimental = true;
    options_.extended_range_selectors = true;
    options_.fill_modifiers = true;
  }
  std::string At(const char* query, int64_t second) {
    return Text(Engine(options_, executor_, clock_).Instant(storage_, query, second * 1000, {}));
  }
  std::string Over(const char* query, int64_t start, int64_t end, int64_t step) {
    return Text(Engine(options_, executor_, clock_)
                    .Range(storage_, query, start * 1000, end * 1000, step * 1000, {}));
  }
  void Add(const Labels& labels, int64_t second, double value, int64_t start_second = 0) {
    storage_.Add(labels, second * 1000, value, start_second * 1000);
  }

  EngineOptions options_;
  MemoryStorage storage_;
  SeededExecutor executor_;
  ManualClock clock_;
};

TEST_F(ExactAnswers, ARangeOfOneStepIsARangeQueryToSort) {
  Add({{"__name__", "a"}}, 60, 1);
  EXPECT_EQ(Over("sort(a)", 60, 70, 30), "{__name__=\"a\"} 1@60\n" + std::string(kSortWarning));
  EXPECT_EQ(Over("sort(a)", 60, 60, 30), "{__name__=\"a\"} 1@60\n");
  // What a pinned time makes constant is evaluated as at one time.
  EXPECT_EQ(Over("sort(a @ 60)", 60, 70, 5), "{__name__=\"a\"} 1@60 1@65 1@70\n");
  EXPECT_EQ(At("sum_over_time(sort(a @ 60)[20s:10s])", 70), "{} 2@70\n");
}

TEST_F(ExactAnswers, AQuantileOfMinusZeroIsLabelledZero) {
  storage_.Add({{"__name__", "h"}}, 60'000, Histogram(1, 1));
  EXPECT_EQ(At("histogram_quantiles(h, \"q\", -0)", 60), "{q=\"0.0\"} 0.5@60\n");
}

TEST_F(ExactAnswers, AQuantileAskedForTwiceIsTwoEqualSeries) {
  storage_.Add({{"__name__", "h"}}, 60'000, Histogram(1, 1));
  const char* const query = "histogram_quantiles(h, \"q\", 0, 0)";
  EXPECT_EQ(At(query, 60), kEqual);
  options_.delayed_name_removal = true;
  EXPECT_EQ(At("count(histogram_quantiles(h, \"q\", 0, 0))", 60), "{} 2@60\n");
  EXPECT_EQ(Over("count(histogram_quantiles(h, \"q\", 0, 0))", 60, 70, 10), kEqual);
}

TEST_F(ExactAnswers, OfFloatAndHistogramOfOneTimeOperatorsSeeTheFloat) {
  Add({{"__name__", "m"}, {"i", "1"}}, 60, 4);
  storage_.Add({{"__name__", "m"}, {"i", "2"}}, 60'000, Histogram(1, 4));
  const std::string joined = "label_replace(m, \"i\", \"\", \"i\", \".*\")";
  EXPECT_EQ(Over(joined.c_str(), 60, 60, 10), "{__name__=\"m\"} 4@60 h5@60\n");
  EXPECT_EQ(At(joined.c_str(), 60), "{__name__=\"m\"} h5@60\n");
  EXPECT_EQ(At(("-" + joined).c_str(), 60), "{} h-5@60\n");
  EXPECT_EQ(At(("count(" + joined + ")").c_str(), 60), "{} 1@60\n");
  EXPECT_EQ(At(("sum(" + joined + ")").c_str(), 60), "{} 4@60\n");
  storage_.Add({{"__name__", "m"}, {"i", "3"}}, 60'000, Histogram(2, 4));
  EXPECT_EQ(At(joined.c_str(), 60), kEqual);
}

TEST_F(ExactAnswers, WithDelayedNamesAnInstantJoinMayRepeatLabelsUntilTheEnd) {
  Add({{"__name__", "a"}, {"i", "1"}}, 60, 4);
  Add({{"__name__", "b"}, {"i", "1"}}, 60, 5);
  options_.delayed_name_removal = true;
  const std::string join = "({i=\"1\"} + on (__name__, i) {i=\"1\"})";
  EXPECT_EQ(At(join.c_str(), 60), kEqual);
  EXPECT_EQ(At(("count(" + join + ")").c_str(), 60), "{} 2@60\n");
  EXPECT_EQ(Over(("count(" + join + ")").c_str(), 60, 70, 10), kEqual);
}

TEST_F(ExactAnswers, WhetherANameGoesIsDecidedByTheEarliestSample) {
  for (int s = 60; s <= 90; s += 10) Add({{"__name__", "a"}, {"i", "1"}}, s, s);
  Add({{"__name__", "b"}}, 60, 1);
  storage_.Add({{"__name__", "b"}}, 65'000, StaleMarker());
  options_.delayed_name_removal = true;
  // The right side comes first in time.
  EXPECT_EQ(Over("(abs(a) unless on () b) or on () a", 60, 80, 20),
            "{__name__=\"a\", i=\"1\"} 60@60 80@80\n");
  EXPECT_EQ(Over("(a unless on () b) or on () abs(a)", 60, 80, 20), "{i=\"1\"} 60@60 80@80\n");
}

TEST_F(ExactAnswers, SmoothedTopLevelRangesHaveEdgesBeforeTheFirstSample) {
  Add({{"__name__", "a"}}, 100, 7);
  EXPECT_EQ(At("a[20s] smoothed", 90), "{__name__=\"a\"} 7@70 7@90\n");
  EXPECT_EQ(At("increase(a[20s] smoothed)", 90), "");
}

TEST_F(ExactAnswers, ResetsOfExtendedWindowsAreAddedUpOnTheirOwn) {
  const double values[] = {0.1, 0.7, 0.2, 0.9, 0.3};
  for (int i = 0; i < 5; ++i) Add({{"__name__", "c_total"}}, 10 * i, values[i]);
  EXPECT_EQ(At("increase(c_total[40s] anchored)", 40),
            fmt::format("{{}} {:.17g}@40\n", (0.3 - 0.1) + (0.7 + 0.9)));
}

TEST_F(ExactAnswers, AnchoredResetsLookAtTheirOwnStartTimestamps) {
  options_.use_start_timestamps = true;
  Add({{"__name__", "c_total"}}, 10, 1, 5);
  Add({{"__name__", "c_total"}}, 20, 2, 15);
  Add({{"__name__", "c_total"}}, 30, 3, 15);
  Add({{"__name__", "c_total"}}, 40, 4, 15);
  EXPECT_EQ(At("resets(c_total[15s] anchored)", 40), "{} 0@40\n");
  EXPECT_EQ(At("resets(c_total[30s] anchored)", 40), "{} 1@40\n");
}

TEST_F(ExactAnswers, WindowsWithOverlappingStartsAreCountedOnce) {
  options_.use_start_timestamps = true;
  Add({{"__name__", "x_total"}}, 10, 1, 5);
  Add({{"__name__", "x_total"}}, 20, 2, 7);
  storage_.Add({{"__name__", "x_total"}}, 90'000, Histogram(1, 4), 5'000);
  storage_.Add({{"__name__", "x_total"}}, 95'000, Histogram(1, 4), 7'000);
  const std::string overlap =
      "PromQL warning: sample has start time that overlaps with previous sample timestamp for "
      "metric \"x_total\"";
  EXPECT_THAT(At("sum(rate(x_total[15s]))", 100), testing::HasSubstr(overlap + " (1:10)\n"));
  EXPECT_THAT(Over("sum(rate(x_total[15s]))", 20, 100, 80),
              testing::HasSubstr(overlap + " (2 occurrences) (1:10)\n"));
}

TEST_F(ExactAnswers, StartTimestampOfAnExpressionIsEvaluatedForItsAnnotations) {
  Add({{"__name__", "a"}}, 60, 1);
  storage_.Add({{"__name__", "a"}}, 70'000, Histogram(1, 1));
  EXPECT_EQ(At("start_timestamp(a </ 1)", 60),
            "PromQL info: incompatible sample types encountered for binary operator \"</\": float "
            "</ float (1:17)\n");
  EXPECT_EQ(At("start_timestamp(a smoothed)", 65), "");
}

TEST_F(ExactAnswers, ANaNAmongQuantilesHidesTheOthers) {
  Add({{"__name__", "q"}}, 60, 5);
  EXPECT_EQ(
      Over("quantile(scalar(q), q)", 50, 60, 10),
      "{} inf@60\nPromQL warning: quantile value should be between 0 and 1, got NaN (1:10)\n");
}

TEST_F(ExactAnswers, ErrorsOfTheLeftSideComeBeforeThoseOfModifiersOnTheRight) {
  Add({{"__name__", "a"}, {"i", "1"}}, 60, 5);
  Add({{"__name__", "b"}, {"i", "1"}}, 60, 5);
  EXPECT_EQ(At("abs({i=\"1\"}) + resets(a[1m] smoothed)", 60), kEqual);
  EXPECT_EQ(At("double_exponential_smoothing(a[1m], 0.5, -Inf)", 60),
            "invalid trend factor. Expected: 0 < tf < 1, got: -Inf");
}

TEST_F(ExactAnswers, FractionsInterpolateInPrometheusOrderOfOperations) {
  const std::pair<const char*, double> buckets[] = {{"0.1", 31}, {"1", 44}, {"+Inf", 57}};
  for (const auto& [le, count] : buckets) Add({{"__name__", "h_bucket"}, {"le", le}}, 60, count);
  const auto rank = [](double v) { return 31 + (44 - 31) * (v - 0.1) / (1 - 0.1); };
  EXPECT_EQ(At("histogram_fraction(0.5, 0.7, h_bucket)", 60),
            fmt::format("{{}} {:.17g}@60\n", (rank(0.7) - rank(0.5)) / 57));
}

}  // namespace
}  // namespace thermocline::promql
