// What each selector is selected for, as sources are told (SelectHints::function). Source of the
// rule: Prometheus' promql/engine.go, extractFuncFromPath.
#include "promql/plan/plan.h"

namespace thermocline::promql {
namespace {

void Name(PlanNode& node, std::string_view function) {
  node.function = function;
  switch (node.kind) {
    case PlanKind::kCall: function = As<Call>(*node.expr).function->name; break;
    case PlanKind::kAggregate: function = AggregateOpText(As<AggregateExpr>(*node.expr).op); break;
    case PlanKind::kBinary: function = {}; break;
    default: break;
  }
  for (const PlanPtr& child : node.children) Name(*child, function);
}

}  // namespace

void NameFunctions(PlanNode& plan) { Name(plan, {}); }

}  // namespace thermocline::promql
