// One query of the API from its start to its answer: its limits, its place among the running ones,
// its statistics, its trace and its line in the log.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "promql/engine.h"
#include "server/active_queries.h"
#include "server/query_trace.h"
#include "server/result_stream.h"
#include "server/router.h"

namespace thermocline {

// What a request asks for.
struct QuerySettings {
  TimestampMs start_ms = 0;
  TimestampMs end_ms = 0;  // an instant query's is its start
  int64_t step_ms = 0;     // 0 of an instant query
  uint64_t limit = 0;
  int64_t timeout_ms = 0;  // the smaller of the request's and the server's
  int64_t lookback_delta_ms = 0;
  bool trace = false;
};

// Everything that a query holds while it runs. `call` is borrowed.
class RunningQuery {
 public:
  RunningQuery(const RouteCall& call, const QuerySettings& settings);

  // Runs the query and answers the request.
  Response Run();

 private:
  Result<promql::QueryResult> Evaluate();
  Response Succeed(promql::QueryResult* result);
  Response Fail(const Status& status);
  ActiveQuery Describe() const;
  std::string Statistics(const promql::QueryResult& result, bool per_step) const;
  void WriteLog(const promql::QueryResult& result, const Status& status) const;

  const RouteCall& call_;
  const QuerySettings settings_;
  const std::string_view text_;
  const std::string_view statistics_;  // the parameter
  const Clock& clock_;
  const int64_t started_ns_;
  std::stop_source stop_;
  std::stop_callback<std::function<void()>> client_gone_;
  ResultStream stream_;
  QueryBudget budget_;
  ReadCounters counters_;
  std::optional<QueryTrace> trace_;
  std::optional<ActiveQueries::Entry> entry_;  // looks at the members above
};

}  // namespace thermocline
