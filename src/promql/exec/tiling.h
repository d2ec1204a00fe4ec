// Step tiles: how many steps of a range query are evaluated at a time.
//
// Operators that fold take all steps at once and hold little. Those that hold their series (joins,
// sets, topk, quantile, subqueries, ...) would hold series x steps: when that is too much, the
// query is evaluated tile by tile and only its answer is put together.
#pragma once

#include "promql/exec/operator.h"

namespace thermocline::promql {

// The steps of a tile; `grid.count` when one will do. Lists what the plan selects when the answer
// depends on it; the operators then find these lists in `context`, so that every tile has the same
// series in the same order.
Result<size_t> PrepareTiles(QueryContext& context, const PlanNode& plan, const StepGrid& grid);

}  // namespace thermocline::promql
