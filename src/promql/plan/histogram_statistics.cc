// Which selectors deliver histograms without buckets. Source of the rule: Prometheus'
// promql/engine.go, detectHistogramStatsDecoding (promql-semantics 1.10).
#include "promql/plan/plan.h"

namespace thermocline::promql {
namespace {

// What the nodes between the root and a selector ask for, the nearest first.
struct Path {
  const PlanNode* node = nullptr;
  const Path* above = nullptr;
};

bool WantsStatistics(const Path* path) {
  bool wants = false;
  for (; path != nullptr; path = path->above) {
    const PlanNode& node = *path->node;
    if (node.kind == PlanKind::kSubquery) return false;
    if (node.kind == PlanKind::kBinary) {
      const BinaryOp op = As<BinaryExpr>(*node.expr).op;
      if (op == BinaryOp::kTrimLower || op == BinaryOp::kTrimUpper) return false;
    }
    if (node.kind != PlanKind::kCall) continue;
    switch (As<Call>(*node.expr).function->function) {
      case Function::kHistogramCount:
      case Function::kHistogramSum:
      case Function::kHistogramAvg: wants = true; break;
      case Function::kHistogramQuantile:
      case Function::kHistogramQuantiles:
      case Function::kHistogramFraction: return false;
      default: break;
    }
  }
  return wants;
}

void Visit(PlanNode& node, const Path* above) {
  if (node.kind == PlanKind::kSelector || node.kind == PlanKind::kWindow) {
    node.statistics = WantsStatistics(above);
    if (node.statistics) node.Mark(Rewrite::kShortenHistograms);
    return;
  }
  const Path path{&node, above};
  for (const PlanPtr& child : node.children) Visit(*child, &path);
}

}  // namespace

void ShortenHistograms(PlanNode& plan) { Visit(plan, nullptr); }

}  // namespace thermocline::promql
