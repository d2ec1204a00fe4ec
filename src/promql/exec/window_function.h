// Functions over range vectors: the window moves over each series' samples with the steps.
#pragma once

#include "promql/exec/operator.h"
#include "promql/functions/window.h"

namespace thermocline::promql {

// `call` is a kCall node of such a function; its range argument becomes a RangeOperator.
Result<VectorPtr> BuildWindowFunction(QueryContext& context, const PlanNode& call,
                                      const StepGrid& grid);

// The index of the call's argument that is a range vector, or -1.
int RangeArgument(const PlanNode& call);

// Where an annotation about argument `index` of `call` points: a subquery pins it to the start.
NotePlace ArgumentPlace(const PlanNode& call, size_t index);

}  // namespace thermocline::promql
