#include "promql/exec/index_count.h"

#include <optional>

#include "promql/exec/fold.h"
#include "promql/exec/matrix.h"
#include "promql/exec/selector.h"
#include "promql/explain.h"

namespace thermocline::promql {
namespace {

class IndexCountOperator : public MatrixOperator {
 public:
  IndexCountOperator(QueryContext& context, const PlanNode& node, const StepGrid& grid)
      : MatrixOperator(context, grid), node_(node) {}

  Status Open() override {
    const PlanNode& selector = *node_.children[0];
    SelectRequest request;
    request.tenant = context_.query().tenant;
    request.matchers = selector.matchers;
    request.range = SelectorRange(selector, grid_, context_.lookback_ms(), 0);
    request.budget = context_.query().budget;
    request.counters = context_.query().counters;
    if (NodeRecord* const record = context_.RecordOf(selector)) request.counters = &record->read;
    const auto counted = context_.source().TryCount(request, selector.ReferenceMs(grid_.At(0)),
                                                    context_.lookback_ms());
    if (!counted.ok()) return counted.status().WithContext("expanding series");
    if (!counted->has_value()) return Fold();
    if (**counted > 0) RETURN_IF_ERROR(Answer(static_cast<double>(**counted)));
    return result_.HoldSamples();
  }

 private:
  Status Fold() {
    ASSIGN_OR_RETURN(VectorPtr fold, BuildFold(context_, node_, grid_));
    RETURN_IF_ERROR(fold->Open());
    ASSIGN_OR_RETURN(result_, Materialize(context_, *fold, grid_.count));
    return Status::Ok();
  }

  Status Answer(double count) {
    ASSIGN_OR_RETURN(Matrix::Row * row, result_.AddRow(Labels(), false));
    row->kinds[0] = StepKind::kFloat;
    row->values[0] = count;
    return Status::Ok();
  }

  const PlanNode& node_;
};

}  // namespace

bool IsIndexCount(const PlanNode& node, const StepGrid& grid) {
  const auto& aggregate = As<AggregateExpr>(*node.expr);
  if (grid.count != 1 || aggregate.op != AggregateOp::kCount) return false;
  if (aggregate.without || !aggregate.grouping.empty()) return false;
  const PlanNode& operand = *node.children[0];
  return operand.kind == PlanKind::kSelector &&
         As<VectorSelector>(*operand.expr).extension != Extension::kSmoothed;
}

Result<VectorPtr> BuildIndexCount(QueryContext& context, const PlanNode& node,
                                  const StepGrid& grid) {
  return VectorPtr(std::make_unique<IndexCountOperator>(context, node, grid));
}

}  // namespace thermocline::promql
