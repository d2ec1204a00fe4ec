// Computes what does not depend on data or time: operators and calls on numbers.
#include <numbers>

#include "promql/functions/arithmetic.h"
#include "promql/plan/plan.h"

namespace thermocline::promql {
namespace {

void Replace(PlanNode& node, double number) {
  node.kind = PlanKind::kNumber;
  node.number = number;
  node.children.clear();
  node.Mark(Rewrite::kFoldConstants);
}

void FoldCall(PlanNode& node, const QueryTimes& times) {
  switch (As<Call>(*node.expr).function->function) {
    case Function::kPi: return Replace(node, std::numbers::pi);
    case Function::kStart: return Replace(node, static_cast<double>(times.start_ms) / 1000);
    case Function::kEnd: return Replace(node, static_cast<double>(times.end_ms) / 1000);
    case Function::kStep: {
      const bool one_step = times.start_ms == times.end_ms;
      return Replace(node, one_step ? 0 : static_cast<double>(times.step_ms) / 1000);
    }
    case Function::kRange:
      return Replace(node, static_cast<double>(times.end_ms - times.start_ms) / 1000);
    case Function::kMaxOf:
      return Replace(node, GoMax(node.children[0]->number, node.children[1]->number));
    case Function::kMinOf:
      return Replace(node, GoMin(node.children[0]->number, node.children[1]->number));
    default: return;
  }
}

}  // namespace

void FoldConstants(PlanPtr& plan, const QueryTimes& times) {
  PlanNode& node = *plan;
  bool constant = true;
  for (PlanPtr& child : node.children) {
    FoldConstants(child, times);
    constant = constant && child->kind == PlanKind::kNumber;
  }
  if (!constant) return;
  if (node.kind == PlanKind::kNegate) return Replace(node, -node.children[0]->number);
  if (node.kind == PlanKind::kCall) return FoldCall(node, times);
  if (node.kind == PlanKind::kBinary) {
    const auto& binary = As<BinaryExpr>(*node.expr);
    const double left = node.children[0]->number;
    const double right = node.children[1]->number;
    Replace(node, IsComparison(binary.op) ? static_cast<double>(Compare(binary.op, left, right))
                                          : Arithmetic(binary.op, left, right));
  }
}

}  // namespace thermocline::promql
