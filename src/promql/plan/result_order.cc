// Which selector decides the order of the answer: the one that every operator between it and the
// root keeps the order of.
#include "promql/plan/plan.h"

namespace thermocline::promql {
namespace {

// Functions that answer series of their own, or all their series at once.
bool MakesItsOwnOrder(Function function) {
  switch (function) {
    case Function::kAbsent:
    case Function::kAbsentOverTime:
    case Function::kHistogramFraction:
    case Function::kHistogramQuantile:
    case Function::kHistogramQuantiles:
    case Function::kInfo:
    case Function::kScalar:
    case Function::kSort:
    case Function::kSortByLabel:
    case Function::kSortByLabelDesc:
    case Function::kSortDesc:
    case Function::kVector: return true;
    default: return false;
  }
}

PlanNode* OnlySeriesChild(PlanNode& node) {
  PlanNode* only = nullptr;
  for (const PlanPtr& child : node.children) {
    if (child->type != ValueType::kVector && child->type != ValueType::kMatrix) continue;
    if (only != nullptr) return nullptr;
    only = child.get();
  }
  return only;
}

}  // namespace

void AskInResultOrder(PlanNode& plan, bool instant) {
  if (instant && plan.type != ValueType::kMatrix) return;
  for (PlanNode* node = &plan; node != nullptr;) {
    switch (node->kind) {
      case PlanKind::kSelector:
      case PlanKind::kWindow: node->sorted = true; return;
      case PlanKind::kCall:
        if (MakesItsOwnOrder(As<Call>(*node->expr).function->function)) return;
        break;
      case PlanKind::kNegate:
      case PlanKind::kBinary:
      case PlanKind::kSubquery:
      case PlanKind::kOnce: break;
      default: return;
    }
    node = OnlySeriesChild(*node);
  }
}

}  // namespace thermocline::promql
