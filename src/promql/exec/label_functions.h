// label_replace and label_join.
#pragma once

#include "promql/exec/matrix.h"

namespace thermocline::promql {

Result<VectorPtr> BuildLabelReplace(QueryContext& context, const PlanNode& call,
                                    const StepGrid& grid);
Result<VectorPtr> BuildLabelJoin(QueryContext& context, const PlanNode& call, const StepGrid& grid);

}  // namespace thermocline::promql
