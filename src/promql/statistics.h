// How many samples a query looked at, by Prometheus' rules.
#pragma once

#include <cstdint>
#include <vector>

namespace thermocline::promql {

// Counts of samples; a histogram counts as many as its size says (exec/step_block.h). They tell
// what Prometheus would have loaded, whatever was really read or held: plans may do with less.
// Source: Prometheus' util/stats/query_stats.go.
struct SampleStatistics {
  // Samples that steps see. A window's samples count anew at every step that sees them.
  uint64_t total = 0;
  // The same, but of a window only what the step before had not seen.
  uint64_t read = 0;
  // Most samples in memory at once.
  uint64_t peak = 0;
  // By step of the query; they add up to `total` and `read`.
  std::vector<uint64_t> total_per_step;
  std::vector<uint64_t> read_per_step;
};

// Where the time went, in ns. What is not part of the query's own work is 0.
struct QueryTimings {
  int64_t preparation_ns = 0;  // the plan
  int64_t evaluation_ns = 0;   // operators, and handing on what they answer
  int64_t sort_ns = 0;         // putting the answer in order
};

}  // namespace thermocline::promql
