#include "promql/test_script/comparison.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "model/float_histogram.h"
#include "model/sample.h"
#include "promql/text.h"

namespace thermocline::promql {
namespace {

constexpr double kEpsilon = 0.000001;

std::string Shown(double value, const FloatHistogram* histogram) {
  return histogram == nullptr ? FormatShortest(value) : TestExpression(*histogram);
}

std::string Shown(const SequenceValue& value) { return Shown(value.value, value.histogram.get()); }

std::string Shown(const ResultSeries& series) {
  std::string text = series.labels.ToString();
  for (size_t i = 0; i < series.values.size(); ++i) {
    text += " " + Shown(series.values[i], series.histogram(i)) + " @" +
            std::to_string(series.timestamps_ms[i]);
  }
  return text;
}

bool AllAlmostEqual(const std::vector<double>& a, const std::vector<double>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](double x, double y) { return AlmostEqual(x, y); });
}

// Whether point `i` of `actual` is what the script says.
bool IsExpected(const SequenceValue& expected, const ResultSeries& actual, size_t i) {
  const FloatHistogram* histogram = actual.histogram(i);
  if (expected.kind != SequenceValue::kHistogram) {
    return histogram == nullptr && AlmostEqual(actual.values[i], expected.value);
  }
  return histogram != nullptr && AlmostEqual(*expected.histogram, *histogram, expected.hint_set);
}

// The answer's annotations end in " (line:column)", and the one about monotonicity has details
// before that; the script's have neither.
std::string_view BareText(std::string_view annotation) {
  annotation = annotation.substr(0, annotation.find(", from buckets "));
  const size_t open = annotation.rfind(" (");
  if (open == std::string_view::npos || annotation.back() != ')') return annotation;
  const std::string_view inside = annotation.substr(open + 2, annotation.size() - open - 3);
  const bool position = inside.find_first_not_of("0123456789:") == std::string_view::npos;
  return position ? annotation.substr(0, open) : annotation;
}

std::string AnnotationDifference(std::string_view kind,
                                 const std::vector<TextExpectation>& expected, bool none_expected,
                                 const std::vector<std::string>& actual) {
  if (none_expected && !actual.empty()) {
    return "unexpected " + std::string(kind) + ": " + actual.front();
  }
  if (expected.empty()) return "";
  if (actual.empty()) return "expected " + std::string(kind) + " but there is none";
  for (const TextExpectation& one : expected) {
    const bool found = std::any_of(actual.begin(), actual.end(), [&](const std::string& text) {
      return one.Accepts(BareText(text));
    });
    if (!found) {
      return "no " + std::string(kind) + " matches " + one.ToString() + "; there is " +
             actual.front();
    }
  }
  for (const std::string& text : actual) {
    const bool found = std::any_of(expected.begin(), expected.end(),
                                   [&](const auto& one) { return one.Accepts(BareText(text)); });
    if (!found) return "unexpected " + std::string(kind) + ": " + text;
  }
  return "";
}

const ExpectedSeries* FindExpected(const EvalCommand& eval, const Labels& labels) {
  const auto found =
      std::find_if(eval.series.begin(), eval.series.end(),
                   [&](const ExpectedSeries& series) { return series.labels == labels; });
  return found == eval.series.end() ? nullptr : &*found;
}

std::string PointsDifference(const EvalCommand& eval, const ExpectedSeries& expected,
                             const ResultSeries& actual) {
  size_t next = 0;
  for (size_t i = 0; i < expected.values.size(); ++i) {
    const TimestampMs t_ms = eval.start_ms + static_cast<int64_t>(i) * eval.step_ms;
    if (t_ms > eval.end_ms) return "the script expects points after the end";
    if (expected.values[i].kind == SequenceValue::kOmitted) continue;
    const bool same = next < actual.values.size() && actual.timestamps_ms[next] == t_ms &&
                      IsExpected(expected.values[i], actual, next);
    if (!same) {
      return "expected " + Shown(expected.values[i]) + " @" + std::to_string(t_ms) + " but got " +
             Shown(actual);
    }
    ++next;
  }
  return next == actual.values.size() ? "" : "more points than expected: " + Shown(actual);
}

std::string MissingSeries(const EvalCommand& eval, const std::vector<ResultSeries>& actual) {
  for (const ExpectedSeries& expected : eval.series) {
    const bool found = std::any_of(actual.begin(), actual.end(), [&](const ResultSeries& series) {
      return series.labels == expected.labels;
    });
    if (!found) return "expected series " + expected.labels.ToString() + " not found";
  }
  return "";
}

