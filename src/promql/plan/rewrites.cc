// The order of the rewrites.
#include "promql/engine.h"
#include "promql/plan/plan.h"

namespace thermocline::promql {

std::string_view RewriteName(Rewrite rewrite) {
  switch (rewrite) {
    case Rewrite::kFoldConstants: return "fold_constants";
    case Rewrite::kEvaluateOnce: return "evaluate_once";
    case Rewrite::kPropagateMatchers: return "propagate_matchers";
    case Rewrite::kSortMatchers: return "sort_matchers";
    case Rewrite::kShortenHistograms: return "shorten_histograms";
    case Rewrite::kShareSubexpressions: return "share_subexpressions";
    case Rewrite::kShareSelectors: return "share_selectors";
  }
  return "";
}

void RewritePlan(PlanPtr& plan, const QueryTimes& times, const EngineOptions& engine) {
  FoldConstants(plan, times);
  EvaluateOnce(plan);
  MarkAnswer(*plan);
  if (engine.rewrites.propagate_matchers) PropagateMatchers(*plan);
  if (engine.rewrites.sort_matchers) SortMatchers(*plan);
  NameFunctions(*plan);
  ShortenHistograms(*plan);
  AskInResultOrder(*plan, times.is_instant());
  if (engine.rewrites.share_subexpressions) ShareSubexpressions(plan, engine);
  if (engine.rewrites.share_selectors) ShareSelectors(*plan);
}

}  // namespace thermocline::promql
