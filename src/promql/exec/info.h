// info(v, selector): adds the labels of info metrics to the series they describe.
#pragma once

#include "promql/exec/matrix.h"

namespace thermocline::promql {

// Series and info metrics are matched by `instance` and `job`. Source: Prometheus' promql/info.go;
// promql-semantics 2.11.
Result<VectorPtr> BuildInfo(QueryContext& context, const PlanNode& call, const StepGrid& grid);

}  // namespace thermocline::promql
