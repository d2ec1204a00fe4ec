// From a plan to the series of its answer.
#pragma once

#include "promql/exec/operator.h"
#include "promql/result_sink.h"

namespace thermocline::promql {

// Series go to `sink`, or into the result when it is null. A range query's come in label order, an
// instant vector's in the order the expression produced.
Result<QueryResult> EvaluatePlan(QueryContext& context, const PlanNode& plan, const StepGrid& grid,
                                 ResultSink* sink);

}  // namespace thermocline::promql
