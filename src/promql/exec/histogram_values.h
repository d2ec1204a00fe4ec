// Functions of each native histogram by itself: histogram_count, _sum, _avg, _stddev, _stdvar; and
// start_timestamp.
#pragma once

#include "promql/exec/operator.h"

namespace thermocline::promql {

bool IsHistogramValue(Function function);
// Floats are left out.
Result<VectorPtr> BuildHistogramValue(QueryContext& context, const PlanNode& call,
                                      const StepGrid& grid);

// Start timestamps of a selector's samples; nothing over anything else, or when they do not count.
Result<VectorPtr> BuildStartTimestamps(QueryContext& context, const PlanNode& call,
                                       const StepGrid& grid);

}  // namespace thermocline::promql
