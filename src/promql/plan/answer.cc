// Finds the nodes whose series become the answer as they are.
#include "promql/plan/plan.h"

namespace thermocline::promql {
namespace {

// Hands whole series on, not what they have at one step after the other.
bool PassesSeriesOn(const PlanNode& node) {
  if (node.kind == PlanKind::kOnce || node.kind == PlanKind::kNegate) return true;
  if (node.kind != PlanKind::kCall) return false;
  const Function function = As<Call>(*node.expr).function->function;
  return function == Function::kLabelReplace || function == Function::kLabelJoin;
}

}  // namespace

void MarkAnswer(PlanNode& plan) {
  PlanNode* node = &plan;
  node->is_answer = true;
  while (PassesSeriesOn(*node)) {
    node = node->children[0].get();
    node->is_answer = true;
  }
}

}  // namespace thermocline::promql
