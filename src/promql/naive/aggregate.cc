// Aggregations of the naive evaluator (promql-semantics 3).
#include <algorithm>
#include <cmath>

#include "promql/naive/evaluator.h"
#include "promql/text.h"

namespace thermocline::promql::naive {
namespace {

struct Group {
  Labels labels;
  Vector members;
};

Labels GroupLabels(const AggregateExpr& aggregate, const Labels& labels) {
  LabelsBuilder builder(labels);
  if (!aggregate.without) return builder.Keep(aggregate.grouping).Build();
  for (const std::string& label : aggregate.grouping) builder.Remove(label);
  return builder.Remove(kMetricNameLabel).Build();
}

std::vector<Group> GroupsOf(const AggregateExpr& aggregate, const Vector& vector) {
  std::vector<Group> groups;
  for (const Element& element : vector) {
    const Labels labels = GroupLabels(aggregate, element.labels);
    auto group = std::find_if(groups.begin(), groups.end(),
                              [&](const Group& g) { return g.labels == labels; });
    if (group == groups.end()) group = groups.insert(groups.end(), {labels, {}});
    group->members.push_back(element);
  }
  return groups;
}

std::vector<double> ValuesOf(const Vector& members) {
  std::vector<double> values;
  for (const Element& element : members) values.push_back(element.value);
  return values;
}

double Extreme(const std::vector<double>& values, bool largest) {
  double best = values.front();
  for (const double value : values) {
    if (std::isnan(best) || (largest ? value > best : value < best)) best = value;
  }
  return best;
}

double Fold(AggregateOp op, const std::vector<double>& values, double param) {
  switch (op) {
    case AggregateOp::kSum: {
      KahanSum sum;
      for (const double value : values) sum.Add(value);
      return sum.value();
    }
    case AggregateOp::kAvg: return MeanOf(values);
    case AggregateOp::kCount: return static_cast<double>(values.size());
    case AggregateOp::kMin: return Extreme(values, false);
    case AggregateOp::kMax: return Extreme(values, true);
    case AggregateOp::kStddev: return std::sqrt(VarianceOf(values));
    case AggregateOp::kStdvar: return VarianceOf(values);
    case AggregateOp::kQuantile: return QuantileOf(param, values);
    default: return 1;  // group
  }
}

Vector CountValues(const AggregateExpr& aggregate, const Vector& vector, const std::string& label) {
  AggregateExpr grouped;  // by (label), or without the labels listed
  grouped.without = aggregate.without;
  grouped.grouping = aggregate.grouping;
  if (!aggregate.without) grouped.grouping.push_back(label);
  Vector labelled;
  for (Element element : vector) {
    element.labels = LabelsBuilder(element.labels).Set(label, FormatPlain(element.value)).Build();
    labelled.push_back(std::move(element));
  }
  Vector out;
  for (const Group& group : GroupsOf(grouped, labelled)) {
    out.push_back({group.labels, static_cast<double>(group.members.size())});
  }
  return out;
}

// topk, bottomk, limitk. Ties are taken in operand order.
Result<Vector> TakeSome(const AggregateExpr& aggregate, const Vector& vector, double k) {
  if (k < 1) return Vector();
  if (std::isnan(k)) return Status::OutOfRange("Parameter value is NaN");
  Vector out;
  for (Group& group : GroupsOf(aggregate, vector)) {
    if (aggregate.op != AggregateOp::kLimitk) {
      const bool top = aggregate.op == AggregateOp::kTopk;
      std::stable_sort(group.members.begin(), group.members.end(),
                       [top](const Element& a, const Element& b) {
                         if (std::isnan(a.value)) return false;
                         if (std::isnan(b.value)) return true;
                         return top ? a.value > b.value : a.value < b.value;
                       });
    }
    const auto count = static_cast<size_t>(std::min(k, 1e9));
    if (group.members.size() > count) group.members.resize(count);
    out.insert(out.end(), group.members.begin(), group.members.end());
  }
  return out;
}

}  // namespace

Result<Vector> Aggregate(const AggregateExpr& aggregate, const Vector& vector, const Value& param) {
  switch (aggregate.op) {
    case AggregateOp::kTopk:
    case AggregateOp::kBottomk:
    case AggregateOp::kLimitk: return TakeSome(aggregate, vector, param.scalar);
    case AggregateOp::kCountValues:
      if (param.text.empty() || !IsValidUtf8(param.text)) {
        return Status::OutOfRange("invalid label name " + GoQuote(param.text));
      }
      return CountValues(aggregate, vector, param.text);
    case AggregateOp::kLimitRatio: return Status::Unimplemented("limit_ratio");
    default: break;
  }
  Vector out;
  for (const Group& group : GroupsOf(aggregate, vector)) {
    const bool drop = std::any_of(group.members.begin(), group.members.end(),
                                  [](const Element& e) { return e.drop_name; });
    out.push_back({group.labels, Fold(aggregate.op, ValuesOf(group.members), param.scalar), drop});
  }
  return out;
}

}  // namespace thermocline::promql::naive
