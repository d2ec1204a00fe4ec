// Plan nodes to operators.
#include "promql/exec/aggregate.h"
#include "promql/exec/analysis.h"
#include "promql/exec/counted_operator.h"
#include "promql/exec/element.h"
#include "promql/exec/fold.h"
#include "promql/exec/histogram_functions.h"
#include "promql/exec/histogram_values.h"
#include "promql/exec/index_count.h"
#include "promql/exec/info.h"
#include "promql/exec/join.h"
#include "promql/exec/label_functions.h"
#include "promql/exec/presence.h"
#include "promql/exec/selector.h"
#include "promql/exec/shared.h"
#include "promql/exec/sort.h"
#include "promql/exec/subquery.h"
#include "promql/exec/window_function.h"

namespace thermocline::promql {
namespace {

Result<VectorPtr> BuildBinary(QueryContext& context, const PlanNode& node, const StepGrid& grid) {
  const bool left_scalar = node.children[0]->type == ValueType::kScalar;
  const bool right_scalar = node.children[1]->type == ValueType::kScalar;
  if (left_scalar || right_scalar) return BuildVectorScalar(context, node, grid);
  if (IsSetOperator(As<BinaryExpr>(*node.expr).op)) return BuildSetOperator(context, node, grid);
  return BuildJoin(context, node, grid);
}

Result<VectorPtr> BuildCall(QueryContext& context, const PlanNode& node, const StepGrid& grid) {
  const Signature& signature = *As<Call>(*node.expr).function;
  const Function function = signature.function;
  switch (function) {
    case Function::kAbsent: return BuildAbsent(context, node, grid);
    case Function::kAbsentOverTime: return BuildAbsentOverTime(context, node, grid);
    case Function::kVector: return BuildVectorOfScalar(context, *node.children[0], grid);
    case Function::kInfo: return BuildInfo(context, node, grid);
    case Function::kLabelReplace: return BuildLabelReplace(context, node, grid);
    case Function::kLabelJoin: return BuildLabelJoin(context, node, grid);
    case Function::kSort:
    case Function::kSortDesc:
    case Function::kSortByLabel:
    case Function::kSortByLabelDesc: return BuildSort(context, node, grid);
    case Function::kStartTimestamp: return BuildStartTimestamps(context, node, grid);
    case Function::kTimestamp:
      if (node.children[0]->kind == PlanKind::kSelector) {
        return BuildSampleTimes(context, node, grid);
      }
      break;
    default: break;
  }
  if (IsHistogramValue(function)) return BuildHistogramValue(context, node, grid);
  if (IsHistogramFunction(function)) return BuildHistogramFunction(context, node, grid);
  if (FindWindowFunction(function) != nullptr) return BuildWindowFunction(context, node, grid);
  if (IsElementFunction(function)) return BuildElementFunction(context, node, grid);
  return Status::Unimplemented("function \"" + std::string(signature.name) +
                               "\" is not implemented");
}

Result<VectorPtr> BuildNode(QueryContext& context, const PlanNode& node, const StepGrid& grid) {
  switch (node.kind) {
    case PlanKind::kSelector:
      return VectorPtr(std::make_unique<VectorSelectorOperator>(context, node, grid));
    case PlanKind::kNegate: return BuildNegate(context, node, grid);
    case PlanKind::kBinary: return BuildBinary(context, node, grid);
    case PlanKind::kAggregate:
      // Statistics count the samples that an index need not look at.
      if (context.tallies() == nullptr && IsIndexCount(node, grid)) {
        return BuildIndexCount(context, node, grid);
      }
      return IsFold(As<AggregateExpr>(*node.expr).op) ? BuildFold(context, node, grid)
                                                      : BuildAggregate(context, node, grid);
    case PlanKind::kCall: return BuildCall(context, node, grid);
    case PlanKind::kOnce: return BuildOnce(context, node, grid);
    default: return Status::Internal("not an instant vector");
  }
}

bool IsShared(const PlanNode& node) { return node.kind == PlanKind::kShared || node.uses > 0; }

}  // namespace

Result<VectorPtr> BuildOwnVector(QueryContext& context, const PlanNode& node,
                                 const StepGrid& grid) {
  ASSIGN_OR_RETURN(VectorPtr built, BuildNode(context, node, grid));
  if (context.analysis() != nullptr) {
    built = Measure(*context.analysis(), node, grid, std::move(built));
  }
  return CountAnswer(context, node, grid, std::move(built));
}

Result<RangePtr> BuildOwnRange(QueryContext& context, const PlanNode& node, const StepGrid& grid) {
  RangePtr built;
  if (node.kind == PlanKind::kWindow) {
    built = std::make_unique<WindowOperator>(context, node, grid);
  } else if (node.kind == PlanKind::kSubquery) {
    built = std::make_unique<SubqueryOperator>(context, node, grid);
  } else {
    return Status::Internal("not a range vector");
  }
  if (context.analysis() != nullptr) {
    built = Measure(*context.analysis(), node, std::move(built));
  }
  return CountWindows(context, node, grid, std::move(built));
}

Result<VectorPtr> BuildVector(QueryContext& context, const PlanNode& node, const StepGrid& grid) {
  if (node.kind == PlanKind::kSelector || !IsShared(node)) {
    return BuildOwnVector(context, node, grid);
  }
  ASSIGN_OR_RETURN(VectorPtr shared, BuildSharedVector(context, node, grid));
  if (context.analysis() == nullptr || node.kind != PlanKind::kShared) return shared;
  return Measure(*context.analysis(), node, grid, std::move(shared));
}

Result<RangePtr> BuildRange(QueryContext& context, const PlanNode& node, const StepGrid& grid) {
  if (node.kind == PlanKind::kWindow || !IsShared(node)) return BuildOwnRange(context, node, grid);
  ASSIGN_OR_RETURN(RangePtr shared, BuildSharedRange(context, node, grid));
  if (context.analysis() == nullptr || node.kind != PlanKind::kShared) return shared;
  return Measure(*context.analysis(), node, std::move(shared));
}

}  // namespace thermocline::promql
