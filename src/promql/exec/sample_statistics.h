// What Prometheus would have counted while it evaluated a plan.
#pragma once

#include "promql/exec/sample_tally.h"
#include "promql/statistics.h"

namespace thermocline::promql {

// Walks `plan` as Prometheus evaluates it, a node whole after its operands, with what `book` says
// of each. `grid` is the query's. Known to differ: a peak depends on the order of series when they
// are unequal, which is the storage's own; and of subqueries that were evaluated in tiles.
// Source of the rules: Prometheus' promql/engine.go (eval, rangeEval, evalSubquery, gatherVector).
SampleStatistics CountAsPrometheus(const PlanNode& plan, const StepGrid& grid,
                                   const TallyBook& book);

}  // namespace thermocline::promql
