// count(selector) at one step, answered by the source's index when it can.
#pragma once

#include "promql/exec/operator.h"

namespace thermocline::promql {

// Whether BuildIndexCount applies to the aggregation `node`.
bool IsIndexCount(const PlanNode& node, const StepGrid& grid);
// Asks the source when opened, and folds samples when the source cannot tell.
Result<VectorPtr> BuildIndexCount(QueryContext& context, const PlanNode& node,
                                  const StepGrid& grid);

}  // namespace thermocline::promql
