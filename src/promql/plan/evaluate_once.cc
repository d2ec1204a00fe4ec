// Finds subtrees whose answer is the same at every step, so that they are evaluated once.
// Source of the rules: Prometheus' promql/engine.go, PreprocessExpr (promql-semantics 1.3).
#include "promql/plan/plan.h"

namespace thermocline::promql {
namespace {

// Calls that look at the step time themselves.
bool DependsOnStep(const PlanNode& call) {
  const auto& expr = As<Call>(*call.expr);
  switch (expr.function->function) {
    case Function::kTime:
    case Function::kPredictLinear:
    case Function::kDayOfMonth:
    case Function::kDayOfWeek:
    case Function::kDayOfYear:
    case Function::kDaysInMonth:
    case Function::kHour:
    case Function::kMinute:
    case Function::kMonth:
    case Function::kYear: return true;
    case Function::kTimestamp:
      // Over a selector it reads the sample's own time, over anything else the step's.
      return call.children[0]->kind != PlanKind::kSelector;
    case Function::kInfo: return true;
    default: return false;
  }
}

bool Literal(const PlanNode& node) {
  return node.kind == PlanKind::kNumber || node.kind == PlanKind::kString;
}

void Wrap(PlanPtr& node) {
  // A range vector cannot be repeated; its windows at a pinned time are equal anyhow.
  if (Literal(*node) || node->type == ValueType::kMatrix) return;
  auto once = std::make_unique<PlanNode>();
  once->kind = PlanKind::kOnce;
  once->type = node->type;
  once->position = node->position;
  once->order = node->order;
  once->expr = node->expr;
  once->Mark(Rewrite::kEvaluateOnce);
  once->children.push_back(std::move(node));
  node = std::move(once);
}

// Whether `node` is invariant; wraps the invariant children of one that is not.
bool Visit(PlanPtr& node) {
  switch (node->kind) {
    case PlanKind::kNumber:
    case PlanKind::kString: return true;
    case PlanKind::kSelector:
    case PlanKind::kWindow: return node->at_ms.has_value();
    default: break;
  }
  std::vector<bool> invariant;
  bool all = true;
  for (PlanPtr& child : node->children) {
    invariant.push_back(Visit(child));
    all = all && invariant.back();
  }
  const bool pinned_subquery = node->kind == PlanKind::kSubquery && node->at_ms.has_value();
  const bool call_ok = node->kind != PlanKind::kCall || !DependsOnStep(*node);
  const bool self = pinned_subquery || (all && call_ok && node->kind != PlanKind::kSubquery);
  // Calls without arguments are folded when constant; what is left reads the step.
  if (self && !(node->kind == PlanKind::kCall && node->children.empty())) return true;
  for (size_t i = 0; i < node->children.size(); ++i) {
    if (invariant[i]) Wrap(node->children[i]);
  }
  return false;
}

}  // namespace

void EvaluateOnce(PlanPtr& plan) {
  if (Visit(plan)) Wrap(plan);
}

}  // namespace thermocline::promql
