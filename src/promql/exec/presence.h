// Operators that make series out of nothing, or out of there being nothing.
#pragma once

#include "promql/exec/operator.h"

namespace thermocline::promql {

// absent(v): 1 at steps where the vector is empty.
Result<VectorPtr> BuildAbsent(QueryContext& context, const PlanNode& call, const StepGrid& grid);
// absent_over_time(m): 1 at steps where no series has a sample in the window.
Result<VectorPtr> BuildAbsentOverTime(QueryContext& context, const PlanNode& call,
                                      const StepGrid& grid);
// vector(s): one series without labels.
Result<VectorPtr> BuildVectorOfScalar(QueryContext& context, const PlanNode& scalar,
                                      const StepGrid& grid);
// The step times in seconds, as a vector: what date functions work on without an argument.
VectorPtr BuildStepTimes(QueryContext& context, const StepGrid& grid);
// timestamp(selector): the samples' own times.
Result<VectorPtr> BuildSampleTimes(QueryContext& context, const PlanNode& call,
                                   const StepGrid& grid);

}  // namespace thermocline::promql
