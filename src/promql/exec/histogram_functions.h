// histogram_quantile, histogram_quantiles and histogram_fraction, over native histograms and over
// classic ones, whose buckets are ordinary series with an `le` label.
#pragma once

#include "promql/exec/matrix.h"

namespace thermocline::promql {

bool IsHistogramFunction(Function function);
Result<VectorPtr> BuildHistogramFunction(QueryContext& context, const PlanNode& call,
                                         const StepGrid& grid);

}  // namespace thermocline::promql
