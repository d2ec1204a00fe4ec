// A query's statistics as JSON, with Prometheus' keys.
#pragma once

#include <cstdint>
#include <string>

#include "promql/engine.h"

namespace thermocline {

// What the engine does not know of a query's time, in ns.
struct ServedNs {
  int64_t queued = 0;  // from the request's arrival until it ran
  int64_t ran = 0;     // since then
};

// {"timings":{...},"samples":{...}}: times in seconds; the counts by step as [time, count] when
// `per_step`. `result.statistics` is there. Source: Prometheus' util/stats/query_stats.go.
std::string StatisticsJson(const promql::QueryResult& result, const ServedNs& served,
                           bool per_step);

// What each tier considered, skipped and read.
std::string TiersJson(const ReadCounters& counters);

}  // namespace thermocline