std::string MatrixDifference(const EvalCommand& eval, const QueryResult& answer) {
  if (eval.ordered) return "expected an ordered result, got a matrix";
  if (eval.scalar) return "expected a scalar, got a matrix";
  for (size_t i = 0; i < answer.series.size(); ++i) {
    const ResultSeries& series = answer.series[i];
    if (i > 0 && series.labels < answer.series[i - 1].labels) {
      return "the matrix is not sorted at " + series.labels.ToString();
    }
    const ExpectedSeries* expected = FindExpected(eval, series.labels);
    if (expected == nullptr) return "unexpected series " + Shown(series);
    if (std::string difference = PointsDifference(eval, *expected, series); !difference.empty()) {
      return difference;
    }
  }
  return MissingSeries(eval, answer.series);
}

std::string VectorDifference(const EvalCommand& eval, const QueryResult& answer) {
  if (eval.scalar) return "expected a scalar, got a vector";
  for (size_t i = 0; i < answer.series.size(); ++i) {
    const ResultSeries& series = answer.series[i];
    const ExpectedSeries* expected = FindExpected(eval, series.labels);
    if (expected == nullptr || expected->values.empty()) {
      return "unexpected series " + Shown(series);
    }
    if (eval.ordered && expected->position != static_cast<int>(i) + 1) {
      return Shown(series) + " stands at position " + std::to_string(i + 1);
    }
    const SequenceValue& value = expected->values.front();
    if (!IsExpected(value, series, 0)) {
      return "expected " + Shown(value) + " but got " + Shown(series);
    }
  }
  return MissingSeries(eval, answer.series);
}

std::string ScalarDifference(const EvalCommand& eval, const QueryResult& answer) {
  if (!eval.scalar) return "expected series, got a scalar";
  const double value = answer.series.front().values.front();
  if (AlmostEqual(*eval.scalar, value)) return "";
  return "expected " + FormatShortest(*eval.scalar) + " but got " + FormatShortest(value);
}

}  // namespace

bool AlmostEqual(double a, double b) {
  constexpr double kMinNormal = std::numeric_limits<double>::min();
  if (IsStale(a) || IsStale(b)) return IsStale(a) && IsStale(b);
  if ((std::isnan(a) && std::isnan(b)) || a == b) return true;
  const double sum = std::fabs(a) + std::fabs(b);
  const double difference = std::fabs(a - b);
  if (a == 0 || b == 0 || sum < kMinNormal) return difference < kEpsilon * kMinNormal;
  return difference / std::fmin(sum, std::numeric_limits<double>::max()) < kEpsilon;
}

bool AlmostEqual(const FloatHistogram& expected, const FloatHistogram& actual, bool with_hint) {
  FloatHistogram a = expected;
  FloatHistogram b = actual;
  Compact(&a, 0);
  Compact(&b, 0);
  return a.schema == b.schema && AlmostEqual(a.count, b.count) && AlmostEqual(a.sum, b.sum) &&
         (!a.uses_custom_bounds() || a.custom_bounds == b.custom_bounds) &&
         a.zero_threshold == b.zero_threshold && AlmostEqual(a.zero_count, b.zero_count) &&
         a.negative_spans == b.negative_spans && a.positive_spans == b.positive_spans &&
         AllAlmostEqual(a.negative_buckets, b.negative_buckets) &&
         AllAlmostEqual(a.positive_buckets, b.positive_buckets) &&
         (!with_hint || a.reset_hint == b.reset_hint);
}

std::string ValueDifference(const EvalCommand& eval, const QueryResult& answer) {
  switch (answer.kind) {
    case ResultKind::kMatrix: return MatrixDifference(eval, answer);
    case ResultKind::kVector: return VectorDifference(eval, answer);
    case ResultKind::kScalar: return ScalarDifference(eval, answer);
    case ResultKind::kString:
      if (eval.text && *eval.text == answer.text) return "";
      return "expected another string than " + GoQuote(answer.text);
  }
  return "";
}

std::string Difference(const EvalCommand& eval, const Result<QueryResult>& answer) {
  if (!answer.ok()) {
    const std::string message(answer.status().message());
    if (!eval.fail) return "error: " + message;
    if (eval.fail->Accepts(message)) return "";
    return "expected error " + eval.fail->ToString() + " but got " + message;
  }
  if (eval.fail) return "expected an error but got none";
  std::string difference =
      AnnotationDifference("warning", eval.warnings, eval.no_warnings, answer->warnings);
  if (difference.empty()) {
    difference = AnnotationDifference("info", eval.infos, eval.no_infos, answer->infos);
  }
  return difference.empty() ? ValueDifference(eval, *answer) : difference;
}

}  // namespace thermocline::promql
