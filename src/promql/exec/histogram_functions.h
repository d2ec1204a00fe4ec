// histogram_quantile and its relatives. Classic buckets are ordinary series with an `le` label;
// the functions that only native histograms answer find none and answer nothing, as does
// start_timestamp, which Prometheus too answers only when told to use start timestamps.
#pragma once

#include "promql/exec/matrix.h"

namespace thermocline::promql {

bool IsHistogramFunction(Function function);
Result<VectorPtr> BuildHistogramFunction(QueryContext& context, const PlanNode& call,
                                         const StepGrid& grid);

}  // namespace thermocline::promql
