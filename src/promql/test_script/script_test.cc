#include "promql/test_script/script.h"

#include <gtest/gtest.h>

#include "env/simulated/manual_clock.h"
#include "env/simulated/seeded_executor.h"
#include "model/sample.h"
#include "promql/test_script/comparison.h"
#include "promql/test_script/memory_storage.h"
#include "promql/test_script/recheck.h"
#include "promql/test_script/run_script.h"

namespace thermocline::promql {
namespace {

std::string ValuesOf(std::string_view line) {
  const Result<SeriesLine> parsed = ParseSeriesLine(line);
  if (!parsed.ok()) return std::string(parsed.status().message());
  std::string text = parsed->labels.ToString() + ":";
  for (const SequenceValue& value : parsed->values) {
    const bool stale = value.kind == SequenceValue::kFloat && IsStale(value.value);
    text += value.kind == SequenceValue::kOmitted     ? " _"
            : value.kind == SequenceValue::kHistogram ? " " + TestExpression(*value.histogram)
            : stale                                   ? " stale"
                                                      : " " + std::to_string(int(value.value));
  }
  return text;
}

TEST(SeriesLine, ExpandsSequences) {
  EXPECT_EQ(ValuesOf("a 1 _ 3 stale -4"), R"({__name__="a"}: 1 _ 3 stale -4)");
  EXPECT_EQ(ValuesOf("a{b=\"c d\"} 1+10x3"), R"({__name__="a", b="c d"}: 1 11 21 31)");
  EXPECT_EQ(ValuesOf("{\"a.b\", \"x y\"=\"z\"} -5-5x1 _x2 7x1"),
            R"({__name__="a.b", "x y"="z"}: -5 -10 _ _ 7 7)");
  EXPECT_EQ(ValuesOf("{} 1e2 0x0"), "{}: 100 0");
}

TEST(SeriesLine, ExpandsHistograms) {
  constexpr std::string_view kOne = "{{schema:1 sum:1 buckets:[1 0 2]}}";
  EXPECT_EQ(ValuesOf("h " + std::string(kOne) + "x1 {{ }} 4"),
            "{__name__=\"h\"}: " + std::string(kOne) + " " + std::string(kOne) + " {{}} 4");
  EXPECT_EQ(
      ValuesOf("h {{count:1 offset:-1 buckets:[1]}}+{{count:2 buckets:[2]}}x1"),
      R"({__name__="h"}: {{count:1 offset:-1 buckets:[1]}} {{count:3 offset:-1 buckets:[1 2]}})");
  EXPECT_EQ(ValuesOf("h {{sum:5}}-{{sum:2}}x1"), R"({__name__="h"}: {{sum:5}} {{sum:3}})");
  constexpr std::string_view kAll =
      "{{schema:-53 count:4 sum:-Inf custom_values:[0.5 2] counter_reset_hint:gauge "
      "buckets:[1 2 1]}}";
  EXPECT_EQ(ValuesOf("h " + std::string(kAll)), "{__name__=\"h\"}: " + std::string(kAll));
  constexpr std::string_view kNegative =
      "{{schema:2 count:NaN z_bucket:3 z_bucket_w:0.25 n_offset:2 n_buckets:[1 0 5]}}";
  EXPECT_EQ(ValuesOf("h " + std::string(kNegative)), "{__name__=\"h\"}: " + std::string(kNegative));
}

TEST(SeriesLine, KnowsWhetherAHintWasWritten) {
  const SeriesLine line =
      ParseSeriesLine("h {{}} {{counter_reset_hint:unknown}} {{}}+{{counter_reset_hint:gauge}}x1")
          .value();
  ASSERT_EQ(line.values.size(), 4u);
  EXPECT_FALSE(line.values[0].hint_set);
  EXPECT_TRUE(line.values[1].hint_set);
  EXPECT_TRUE(line.values[2].hint_set);
  EXPECT_EQ(line.values[3].histogram->reset_hint, CounterResetHint::kGauge);
}

TEST(SeriesLine, RefusesWhatIsNoHistogram) {
  for (const std::string_view line :
       {"h {{schema:0", "h {{schema}}", "h {{colour:1}}", "h {{sum:1 sum:2}}", "h {{buckets:1}}",
        "h {{buckets:[]}}", "h {{buckets:[1,2]}}", "h {{sum:1}}x", "h {{sum:1}}+1x2",
        "h {{sum:1}}+{{sum:1}}", "h {{z_bucket_w:-1}}", "h {{counter_reset_hint:maybe}}",
        "h {{schema:1}}+{{schema:0}}x1", "h {{schema:-53}}+{{}}x1", "h {{sum:1}}4"}) {
    EXPECT_FALSE(ParseSeriesLine(line).ok()) << line;
  }
}

TEST(SeriesLine, RefusesWhatIsNoSeries) {
  for (const std::string_view line :
       {"a 1x", "a 1+", "a 1+2", "a b", "a{b} 1", "a{b=c} 1", "a{b=\"c\" 1", "1a 1", "a _x",
        "a {{schema:0", "a 1x99999999999999999999", "a{b=\"c\"}1"}) {
    EXPECT_FALSE(ParseSeriesLine(line).ok()) << line;
  }
}

TEST(SeriesLine, RecognisesStartTimestamps) {
  const Result<SeriesLine> line = ParseSeriesLine("a{b=\"c\"}@st _ -30s-1mx2");
  ASSERT_TRUE(line.ok());
  EXPECT_TRUE(line->is_start_timestamps);
  EXPECT_EQ(line->labels.ToString(), R"({__name__="a", b="c"})");
  using Offsets = std::vector<std::optional<int64_t>>;
  EXPECT_EQ(line->start_offsets_ms, (Offsets{{}, -30'000, -90'000, -150'000}));
  EXPECT_EQ(ParseSeriesLine("a@st 0-1mx1 _x2 1msx1 -0ms +1m").value().start_offsets_ms,
            (Offsets{0, -60'000, {}, {}, 1, 1, 0, 60'000}));
  for (const std::string_view wrong :
       {"a@st 1m-1m", "a@st x2", "a@st _x0", "a@st 1h30", "a@st m"}) {
    EXPECT_FALSE(ParseSeriesLine(wrong).ok()) << wrong;
  }
}

TEST(Script, GivesSamplesTheStartTimestampsOfTheLineBefore) {
  const auto commands = ParseScript("load 1m\n  a@st _ -30s\n  a 1 2\n  b 3\n").value();
  const auto& load = std::get<LoadCommand>(commands.front());
  ASSERT_EQ(load.series.size(), 2u);
  EXPECT_EQ(load.series[0].start_offsets_ms.size(), 2u);
  EXPECT_TRUE(load.series[1].start_offsets_ms.empty());
  for (const std::string_view wrong :
       {"a@st _\n  b 1", "a@st _ _\n  a 1", "a@st _", "a@st _\n  a@st _\n  a 1"}) {
    EXPECT_FALSE(ParseScript("load 1m\n  " + std::string(wrong) + "\n").ok()) << wrong;
  }
}

constexpr std::string_view kScript = R"(
# a comment
load 5m
  a{i="1"} 0+10x5
  h {{schema:0 count:1 sum:1}}x5

eval instant at 25m a
  expect no_warn
  a{i="1"} 50

eval range from 0 to 10m step 5m -a
  {i="1"} 0 -10 -20

eval instant at 0 histogram_count(h)
  {} 1

eval_fail instant at 0 a + on() {__name__=~"a|b"}

clear
eval instant at 5m 1 + 2
  3

eval instant at 0 "text"
  expect string "text"
)";

TEST(Script, ParsesCommands) {
  const Result<std::vector<ScriptCommand>> commands = ParseScript(kScript);
  ASSERT_TRUE(commands.ok()) << commands.status().ToString();
  ASSERT_EQ(commands->size(), 8u);
  const auto& range = std::get<EvalCommand>((*commands)[2]);
  EXPECT_EQ(range.query, "-a");
  EXPECT_EQ(range.line, 11);
  EXPECT_TRUE(range.is_range);
  EXPECT_EQ(range.end_ms, 10 * kMinuteMs);
  EXPECT_EQ(range.step_ms, 5 * kMinuteMs);
  ASSERT_EQ(range.series.size(), 1u);
  EXPECT_EQ(range.series[0].values.size(), 3u);
  EXPECT_TRUE(std::get<EvalCommand>((*commands)[1]).no_warnings);
  EXPECT_TRUE(std::get<EvalCommand>((*commands)[4]).fail.has_value());
}

TEST(Script, NamesTheLineOfAnError) {
  EXPECT_EQ(ParseScript("clear\nload 5x\n").status().message().substr(0, 7), "line 2:");
  EXPECT_EQ(ParseScript("eval now a").status().message().substr(0, 7), "line 1:");
  EXPECT_EQ(
      ParseScript("\n\neval instant at 0 a\n  expect maybe\n").status().message().substr(0, 7),
      "line 4:");
  EXPECT_FALSE(ParseScript("explode").ok());
}

TEST(Script, RunsOverTheEngine) {
  SeededExecutor executor;
  ManualClock clock;
  const Engine engine(ScriptEngineOptions(), executor, clock);
  std::string report;
  const Result<ScriptSummary> summary =
      RunScriptText("own.test", kScript, AskEngine(engine), &report);
  ASSERT_TRUE(summary.ok()) << summary.status().ToString();
  EXPECT_EQ(summary->passed, 5) << report;
  EXPECT_EQ(summary->failed, 1) << report;
  EXPECT_NE(report.find("own.test:17: failed: expected an error but got none"), std::string::npos)
      << report;
}

TEST(Script, ReadsWhatTheStorageMakesOfTheLoads) {
  SeededExecutor executor;
  ManualClock clock;
  const Engine engine(ScriptEngineOptions(), executor, clock);
  constexpr std::string_view kLoads = R"(
load 1m
  a 1 2

eval instant at 1m a
  a 20

eval instant at 0 a
  a 10

load 1m
  b 5

eval instant at 0 b
  b 50

clear
eval instant at 0 a
)";
  int calls = 0;
  const ScriptStorage tenfold =
      [&calls](const Queryable& loaded) -> Result<std::unique_ptr<const Queryable>> {
    ++calls;
    auto storage = std::make_unique<MemoryStorage>();
    SelectRequest request;
    request.range = {kMinTimestampMs, kMaxTimestampMs};
    ASSIGN_OR_RETURN(const auto set, loaded.Select(request));
    for (uint32_t i = 0; i < set->series_count(); ++i) {
      SeriesBatch batch;
      RETURN_IF_ERROR(set->Read(std::span(&i, 1), &batch));
      for (size_t k = 0; k < batch.values.size(); ++k) {
        storage->Add(set->labels(i), batch.timestamps_ms[k], 10 * batch.values[k]);
      }
    }
    return std::unique_ptr<const Queryable>(std::move(storage));
  };
  std::string report;
  const auto summary = RunScriptText("own", kLoads, AskEngine(engine), &report, tenfold);
  ASSERT_TRUE(summary.ok()) << summary.status().ToString();
  EXPECT_EQ(summary->passed, 4) << report;
  EXPECT_EQ(calls, 3);  // after each load and the clear, not for each eval
  const auto broken =
      RunScriptText("own", kLoads, AskEngine(engine), &report,
                    [](const Queryable&) -> Result<std::unique_ptr<const Queryable>> {
                      return Status::Io("no room");
                    });
  ASSERT_TRUE(broken.ok());
  EXPECT_EQ(broken->failed, 4);
  EXPECT_NE(report.find("error: no room"), std::string::npos) << report;
}

// Answers `value`, except where `wrong` says so.
std::string ReportOf(std::string_view script,
                     const std::function<bool(const EvalCommand&)>& wrong) {
  std::string report;
  const ScriptQuery ask = [&wrong](const Queryable&, const EvalCommand& eval) {
    QueryResult result;
    result.kind = eval.is_range ? ResultKind::kMatrix : ResultKind::kVector;
    ResultSeries series;
    for (TimestampMs t_ms = eval.is_range ? eval.start_ms : eval.at_ms;
         t_ms <= (eval.is_range ? eval.end_ms : eval.at_ms); t_ms += kMinuteMs) {
      series.timestamps_ms.push_back(t_ms);
      series.values.push_back(wrong(eval) ? 2 : 1);
    }
    result.series.push_back(std::move(series));
    return Result<QueryResult>(std::move(result));
  };
  EXPECT_TRUE(RunScriptText("own", script, ask, &report).ok());
  return report;
}

TEST(Script, AsksInstantCasesInThirteenWays) {
  constexpr std::string_view kCase = "eval instant at 5m a offset 1m\n  {} 1\n";
  int asked = 0;
  EXPECT_EQ(ReportOf(kCase, [&asked](const EvalCommand&) { return ++asked == 0; }), "");
  EXPECT_EQ(asked, 6 * (1 + 3));  // a range query asks at each of its three steps
  const std::string pinned = ReportOf(kCase, [](const EvalCommand& eval) {
    return !eval.is_range && eval.at_ms == 50 * kMinuteMs;
  });
  EXPECT_NE(pinned.find("as a @ 300.000 offset 1m at 3000000 ms: expected 1 but got"),
            std::string::npos)
      << pinned;
  const std::string middle = ReportOf(kCase, [](const EvalCommand& eval) { return eval.is_range; });
  EXPECT_NE(middle.find("as the middle step of a range query: expected 1"), std::string::npos)
      << middle;
}

TEST(Script, DoesNotPinWhatVariesWithTheTimeOfTheQuery) {
  EXPECT_TRUE(PinQuery("hour(a)", 5).empty());
  EXPECT_TRUE(PinQuery("sum(timestamp(a))", 5).empty());
  EXPECT_TRUE(PinQuery("not a query", 5).empty());
  const auto pinned =
      PinQuery("rate(a[1m]) + sum_over_time(hour(b)[5m:1m] @ 3) + b @ start()", 9000);
  ASSERT_EQ(pinned.size(), 5u);
  EXPECT_EQ(pinned[0].query,
            "rate(a[1m] @ 9.000) + sum_over_time(hour(b)[5m:1m] @ 3.000) + b @ 9.000");
  EXPECT_EQ(pinned[0].at_ms, -90'000);
  EXPECT_EQ(PinQuery("a", 0).size(), 3u);
  EXPECT_TRUE(AsksForItsTimes("a + end()"));
  EXPECT_FALSE(AsksForItsTimes("a + time()"));
}

EvalCommand OnlyEval(std::string_view lines) {
  const std::string text = "eval instant at 0 a\n" + std::string(lines);
  return std::get<EvalCommand>(ParseScript(text).value().front());
}

QueryResult VectorOf(const std::vector<std::pair<std::string, double>>& values) {
  QueryResult result;
  for (const auto& [i, value] : values) {
    result.series.push_back({Labels{{"i", i}}, {0}, {value}});
  }
  return result;
}

TEST(Script, ComparesVectors) {
  const EvalCommand eval = OnlyEval("  {i=\"1\"} 1\n  {i=\"2\"} 2\n");
  EXPECT_EQ(Difference(eval, VectorOf({{"2", 2}, {"1", 1.0000001}})), "");
  EXPECT_NE(Difference(eval, VectorOf({{"1", 1}})), "");
  EXPECT_NE(Difference(eval, VectorOf({{"1", 1}, {"2", 2.1}})), "");
  EXPECT_NE(Difference(eval, VectorOf({{"1", 1}, {"2", 2}, {"3", 3}})), "");
  EXPECT_NE(Difference(eval, Status::OutOfRange("no")), "");
  const EvalCommand ordered = OnlyEval("  expect ordered\n  {i=\"1\"} 1\n  {i=\"2\"} 2\n");
  EXPECT_EQ(Difference(ordered, VectorOf({{"1", 1}, {"2", 2}})), "");
  EXPECT_NE(Difference(ordered, VectorOf({{"2", 2}, {"1", 1}})), "");
}

TEST(Script, ComparesHistograms) {
  const auto histogram = [](std::string_view literal) {
    return ParseSeriesLine("h " + std::string(literal)).value().values.front().histogram;
  };
  const auto answer = [&histogram](std::string_view literal) {
    QueryResult result;
    result.series.push_back({Labels{{"i", "1"}}, {0}, {0}, {histogram(literal)}});
    return result;
  };
  const EvalCommand eval = OnlyEval("  {i=\"1\"} {{count:3 sum:2 buckets:[1 0 2 0]}}\n");
  EXPECT_EQ(Difference(eval, answer("{{count:3.0000001 sum:2 buckets:[1 0 2]}}")), "");
  EXPECT_EQ(Difference(eval, answer("{{count:3 sum:2 buckets:[1 0 2] counter_reset_hint:gauge}}")),
            "");
  for (const std::string_view other :
       {"{{count:3 sum:2 buckets:[1 1 2]}}", "{{count:3 sum:2 offset:1 buckets:[1 0 2]}}",
        "{{count:3 sum:2 z_bucket:1 buckets:[1 0 2]}}", "{{count:4 sum:2 buckets:[1 0 2]}}",
        "{{schema:1 count:3 sum:2 buckets:[1 0 2]}}", "{{count:3 sum:3 buckets:[1 0 2]}}",
        "{{count:3 sum:2 z_bucket_w:1 buckets:[1 0 2]}}",
        "{{count:3 sum:2 buckets:[1 0 2] n_buckets:[1]}}"}) {
    EXPECT_NE(Difference(eval, answer(other)), "") << other;
  }
  EXPECT_NE(Difference(eval, VectorOf({{"1", 3}})), "");
  EXPECT_NE(Difference(OnlyEval("  {i=\"1\"} 3\n"), answer("{{count:3}}")), "");
  const EvalCommand hint = OnlyEval("  {i=\"1\"} {{count:3 counter_reset_hint:not_reset}}\n");
  EXPECT_EQ(Difference(hint, answer("{{count:3 counter_reset_hint:not_reset}}")), "");
  EXPECT_NE(Difference(hint, answer("{{count:3}}")), "");
}

TEST(Script, ComparesErrorsAndAnnotations) {
  const EvalCommand fail = OnlyEval("  expect fail msg: no such thing\n");
  EXPECT_EQ(Difference(fail, Status::OutOfRange("no such thing")), "");
  EXPECT_NE(Difference(fail, Status::OutOfRange("another thing")), "");
  const EvalCommand pattern = OnlyEval("  expect fail regex: such (thing|one)\n");
  EXPECT_EQ(Difference(pattern, Status::OutOfRange("no such thing!")), "");
  EXPECT_NE(Difference(pattern, QueryResult()), "");
  const EvalCommand warn = OnlyEval("  expect warn msg: PromQL warning: careful\n");
  QueryResult result;
  EXPECT_NE(Difference(warn, result), "");
  result.warnings = {"PromQL warning: careful (1:7)"};
  EXPECT_EQ(Difference(warn, result), "");
  result.warnings.push_back("PromQL warning: unexpected (1:7)");
  EXPECT_NE(Difference(warn, result), "");
  EXPECT_NE(Difference(OnlyEval("  expect no_warn\n"), result), "");
}

TEST(Script, ComparesNumbersAsPrometheusDoes) {
  EXPECT_TRUE(AlmostEqual(1, 1.000001));
  EXPECT_FALSE(AlmostEqual(1, 1.00001));
  EXPECT_TRUE(AlmostEqual(NormalNan(), -NormalNan()));
  EXPECT_FALSE(AlmostEqual(NormalNan(), StaleMarker()));
  EXPECT_FALSE(AlmostEqual(0, 1e-300));
  EXPECT_TRUE(AlmostEqual(0, -0.0));
}

}  // namespace
}  // namespace thermocline::promql
