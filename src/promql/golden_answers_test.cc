// The engine against answers that Prometheus gave (tests/golden/promql-engine/README.md).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "env/simulated/manual_clock.h"
#include "env/simulated/seeded_executor.h"
#include "promql/engine.h"
#include "promql/test_script/memory_storage.h"
#include "promql/test_script/script.h"

namespace thermocline::promql {
namespace {

using Json = nlohmann::json;

void Load(const std::string& script, MemoryStorage* storage) {
  const std::vector<ScriptCommand> commands = ParseScript(script).value();
  const auto& load = std::get<LoadCommand>(commands.front());
  for (const SeriesLine& line : load.series) {
    for (size_t i = 0; i < line.values.size(); ++i) {
      if (line.values[i].kind == SequenceValue::kOmitted) continue;
      storage->Add(line.labels, static_cast<int64_t>(i) * load.step_ms, line.values[i].value);
    }
  }
}

// Which group and which two series of it an error names depends on the order in which they were
// created, and Prometheus' count of repaired samples is doubled at every step.
std::string Settled(std::string text) {
  constexpr std::string_view kDuplicate = "found duplicate series for the match group";
  if (text.rfind(kDuplicate, 0) == 0) return std::string(kDuplicate);
  const size_t count = text.find(", over ");
  const size_t after = text.find(" samples from ");
  if (count != std::string::npos && after != std::string::npos) {
    text.erase(count + 7, after - count - 7);
  }
  return text;
}

std::vector<std::string> AnnotationsOf(const QueryResult& result) {
  std::vector<std::string> all = result.warnings;
  all.insert(all.end(), result.infos.begin(), result.infos.end());
  for (std::string& text : all) text = Settled(text);
  std::sort(all.begin(), all.end());
  return all;
}

double NumberOf(const std::string& text) {
  if (text == "NaN") return std::nan("");
  return std::stod(text);  // takes +Inf and -Inf too
}

// To 1e-12: Go's mathematics differ from C's in the last bit, and sums depend on the order.
bool SameNumber(double a, double b) {
  if (a == b || (std::isnan(a) && std::isnan(b))) return true;
  return std::fabs(a - b) <= 1e-12 * (std::fabs(a) + std::fabs(b));
}

void ExpectSeries(const QueryResult& result, const Json& wanted) {
  ASSERT_EQ(result.series.size(), wanted.size());
  for (const Json& one : wanted) {
    const std::string labels = one["labels"];
    const auto found = std::find_if(
        result.series.begin(), result.series.end(),
        [&](const ResultSeries& series) { return series.labels.ToString() == labels; });
    ASSERT_NE(found, result.series.end()) << labels;
    ASSERT_EQ(Json(found->timestamps_ms), one["times_ms"]) << labels;
    for (size_t i = 0; i < found->values.size(); ++i) {
      const std::string value = one["values"][i];
      ASSERT_TRUE(SameNumber(found->values[i], NumberOf(value)))
          << labels << " at " << found->timestamps_ms[i] << ": " << found->values[i]
          << " instead of " << value;
    }
  }
}

void ExpectAnswer(const Result<QueryResult>& result, const Json& wanted) {
  const std::string error = wanted.value("error", "");
  ASSERT_EQ(Settled(std::string(result.status().message())), Settled(error));
  if (!result.ok()) return;
  EXPECT_EQ(result->kind == ResultKind::kMatrix ? "matrix" : "vector", wanted["kind"]);
  ExpectSeries(*result, wanted.value("series", Json::array()));
  std::vector<std::string> annotations;
  for (const Json& text : wanted.value("annotations", Json::array())) {
    annotations.push_back(Settled(text));
  }
  EXPECT_EQ(AnnotationsOf(*result), annotations);
}

TEST(GoldenAnswers, AreThoseOfPrometheus) {
  const auto file = std::filesystem::path(__FILE__).parent_path().parent_path().parent_path() /
                    "tests/golden/promql-engine/answers.jsonl";
  std::ifstream lines(file);
  SeededExecutor executor;
  ManualClock clock;
  int asked = 0;
  for (std::string line; std::getline(lines, line);) {
    const Json round = Json::parse(line);
    MemoryStorage storage;
    Load(round["load"], &storage);
    EngineOptions options;
    options.enable_experimental = true;
    options.delayed_name_removal = round["delayed_name_removal"];
    const Engine engine(options, executor, clock);
    for (const Json& one : round["questions"]) {
      const std::string query = one["query"];
      SCOPED_TRACE(query + " from " + one["start_ms"].dump() + " to " + one["end_ms"].dump() +
                   " step " + one["step_ms"].dump());
      ExpectAnswer(engine.Instant(storage, query, one["start_ms"], {}), one["instant"]);
      ExpectAnswer(engine.Range(storage, query, one["start_ms"], one["end_ms"], one["step_ms"], {}),
                   one["range"]);
      ++asked;
    }
  }
  EXPECT_GT(asked, 500);
}

}  // namespace
}  // namespace thermocline::promql
