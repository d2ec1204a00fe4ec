// Whether a query's answer is what a script expects.
#pragma once

#include <string>

#include "base/result.h"
#include "promql/engine.h"
#include "promql/test_script/script.h"

namespace thermocline::promql {

// Prometheus' almost.Equal with epsilon 1e-6: relative difference of the sum; NaN equals NaN, a
// stale marker only another.
bool AlmostEqual(double a, double b);

// Empty when `answer` is as expected, otherwise the first difference.
std::string Difference(const EvalCommand& eval, const Result<QueryResult>& answer);

}  // namespace thermocline::promql
