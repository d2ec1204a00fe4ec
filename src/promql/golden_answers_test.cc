// The engine against answers that Prometheus gave (tests/golden/promql-engine/README.md).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "env/simulated/manual_clock.h"
#include "env/simulated/seeded_executor.h"
#include "promql/golden_questions.h"

namespace thermocline::promql {
namespace {

using Json = nlohmann::json;

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

// Histograms as scripts write them: the same words, and numbers as above.
bool SameHistogram(const std::string& a, const std::string& b) {
  constexpr const char* kBetween = " []{}:";
  size_t at_a = 0;
  size_t at_b = 0;
  while (at_a < a.size() && at_b < b.size()) {
    const std::string word_a = a.substr(at_a, a.find_first_of(kBetween, at_a) - at_a);
    const std::string word_b = b.substr(at_b, b.find_first_of(kBetween, at_b) - at_b);
    if (word_a != word_b) {
      const auto is_number = [](const std::string& word) {
        return !word.empty() && word.find_first_not_of("0123456789.+-e") == std::string::npos;
      };
      if (!is_number(word_a) || !is_number(word_b)) return false;
      if (!SameNumber(NumberOf(word_a), NumberOf(word_b))) return false;
    }
    at_a += word_a.size();
    at_b += word_b.size();
    if (at_a < a.size() && at_b < b.size() && a[at_a++] != b[at_b++]) return false;
  }
  return at_a >= a.size() && at_b >= b.size();
}

void ExpectHistograms(const ResultSeries& found, const Json& wanted) {
  std::vector<TimestampMs> times;
  std::vector<std::string> shown;
  for (size_t i = 0; i < found.values.size(); ++i) {
    if (found.histogram(i) == nullptr) continue;
    times.push_back(found.timestamps_ms[i]);
    shown.push_back(TestExpression(*found.histogram(i)));
  }
  ASSERT_EQ(Json(times), wanted.value("histogram_times_ms", Json::array()));
  for (size_t i = 0; i < shown.size(); ++i) {
    const std::string histogram = wanted["histograms"][i];
    ASSERT_TRUE(SameHistogram(shown[i], histogram))
        << "at " << times[i] << ": " << shown[i] << " instead of " << histogram;
  }
}

void ExpectFloats(const ResultSeries& found, const Json& wanted) {
  std::vector<TimestampMs> times;
  std::vector<double> values;
  for (size_t i = 0; i < found.values.size(); ++i) {
    if (found.histogram(i) != nullptr) continue;
    times.push_back(found.timestamps_ms[i]);
    values.push_back(found.values[i]);
  }
  const Json& wanted_times = wanted["times_ms"];
  ASSERT_EQ(Json(times), wanted_times.is_null() ? Json::array() : wanted_times);
  for (size_t i = 0; i < values.size(); ++i) {
    const std::string value = wanted["values"][i];
    ASSERT_TRUE(SameNumber(values[i], NumberOf(value)))
        << "at " << times[i] << ": " << values[i] << " instead of " << value;
  }
}

void ExpectSeries(const QueryResult& result, const Json& wanted) {
  ASSERT_EQ(result.series.size(), wanted.size());
  for (const Json& one : wanted) {
    const std::string labels = one["labels"];
    const auto found = std::find_if(
        result.series.begin(), result.series.end(),
        [&](const ResultSeries& series) { return series.labels.ToString() == labels; });
    ASSERT_NE(found, result.series.end()) << labels;
    SCOPED_TRACE(labels);
    ASSERT_NO_FATAL_FAILURE(ExpectHistograms(*found, one));
    ASSERT_NO_FATAL_FAILURE(ExpectFloats(*found, one));
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

// Asks what a file of answers asks.
void ExpectAnswersOf(const std::string& name, int least) {
  std::ifstream lines(GoldenFile(name));
  SeededExecutor executor;
  ManualClock clock;
  int asked = 0;
  for (std::string line; std::getline(lines, line);) {
    const Json round = Json::parse(line);
    MemoryStorage storage;
    LoadScript(round["load"], &storage);
    const Engine engine(OptionsOf(round), executor, clock);
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
  EXPECT_GT(asked, least);
}

TEST(GoldenAnswers, AreThoseOfPrometheus) { ExpectAnswersOf("answers.jsonl", 500); }

TEST(GoldenAnswers, AboutHistogramsAreThoseOfPrometheus) {
  ExpectAnswersOf("histogram_answers.jsonl", 500);
}

}  // namespace
}  // namespace thermocline::promql
