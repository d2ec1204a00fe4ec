// Operators that transform each series by itself, value by value, in place.
#pragma once

#include "promql/exec/operator.h"

namespace thermocline::promql {

// Whether `function` is one that BuildElementFunction knows.
bool IsElementFunction(Function function);

// abs, clamp, round, hour, ... over an instant vector, and timestamp() over what is no selector.
Result<VectorPtr> BuildElementFunction(QueryContext& context, const PlanNode& call,
                                       const StepGrid& grid);

// Unary minus.
Result<VectorPtr> BuildNegate(QueryContext& context, const PlanNode& node, const StepGrid& grid);

// A binary operator with one scalar side.
Result<VectorPtr> BuildVectorScalar(QueryContext& context, const PlanNode& node,
                                    const StepGrid& grid);

// The answer of a one-step operator, at every step of `grid`.
Result<VectorPtr> BuildOnce(QueryContext& context, const PlanNode& node, const StepGrid& grid);

}  // namespace thermocline::promql
