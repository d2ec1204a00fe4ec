#include "promql/naive/naive.h"

#include <algorithm>
#include <utility>

#include "promql/naive/evaluator.h"
#include "promql/parser.h"

namespace thermocline::promql {
namespace {

using naive::Evaluator;
using naive::Grid;
using naive::Matrix;
using naive::Notes;
using naive::Point;
using naive::Series;
using naive::Value;

ResultSeries ShownSeries(const Series& series) {
  ResultSeries shown;
  shown.labels = series.labels;
  const bool any_histogram = std::any_of(series.points.begin(), series.points.end(),
                                         [](const Point& p) { return p.histogram != nullptr; });
  for (const Point& point : series.points) {
    shown.timestamps_ms.push_back(point.t_ms);
    shown.values.push_back(point.histogram == nullptr ? point.value : 0);
    if (any_histogram) shown.histograms.push_back(point.histogram);
  }
  return shown;
}

// Drops the names that were to go at the very end.
Status DropNames(Matrix* matrix) {
  for (Series& series : *matrix) {
    if (series.drop_name) series.labels = naive::WithoutName(series.labels);
  }
  ASSIGN_OR_RETURN(*matrix, naive::JoinSameLabels(*matrix));
  return Status::Ok();
}

Result<QueryResult> Run(const Queryable& source, std::string_view query, const Expr& expr,
                        const Grid& steps, bool is_instant, const EngineOptions& options) {
  Notes notes;
  Evaluator evaluator(source, steps, is_instant, options, &notes);
  RETURN_IF_ERROR(evaluator.CheckDurations(expr));
  ASSIGN_OR_RETURN(Value value, evaluator.Eval(expr, steps));
  if (options.delayed_name_removal) RETURN_IF_ERROR(DropNames(&value.matrix));
  QueryResult result;
  result.at_ms = steps.start_ms;
  result.text = value.text;
  const ValueType type = TypeOf(expr);
  if (is_instant && type == ValueType::kVector) {
    for (Series& series : value.matrix) naive::KeepOneOfTwo(false, &series);
  }
  for (const Series& series : value.matrix) result.series.push_back(ShownSeries(series));
  if (!is_instant || type == ValueType::kMatrix) {
    result.kind = ResultKind::kMatrix;
    std::stable_sort(
        result.series.begin(), result.series.end(),
        [](const ResultSeries& a, const ResultSeries& b) { return a.labels < b.labels; });
  } else if (type == ValueType::kScalar) {
    result.kind = ResultKind::kScalar;
  } else if (type == ValueType::kString) {
    result.kind = ResultKind::kString;
  }
  result.warnings = notes.Warnings(query);
  result.infos = notes.Infos(query);
  return result;
}

}  // namespace

Result<QueryResult> NaiveInstant(const Queryable& source, std::string_view query, TimestampMs at_ms,
                                 const EngineOptions& options) {
  ASSIGN_OR_RETURN(const ExprPtr expr, Parse(query, ParseOptionsOf(options)));
  return Run(source, query, *expr, {at_ms, at_ms, 1}, true, options);
}

Result<QueryResult> NaiveRange(const Queryable& source, std::string_view query,
                               TimestampMs start_ms, TimestampMs end_ms, int64_t step_ms,
                               const EngineOptions& options) {
  ASSIGN_OR_RETURN(const ExprPtr expr, Parse(query, ParseOptionsOf(options)));
  const ValueType type = TypeOf(*expr);
  if (type != ValueType::kScalar && type != ValueType::kVector) {
    return Status::InvalidArgument("invalid expression type \"" +
                                   std::string(ValueTypePhrase(type)) +
                                   "\" for range query, must be Scalar or instant Vector");
  }
  return Run(source, query, *expr, {start_ms, end_ms, step_ms}, false, options);
}

}  // namespace thermocline::promql
