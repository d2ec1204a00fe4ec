// The order of the rewrites.
#include "promql/plan/plan.h"

namespace thermocline::promql {
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
  EvaluateOnce(plan);
  MarkAnswer(*plan);
  NameFunctions(*plan);
  ShortenHistograms(*plan);
  AskInResultOrder(*plan, times.is_instant());
}

}  // namespace thermocline::promql
