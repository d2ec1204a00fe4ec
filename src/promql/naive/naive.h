// A second evaluator of float PromQL, slow and obvious: one step after the other, one series after
// the other, everything recomputed. Only tests use it, as the engine's oracle.
//
// It knows no histograms, annotations, limits, label_replace, info, or anchored and smoothed
// selectors (Unimplemented), and none of the step-invariance quirks of promql-semantics 1.3.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "model/queryable.h"
#include "promql/engine.h"

namespace thermocline::promql {

Result<QueryResult> NaiveInstant(const Queryable& source, std::string_view query, TimestampMs at_ms,
                                 const EngineOptions& options);
Result<QueryResult> NaiveRange(const Queryable& source, std::string_view query,
                               TimestampMs start_ms, TimestampMs end_ms, int64_t step_ms,
                               const EngineOptions& options);

}  // namespace thermocline::promql
