// A plan told: its nodes, the rewrites that made them so, and what each of them took.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/queryable.h"
#include "promql/engine.h"

namespace thermocline::promql {

// What a node of a plan took. Threads: safe, also while the query runs.
struct NodeRecord {
  // In the node's operator, what it asks of its operands included; summed over the threads.
  std::atomic<int64_t> time_ns{0};
  std::atomic<uint64_t> series{0};   // that the operator lists
  std::atomic<uint64_t> samples{0};  // that it handed on
  // Of selectors: how often the source was asked, and what was read from it.
  std::atomic<uint64_t> selects{0};
  std::atomic<uint64_t> samples_read{0};
  ReadCounters read;
};

struct ExplainedNode {
  std::string kind;  // number, string, selector, window, subquery, negate, binary, ...
  std::string name;  // what it does, without its operands: `sum by (job)`, `up{job="a"}[5m]`
  std::vector<std::string> notes;            // what the plan adds to the expression
  std::vector<std::string_view> rewrites;    // that changed it, in the order in which they run
  std::shared_ptr<const NodeRecord> record;  // null unless the query was analysed
  std::vector<ExplainedNode> children;
};

struct ExplainRequest {
  std::string_view query;
  TimestampMs start_ms = 0;
  TimestampMs end_ms = 0;
  int64_t step_ms = 0;   // 0: an instant query at start_ms
  bool analyze = false;  // runs the query, too; its answer is counted and dropped
};

struct Explanation {
  std::string query;  // as the parser understood it
  ExplainedNode plan;
  // Of an analysed query: the whole. `result` has its figures and annotations, but no series.
  QueryResult result;
  uint64_t series = 0;                      // of the answer
  uint64_t samples = 0;                     // of the answer
  std::shared_ptr<const NodeRecord> total;  // its `read`; null unless analysed
};

}  // namespace thermocline::promql
