#include "promql/exec/aggregate.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "promql/functions/arithmetic.h"
#include "promql/functions/window.h"
#include "promql/text.h"

namespace thermocline::promql {
namespace {

class AggregateOperator : public MatrixOperator {
 public:
  AggregateOperator(QueryContext& context, const PlanNode& node, const StepGrid& grid,
                    VectorPtr source)
      : MatrixOperator(context, grid),
        node_(node),
        aggregate_(As<AggregateExpr>(*node.expr)),
        grouping_(aggregate_),
        source_(std::move(source)) {}

  Status Open() override {
    const PlanNode& parameter = *node_.children[1];
    std::vector<double> values;
    if (aggregate_.op == AggregateOp::kCountValues) {
      const std::string& label = As<StringLiteral>(*parameter.expr).value;
      if (label.empty() || !IsValidUtf8(label)) {
        return Status::OutOfRange("invalid label name " + GoQuote(label));
      }
    } else {
      ASSIGN_OR_RETURN(values, EvaluateScalar(context_, parameter, grid_));
    }
    if (aggregate_.op == AggregateOp::kQuantile) WarnQuantile(values);
    RETURN_IF_ERROR(source_->Open());
    ASSIGN_OR_RETURN(Matrix input, Materialize(context_, *source_, grid_.count));
    source_.reset();
    switch (aggregate_.op) {
      case AggregateOp::kQuantile: RETURN_IF_ERROR(FoldQuantile(input, values)); break;
      case AggregateOp::kCountValues:
        RETURN_IF_ERROR(CountValues(input, As<StringLiteral>(*parameter.expr).value));
        break;
      default:
        // Ties must not depend on which tier a series came from first.
        std::sort(input.rows().begin(), input.rows().end(),
                  [](const Matrix::Row& a, const Matrix::Row& b) { return a.labels < b.labels; });
        RETURN_IF_ERROR(KeepRanked(context_, node_, values, grouping_, &input));
        result_ = std::move(input);
        break;
    }
    result_.RemoveEmptyRows();
    return result_.HoldSamples();
  }

 private:
  // Once for each way in which the parameter is wrong at any step.
  void WarnQuantile(const std::vector<double>& values) {
    const auto warn = [this](double q) {
      context_.annotations().Warn(
          fmt::format("quantile value should be between 0 and 1, got {}", FormatShortest(q)),
          {node_.children[1]->position, node_.order});
    };
    double highest = -std::numeric_limits<double>::max();
    double lowest = std::numeric_limits<double>::max();
    bool nan = false;
    // A NaN among them hides the others, but infinities.
    for (const double q : values) {
      nan = nan || std::isnan(q);
      highest = GoMax(highest, q);
      lowest = GoMin(lowest, q);
    }
    if (nan) warn(std::numeric_limits<double>::quiet_NaN());
    if (highest > 1) warn(highest);
    if (lowest < 0) warn(lowest);
  }

  Status FoldQuantile(const Matrix& input, const std::vector<double>& q) {
    ASSIGN_OR_RETURN(const GroupedRows groups, GroupRows(input, grouping_));
    std::vector<double> values;
    bool ignored = false;
    for (size_t group = 0; group < groups.rows.size(); ++group) {
      RETURN_IF_ERROR(context_.Check());
      ASSIGN_OR_RETURN(Matrix::Row * out,
                       result_.AddRow(groups.labels[group], groups.drops_name[group]));
      for (size_t step = 0; step < grid_.count; ++step) {
        if (step % 64 == 0) RETURN_IF_ERROR(context_.Check());
        values.clear();
        for (const uint32_t row : groups.rows[group]) {
          const StepKind kind = input.rows()[row].kinds[step];
          if (kind == StepKind::kFloat) values.push_back(input.rows()[row].values[step]);
          ignored = ignored || kind == StepKind::kHistogram;
        }
        if (values.empty()) continue;
        out->kinds[step] = StepKind::kFloat;
        out->values[step] = Quantile(q[step], &values);
      }
    }
    if (ignored) {
      context_.annotations().Info(IgnoredHistogramText(aggregate_.op),
                                  {node_.children[0]->position, node_.order});
    }
    return Status::Ok();
  }

  Status CountValues(const Matrix& input, const std::string& label) {
    // The value becomes a label before grouping; `without (label)` takes it away again.
    AggregateExpr grouping_expr;
    grouping_expr.without = aggregate_.without;
    grouping_expr.grouping = aggregate_.grouping;
    if (!aggregate_.without) grouping_expr.grouping.push_back(label);
    const Grouping with_value(grouping_expr);
    std::unordered_map<std::string, size_t> rows;
    std::string key;
    for (const Matrix::Row& in : input.rows()) {
      RETURN_IF_ERROR(context_.Check());
      for (size_t step = 0; step < grid_.count; ++step) {
        if (in.kinds[step] == StepKind::kAbsent) continue;
        const FloatHistogram* const histogram = in.histogram(step);
        const std::string value =
            histogram == nullptr ? FormatPlain(in.values[step]) : ToString(*histogram);
        const Labels labels = LabelsBuilder(in.labels).Set(label, value).Build();
        with_value.Key(labels, &key);
        const auto [found, added] = rows.try_emplace(key, result_.rows().size());
        if (added) {
          ASSIGN_OR_RETURN(Matrix::Row * row, result_.AddRow(Labels(LabelsView(key)), false));
          (void)row;
        }
        Matrix::Row& out = result_.rows()[found->second];
        if (out.kinds[step] == StepKind::kAbsent) out.values[step] = 0;
        out.kinds[step] = StepKind::kFloat;
        ++out.values[step];
      }
    }
    return Status::Ok();
  }

  const PlanNode& node_;
  const AggregateExpr& aggregate_;
  Grouping grouping_;
  VectorPtr source_;
};

}  // namespace

Result<GroupedRows> GroupRows(const Matrix& matrix, const Grouping& grouping) {
  GroupedRows groups;
  std::unordered_map<std::string, size_t> ids;
  std::string key;
  for (uint32_t row = 0; row < matrix.rows().size(); ++row) {
    if (row % 4096 == 0) RETURN_IF_ERROR(matrix.context().Check());
    grouping.Key(matrix.rows()[row].labels, &key);
    const auto [found, added] = ids.try_emplace(key, groups.rows.size());
    if (added) {
      groups.labels.emplace_back(LabelsView(key));
      groups.rows.emplace_back();
      groups.drops_name.push_back(false);
    }
    groups.rows[found->second].push_back(row);
    if (matrix.rows()[row].drops_name) groups.drops_name[found->second] = true;
  }
  return groups;
}

Result<VectorPtr> BuildAggregate(QueryContext& context, const PlanNode& node,
                                 const StepGrid& grid) {
  ASSIGN_OR_RETURN(VectorPtr source, BuildVector(context, *node.children[0], grid));
  return VectorPtr(std::make_unique<AggregateOperator>(context, node, grid, std::move(source)));
}

}  // namespace thermocline::promql
