// Histograms through the engine, where neither script tests nor golden answers look: limits,
// threads, tiles, floats and histograms that meet.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "env/posix/thread_pool.h"
#include "env/simulated/capturing_logger.h"
#include "env/simulated/manual_clock.h"
#include "env/simulated/seeded_executor.h"
#include "promql/engine.h"
#include "promql/test_script/memory_storage.h"

namespace thermocline::promql {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::shared_ptr<FloatHistogram> Histogram(double first, double second) {
  auto histogram = std::make_shared<FloatHistogram>();
  histogram->positive_spans = {{0, 2}};
  histogram->positive_buckets = {first, second};
  histogram->count = first + second;
  histogram->sum = first * 0.75 + second * 1.5;
  return histogram;
}

std::string Text(const Result<QueryResult>& result) {
  if (!result.ok()) return std::string(result.status().message());
  std::string text;
  for (const ResultSeries& series : result->series) {
    text += series.labels.ToString();
    for (size_t i = 0; i < series.values.size(); ++i) {
      const FloatHistogram* const histogram = series.histogram(i);
      text += fmt::format(" {}@{}",
                          histogram == nullptr ? fmt::format("{:.17g}", series.values[i])
                                               : TestExpression(*histogram),
                          series.timestamps_ms[i] / 1000);
    }
    text += '\n';
  }
  for (const std::string& warning : result->warnings) text += warning + '\n';
  for (const std::string& info : result->infos) text += info + '\n';
  return text;
}

class HistogramAnswers : public testing::Test {
 protected:
  Result<QueryResult> Range(const EngineOptions& options, Executor& executor, const char* query) {
    EngineOptions all = options;
    all.enable_experimental = true;
    all.extended_range_selectors = true;
    all.fill_modifiers = true;
    return Engine(all, executor, clock_).Range(storage_, query, 60'000, 600'000, 15'000, {});
  }
  // So many series that they fill several morsels; odd ones have floats at last.
  void Fill(int series) {
    for (int i = 0; i < series; ++i) {
      const Labels labels{{"__name__", "h"}, {"i", std::to_string(i)}};
      for (int s = 0; s <= 40; ++s) {
        if (i % 2 == 1 && s > 30) {
          storage_.Add(labels, s * 15'000, s);
        } else {
          storage_.Add(labels, s * 15'000, Histogram(s * 0.1 + i, (s + i) % 17 * 1e5));
        }
      }
    }
  }

  MemoryStorage storage_;
  ManualClock clock_;
  SeededExecutor one_;
};

TEST_F(HistogramAnswers, DoNotDependOnTheNumberOfThreads) {
  Fill(600);
  CapturingLogger logger;
  ThreadPool four("query", 4, 64, logger);
  for (const char* query :
       {"sum(h{i=~\".*[02468]\"})", "avg(rate(h{i=~\".*[02468]\"}[1m]))", "h - h offset 30s",
        "count(h) + min(h)", "histogram_quantile(0.9, h{i=~\".*[02468]\"})"}) {
    SCOPED_TRACE(query);
    const std::string want = Text(Range({}, one_, query));
    EXPECT_THAT(want, HasSubstr("@600"));
    EXPECT_EQ(Text(Range({}, four, query)), want);
  }
}

TEST_F(HistogramAnswers, DoNotDependOnTiles) {
  Fill(40);
  EngineOptions tiled;
  tiled.tile_bytes = 20'000;
  for (const char* query :
       {"h + h", "histogram_quantile(0.5, h)", "label_replace(h, \"x\", \"y\", \"i\", \"1\")"}) {
    SCOPED_TRACE(query);
    EXPECT_EQ(Text(Range(tiled, one_, query)), Text(Range({}, one_, query)));
  }
}

TEST_F(HistogramAnswers, SumRefusesGroupsOfFloatsAndHistograms) {
  Fill(4);
  const auto result = Engine({}, one_, clock_).Instant(storage_, "sum(h)", 600'000, {});
  ASSERT_TRUE(result.ok());
  EXPECT_THAT(result->series, IsEmpty());
  EXPECT_THAT(result->warnings,
              ElementsAre("PromQL warning: encountered a mix of histograms and floats for "
                          "aggregation (1:5)"));
}

TEST_F(HistogramAnswers, CountByTheirSizeTowardsTheSampleLimit) {
  for (int i = 0; i < 10; ++i) {
    storage_.Add({{"__name__", "h"}, {"i", std::to_string(i)}}, 60'000, Histogram(1, 2));
  }
  // 168 bytes, a span and two buckets, and the timestamp: 12 samples.
  EngineOptions options;
  options.max_samples = 120;
  EXPECT_TRUE(Engine(options, one_, clock_).Instant(storage_, "h", 60'000, {}).ok());
  options.max_samples = 119;
  EXPECT_EQ(Text(Engine(options, one_, clock_).Instant(storage_, "h", 60'000, {})),
            "query processing would load too many samples into memory in query execution: more "
            "than 119 at once (--query.max-samples)");
}

TEST_F(HistogramAnswers, AFloatAndAHistogramMayShareATimeAfterRelabelling) {
  for (int s = 4; s <= 5; ++s) {
    storage_.Add({{"__name__", "m"}, {"i", "1"}}, s * 15'000, s);
    storage_.Add({{"__name__", "m"}, {"i", "2"}}, s * 15'000, Histogram(1, s));
  }
  const char* const query = "label_replace(m, \"i\", \"\", \"i\", \".*\")";
  const auto ask = [&] {
    return Text(Engine({}, one_, clock_).Range(storage_, query, 60'000, 75'000, 15'000, {}));
  };
  EXPECT_THAT(ask(), testing::MatchesRegex("\\{__name__=\"m\"\\} 4@60 [^@]*buckets:\\[1 4\\]\\}\\}"
                                           "@60 5@75 [^@]*buckets:\\[1 5\\]\\}\\}@75\n"));
  storage_.Add({{"__name__", "m"}, {"i", "3"}}, 60'000, 1);
  EXPECT_EQ(ask(), "vector cannot contain metrics with the same labelset");
}

TEST_F(HistogramAnswers, StaleHistogramsEndASeries) {
  storage_.Add({{"__name__", "h"}}, 60'000, Histogram(1, 2));
  auto stale = std::make_shared<FloatHistogram>();
  stale->sum = StaleMarker();
  storage_.Add({{"__name__", "h"}}, 75'000, stale);
  const Engine engine({}, one_, clock_);
  EXPECT_EQ(Text(engine.Instant(storage_, "histogram_count(h)", 74'000, {})), "{} 3@74\n");
  EXPECT_EQ(Text(engine.Instant(storage_, "h", 80'000, {})), "");
  EXPECT_EQ(Text(engine.Instant(storage_, "count_over_time(h[1m])", 80'000, {})), "{} 1@80\n");
}

TEST_F(HistogramAnswers, NotesOfAParameterComeBeforeThoseOfTheOperand) {
  // The same text from both: the operand's place is shown.
  storage_.Add({{"__name__", "h"}}, 60'000, Histogram(1, 2));
  const auto result =
      Engine({}, one_, clock_)
          .Instant(storage_, "quantile(scalar(max(h)), vector(scalar(max(h))))", 60'000, {});
  ASSERT_TRUE(result.ok());
  EXPECT_THAT(result->infos,
              ElementsAre("PromQL info: ignored histogram in max aggregation (1:44)"));
}

}  // namespace
}  // namespace thermocline::promql
