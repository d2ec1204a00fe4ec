// The order of the rewrites.
#include <algorithm>

#include "promql/plan/plan.h"

namespace thermocline::promql {
namespace {

bool HasSubquery(const PlanNode& plan) {
  return plan.kind == PlanKind::kSubquery ||
         std::any_of(plan.children.begin(), plan.children.end(),
                     [](const PlanPtr& child) { return HasSubquery(*child); });
}

}  // namespace

std::string_view RewriteName(Rewrite rewrite) {
  switch (rewrite) {
    case Rewrite::kFoldConstants: return "fold_constants";
    case Rewrite::kEvaluateOnce: return "evaluate_once";
    case Rewrite::kShortenHistograms: return "shorten_histograms";
  }
  return "";
}

void RewritePlan(PlanPtr& plan, const QueryTimes& times) {
  FoldConstants(plan, times);
  // A subquery has steps of its own.
  if (!times.has_one_step() || HasSubquery(*plan)) EvaluateOnce(plan);
  NameFunctions(*plan);
  ShortenHistograms(*plan);
  AskInResultOrder(*plan, times.is_instant());
}

}  // namespace thermocline::promql
