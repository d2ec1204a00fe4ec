// A second evaluator of PromQL, slow and obvious: node after node, one series after the other, one
// step after the other, everything recomputed. Only tests use it, as the engine's oracle.
//
// It knows the whole language, native histograms and annotations. It has no limits and counts no
// samples, and it does not repeat what promql-semantics 10 lists as quirks of Prometheus that the
// engine does not follow either.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "model/queryable.h"
#include "promql/engine.h"

namespace thermocline::promql {

// Warnings and infos come in no particular order.
Result<QueryResult> NaiveInstant(const Queryable& source, std::string_view query, TimestampMs at_ms,
                                 const EngineOptions& options);
Result<QueryResult> NaiveRange(const Queryable& source, std::string_view query,
                               TimestampMs start_ms, TimestampMs end_ms, int64_t step_ms,
                               const EngineOptions& options);

}  // namespace thermocline::promql
