// Scalars: dense values by step.
#include <limits>

#include "promql/exec/analysis.h"
#include "promql/exec/matrix.h"
#include "promql/functions/arithmetic.h"

namespace thermocline::promql {
namespace {

using Values = std::vector<double>;

// scalar(v): the value of the only series that has one at the step, else NaN.
Result<Values> OnlyValue(QueryContext& context, const PlanNode& node, const StepGrid& grid) {
  ASSIGN_OR_RETURN(VectorPtr source, BuildVector(context, node, grid));
  RETURN_IF_ERROR(source->Open());
  Values values(grid.count, 0);
  std::vector<uint8_t> found(grid.count, 0);  // 2 stands for more
  std::vector<StepBlock> slots(MorselWindow(context));
  const auto work = [&](MorselRange morsel, size_t slot) {
    return source->Read(morsel.first, morsel.count, &slots[slot]);
  };
  const auto merge = [&](MorselRange morsel, size_t slot) {
    for (size_t row = 0; row < morsel.count; ++row) {
      for (size_t step = 0; step < grid.count; ++step) {
        if (slots[slot].kinds(row)[step] != StepKind::kFloat || found[step] == 2) continue;
        ++found[step];
        values[step] = slots[slot].values(row)[step];
      }
    }
    return Status::Ok();
  };
  RETURN_IF_ERROR(ForEachMorsel(context, source->series_count(), grid.count, work, merge));
  for (size_t step = 0; step < grid.count; ++step) {
    if (found[step] != 1) values[step] = std::numeric_limits<double>::quiet_NaN();
  }
  return values;
}

Result<Values> EvaluateBinary(QueryContext& context, const PlanNode& node, const StepGrid& grid) {
  const BinaryOp op = As<BinaryExpr>(*node.expr).op;
  ASSIGN_OR_RETURN(Values left, EvaluateScalar(context, *node.children[0], grid));
  ASSIGN_OR_RETURN(const Values right, EvaluateScalar(context, *node.children[1], grid));
  for (size_t step = 0; step < grid.count; ++step) {
    left[step] = IsComparison(op) ? static_cast<double>(Compare(op, left[step], right[step]))
                                  : Arithmetic(op, left[step], right[step]);
  }
  return left;
}

Result<Values> EvaluateCall(QueryContext& context, const PlanNode& node, const StepGrid& grid) {
  const auto& call = As<Call>(*node.expr);
  switch (call.function->function) {
    case Function::kScalar: return OnlyValue(context, *node.children[0], grid);
    case Function::kTime: {
      Values values(grid.count);
      for (size_t step = 0; step < grid.count; ++step) {
        values[step] = static_cast<double>(grid.At(step)) / 1000;
      }
      return values;
    }
    case Function::kMaxOf:
    case Function::kMinOf: {
      const bool max = call.function->function == Function::kMaxOf;
      ASSIGN_OR_RETURN(Values left, EvaluateScalar(context, *node.children[0], grid));
      ASSIGN_OR_RETURN(const Values right, EvaluateScalar(context, *node.children[1], grid));
      for (size_t step = 0; step < grid.count; ++step) {
        left[step] = max ? GoMax(left[step], right[step]) : GoMin(left[step], right[step]);
      }
      return left;
    }
    default: return Status::Unimplemented("scalar function " + std::string(call.function->name));
  }
}

}  // namespace

Result<Values> EvaluateScalar(QueryContext& context, const PlanNode& node, const StepGrid& grid) {
  RETURN_IF_ERROR(context.Check());
  const NodeTimer timer(context.analysis(), node);
  switch (node.kind) {
    case PlanKind::kNumber: return Values(grid.count, node.number);
    case PlanKind::kNegate: {
      ASSIGN_OR_RETURN(Values values, EvaluateScalar(context, *node.children[0], grid));
      for (double& value : values) value = -value;
      return values;
    }
    case PlanKind::kBinary: return EvaluateBinary(context, node, grid);
    case PlanKind::kCall: return EvaluateCall(context, node, grid);
    case PlanKind::kOnce: {
      StepGrid first = grid;
      first.count = 1;
      first.alone = true;
      ASSIGN_OR_RETURN(const Values once, EvaluateScalar(context, *node.children[0], first));
      return Values(grid.count, once[0]);
    }
    default: return Status::Internal("not a scalar");
  }
}

}  // namespace thermocline::promql
