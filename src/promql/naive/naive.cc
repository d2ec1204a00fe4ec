// The naive evaluator's loop over steps.
#include "promql/naive/naive.h"

#include <algorithm>

#include "promql/naive/evaluator.h"
#include "promql/parser.h"

namespace thermocline::promql {
namespace {

using naive::Element;
using naive::Evaluator;
using naive::Value;

Result<ExprPtr> ParseFor(std::string_view query, const EngineOptions& options) {
  ParseOptions parse;
  parse.experimental_functions = options.enable_experimental;
  parse.extended_range_selectors = options.extended_range_selectors;
  parse.fill_modifiers = options.fill_modifiers;
  return Parse(query, parse);
}

// Adds a point to the series of its labels.
void AddPoint(const Labels& labels, TimestampMs t_ms, double value,
              std::vector<ResultSeries>* series) {
  auto found = std::find_if(series->begin(), series->end(),
                            [&](const ResultSeries& one) { return one.labels == labels; });
  if (found == series->end()) found = series->insert(found, {labels, {}, {}});
  found->timestamps_ms.push_back(t_ms);
  found->values.push_back(value);
}

Status CheckTimes(const std::vector<ResultSeries>& all) {
  for (const ResultSeries& series : all) {
    for (size_t i = 1; i < series.timestamps_ms.size(); ++i) {
      if (series.timestamps_ms[i] <= series.timestamps_ms[i - 1]) {
        return Status::OutOfRange("vector cannot contain metrics with the same labelset");
      }
    }
  }
  return Status::Ok();
}

void SortByLabels(std::vector<ResultSeries>* series) {
  std::sort(series->begin(), series->end(),
            [](const ResultSeries& a, const ResultSeries& b) { return a.labels < b.labels; });
}

Labels FinalLabels(const Labels& labels, bool drop_name) {
  return drop_name ? naive::WithoutName(labels) : labels;
}

// A series over several steps: the first sample's flag decides whether the name goes.
struct SteppedSeries {
  Labels labels;
  bool drop_name = false;
  std::vector<Sample> samples;
};

Result<QueryResult> FinishRange(const std::vector<SteppedSeries>& stepped) {
  QueryResult result;
  result.kind = ResultKind::kMatrix;
  for (const SteppedSeries& series : stepped) {
    const Labels labels = FinalLabels(series.labels, series.drop_name);
    for (const Sample& sample : series.samples) {
      AddPoint(labels, sample.timestamp_ms, sample.value, &result.series);
    }
  }
  for (ResultSeries& series : result.series) {
    std::vector<Sample> points;
    for (size_t i = 0; i < series.values.size(); ++i) {
      points.push_back({series.timestamps_ms[i], series.values[i]});
    }
    std::stable_sort(points.begin(), points.end(), [](const Sample& a, const Sample& b) {
      return a.timestamp_ms < b.timestamp_ms;
    });
    for (size_t i = 0; i < points.size(); ++i) {
      series.timestamps_ms[i] = points[i].timestamp_ms;
      series.values[i] = points[i].value;
    }
  }
  RETURN_IF_ERROR(CheckTimes(result.series));
  SortByLabels(&result.series);
  return result;
}

}  // namespace

Result<QueryResult> NaiveInstant(const Queryable& source, std::string_view query, TimestampMs at_ms,
                                 const EngineOptions& options) {
  ASSIGN_OR_RETURN(const ExprPtr expr, ParseFor(query, options));
  ASSIGN_OR_RETURN(const Value value,
                   Evaluator(source, {at_ms, at_ms, 0}, options).Eval(*expr, at_ms));
  QueryResult result;
  result.at_ms = at_ms;
  switch (value.type) {
    case ValueType::kScalar:
      result.kind = ResultKind::kScalar;
      result.series.push_back({Labels(), {at_ms}, {value.scalar}});
      return result;
    case ValueType::kString:
      result.kind = ResultKind::kString;
      result.text = value.text;
      return result;
    case ValueType::kMatrix:
      result.kind = ResultKind::kMatrix;
      for (const naive::Window& window : value.matrix) {
        const Labels labels = FinalLabels(window.labels, window.drop_name);
        for (const Sample& sample : window.samples) {
          AddPoint(labels, sample.timestamp_ms, sample.value, &result.series);
        }
      }
      SortByLabels(&result.series);
      break;
    default:
      result.kind = ResultKind::kVector;
      for (const Element& element : value.vector) {
        AddPoint(FinalLabels(element.labels, element.drop_name), at_ms, element.value,
                 &result.series);
      }
  }
  RETURN_IF_ERROR(CheckTimes(result.series));
  return result;
}

Result<QueryResult> NaiveRange(const Queryable& source, std::string_view query,
                               TimestampMs start_ms, TimestampMs end_ms, int64_t step_ms,
                               const EngineOptions& options) {
  ASSIGN_OR_RETURN(const ExprPtr expr, ParseFor(query, options));
  const ValueType type = TypeOf(*expr);
  if (type != ValueType::kScalar && type != ValueType::kVector) {
    return Status::InvalidArgument("invalid expression type \"" +
                                   std::string(ValueTypePhrase(type)) +
                                   "\" for range query, must be Scalar or instant Vector");
  }
  Evaluator evaluator(source, {start_ms, end_ms, step_ms}, options);
  std::vector<SteppedSeries> stepped;
  for (TimestampMs t_ms = start_ms; t_ms <= end_ms; t_ms += step_ms) {
    ASSIGN_OR_RETURN(const Value value, evaluator.Eval(*expr, t_ms));
    std::vector<Element> elements = value.vector;
    if (value.type == ValueType::kScalar) elements.push_back({Labels(), value.scalar});
    for (const Element& element : elements) {
      auto found = std::find_if(stepped.begin(), stepped.end(), [&](const SteppedSeries& one) {
        return one.labels == element.labels;
      });
      if (found == stepped.end()) {
        found = stepped.insert(found, {element.labels, element.drop_name, {}});
      }
      found->samples.push_back({t_ms, element.value});
    }
  }
  return FinishRange(stepped);
}

}  // namespace thermocline::promql
