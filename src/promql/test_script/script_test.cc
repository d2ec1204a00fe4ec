#include "promql/test_script/script.h"

#include <gtest/gtest.h>

#include "env/simulated/manual_clock.h"
#include "env/simulated/seeded_executor.h"
#include "model/sample.h"
#include "promql/test_script/comparison.h"
#include "promql/test_script/memory_storage.h"
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
            : value.kind == SequenceValue::kHistogram ? " H"
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
  EXPECT_EQ(ValuesOf("h {{schema:0 sum:1}}x2 {{}}+{{count:1}}x1 4"),
            R"({__name__="h"}: H H H H H 4)");
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

eval instant at 0 h

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
  EXPECT_EQ(summary->passed, 4) << report;
  EXPECT_EQ(summary->failed, 1) << report;
  EXPECT_EQ(summary->set_aside, 1) << report;
  EXPECT_NE(report.find("own.test:14: set aside (native histograms): h\n"), std::string::npos)
      << report;
  EXPECT_NE(report.find("own.test:16: failed: expected an error but got none"), std::string::npos)
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

TEST(MemoryStorage, SelectsByMatchersAndRange) {
  MemoryStorage storage;
  storage.Add(Labels{{"__name__", "b"}}, 20, 2);
  storage.Add(Labels{{"__name__", "a"}}, 10, 1);
  storage.Add(Labels{{"__name__", "a"}}, 30, 3);
  SelectRequest request;
  request.matchers = {Matcher::Make(MatchType::kRegex, "__name__", "a|b").value()};
  request.range = {15, 30};
  const auto set = storage.Select(request).value();
  ASSERT_EQ(set->series_count(), 2u);
  EXPECT_EQ(set->labels(0).metric_name(), "b");  // in the order of creation
  const uint32_t both[] = {0, 1};
  SeriesBatch batch;
  ASSERT_TRUE(set->Read(both, &batch).ok());
  EXPECT_EQ(batch.values, (std::vector<double>{2, 3}));
  EXPECT_EQ(batch.offsets, (std::vector<uint32_t>{0, 1, 2}));
  request.hints.sorted = true;
  EXPECT_EQ(storage.Select(request).value()->labels(0).metric_name(), "a");
  EXPECT_EQ(storage.LabelValues("__name__", {}).value(), (std::vector<std::string>{"a", "b"}));
}

}  // namespace
}  // namespace thermocline::promql
