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

// Whether two histograms are the same to AlmostEqual once compact; with `with_hint` the reset hints
// too. Schemas, bounds and zero thresholds must agree exactly.
bool AlmostEqual(const FloatHistogram& expected, const FloatHistogram& actual, bool with_hint);

// Empty when `answer` has the expected values, otherwise the first difference. Annotations are not
// looked at.
std::string ValueDifference(const EvalCommand& eval, const QueryResult& answer);

// Empty when `answer` is as expected, otherwise the first difference.
std::string Difference(const EvalCommand& eval, const Result<QueryResult>& answer);

}  // namespace thermocline::promql
