// Aggregations of the naive evaluator that fold a group into one sample (promql-semantics 3).
#include <algorithm>
#include <cmath>

#include "promql/naive/evaluator.h"
#include "promql/naive/group_fold.h"
#include "promql/text.h"

namespace thermocline::promql::naive {
namespace {

Labels GroupLabels(const AggregateExpr& aggregate, const std::vector<std::string>& grouping,
                   const Labels& labels) {
  LabelsBuilder builder(labels);
  if (!aggregate.without) return builder.Keep(grouping).Build();
  for (const std::string& label : grouping) builder.Remove(label);
  return builder.Remove(kMetricNameLabel).Build();
}

bool IsChoice(AggregateOp op) {
  return op == AggregateOp::kTopk || op == AggregateOp::kBottomk || op == AggregateOp::kLimitk ||
         op == AggregateOp::kLimitRatio;
}

}  // namespace

// In the order in which the groups appear in the operand.
std::vector<Evaluator::Group> Evaluator::GroupsOf(const AggregateExpr& aggregate,
                                                  const Matrix& operand) {
  std::vector<Group> groups;
  std::map<Labels, size_t> places;
  for (const Series& series : operand) {
    const Labels labels = GroupLabels(aggregate, aggregate.grouping, series.labels);
    const auto [place, added] = places.try_emplace(labels, groups.size());
    if (added) groups.push_back({labels, {}});
    groups[place->second].members.push_back(&series);
  }
  return groups;
}

Result<Value> Evaluator::EvalAggregate(const AggregateExpr& aggregate, const Grid& grid) {
  if (aggregate.op == AggregateOp::kCountValues) return EvalCountValues(aggregate, grid);
  std::vector<double> params;
  if (aggregate.param != nullptr) {
    ASSIGN_OR_RETURN(const Value param, Eval(*aggregate.param, grid));
    for (const Point& point : param.matrix[0].points) params.push_back(point.value);
  }
  ASSIGN_OR_RETURN(const Value operand, Eval(*aggregate.expr, grid));
  ASSIGN_OR_RETURN(const bool go_on, CheckParameters(aggregate, params));
  Value value;
  if (!go_on) return value;
  if (IsChoice(aggregate.op)) {
    ASSIGN_OR_RETURN(value.matrix, Choose(aggregate, operand.matrix, params, grid));
  } else {
    value.matrix = Fold(aggregate, operand.matrix, params, grid);
  }
  return value;
}

Matrix Evaluator::Fold(const AggregateExpr& aggregate, const Matrix& operand,
                       const std::vector<double>& params, const Grid& grid) {
  const int32_t position = PositionOf(*aggregate.expr);
  const std::vector<Group> groups = GroupsOf(aggregate, operand);
  Matrix folded;
  for (const Group& group : groups) folded.push_back({group.labels, false, {}});
  size_t step = 0;
  for (const TimestampMs t_ms : grid.Times()) {
    const double param = params.empty() ? 0 : params[step++];
    for (size_t i = 0; i < groups.size(); ++i) {
      GroupFold fold(aggregate.op, param);
      bool drop_name = false;
      for (const Series* series : groups[i].members) {
        for (const Element& element : At({*series}, t_ms)) {
          if (!fold.Add(element.value, element.histogram, element.labels)) continue;
          drop_name |= element.drop_name;
        }
      }
      const std::optional<Answer> answer = fold.Finish();
      for (const std::string& text : fold.warnings()) notes_.Warn(text, position);
      for (const std::string& text : fold.infos()) notes_.Info(text, position);
      if (!answer) continue;
      folded[i].points.push_back({t_ms, answer->value, answer->histogram, 0});
      folded[i].drop_name = drop_name;  // the last step decides
    }
  }
  std::erase_if(folded, [](const Series& series) { return series.points.empty(); });
  return folded;
}

Result<Value> Evaluator::EvalCountValues(const AggregateExpr& aggregate, const Grid& grid) {
  const std::string& label = As<StringLiteral>(StripParens(*aggregate.param)).value;
  if (label.empty() || !IsValidUtf8(label)) {
    return Status::OutOfRange("invalid label name " + GoQuote(label));
  }
  std::vector<std::string> grouping = aggregate.grouping;
  if (!aggregate.without) grouping.push_back(label);
  ASSIGN_OR_RETURN(const Value operand, Eval(*aggregate.expr, grid));
  StepCollector collector(grid, !options_.delayed_name_removal);
  for (const TimestampMs t_ms : grid.Times()) {
    std::map<Labels, double> counts;
    for (const Element& element : At(operand.matrix, t_ms)) {
      const std::string text =
          element.histogram == nullptr ? FormatPlain(element.value) : ToString(*element.histogram);
      const Labels labels = LabelsBuilder(element.labels).Set(label, text).Build();
      ++counts[GroupLabels(aggregate, grouping, labels)];
    }
    Vector counted;
    for (const auto& [labels, count] : counts) {
      counted.push_back({labels, count, nullptr, false, 0, 0});
    }
    RETURN_IF_ERROR(collector.Add(t_ms, counted));
  }
  Value value;
  value.matrix = collector.Take();
  return value;
}

}  // namespace thermocline::promql::naive
