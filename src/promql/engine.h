// The query engine: PromQL text and a Queryable in, a QueryResult out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "env/clock.h"
#include "env/executor.h"
#include "model/labels.h"
#include "model/queryable.h"
#include "promql/result_sink.h"
#include "promql/statistics.h"

namespace thermocline::promql {

// Rewrites of plans that only spare work: answers are the same without them, which tests and
// measurements make use of.
struct RewriteOptions {
  bool propagate_matchers = true;
  bool sort_matchers = true;
  bool share_subexpressions = true;
  bool share_selectors = true;

  static RewriteOptions None() { return {false, false, false, false}; }
};

struct EngineOptions {
  // How far an instant selector looks back for a sample (left-open).
  int64_t lookback_delta_ms = 5 * kMinuteMs;
  // Samples a query may hold at once, its result included; more is ResourceExhausted.
  uint64_t max_samples = 50'000'000;
  // Experimental functions and aggregations parse and run (Prometheus'
  // promql-experimental-functions).
  bool enable_experimental = false;
  // `anchored` and `smoothed` (promql-extended-range-selectors).
  bool extended_range_selectors = false;
  // `fill`, `fill_left` and `fill_right` (promql-binop-fill-modifiers).
  bool fill_modifiers = false;
  // Names are dropped from the result only at the very end (Prometheus'
  // promql-delayed-name-removal).
  bool delayed_name_removal = false;
  // Start timestamps of samples tell counter resets, and start_timestamp() answers (Prometheus'
  // use-start-timestamps).
  bool use_start_timestamps = false;
  // rate and increase take a metric for a counter by its __type__ label, not by its name
  // (Prometheus' type-and-unit-labels).
  bool type_and_unit_labels = false;
  // Answers tell what each step counted (Prometheus' promql-per-step-stats).
  bool per_step_statistics = false;
  // Resolution of a subquery that names none: the global evaluation interval.
  int64_t default_step_ms = kMinuteMs;
  // Steps of a range query, per series; more is InvalidArgument (0 = unlimited).
  uint64_t max_steps = 0;
  // Steps of a subquery's own grid, per series; more is InvalidArgument (0 = unlimited).
  uint64_t max_subquery_steps = 100'000;
  // Values that operators which hold all their series may hold at once, in bytes; a range query
  // that would hold more is evaluated in tiles of its steps.
  uint64_t tile_bytes = 128ull << 20;

  RewriteOptions rewrites;

  // InvalidArgument when a duration or limit is not positive.
  Status Validate() const;
};

struct ParseOptions;  // promql/parser.h
// Which parts of the language the engine accepts.
ParseOptions ParseOptionsOf(const EngineOptions& options);

struct QueryOptions {
  TenantId tenant;
  QueryBudget* budget = nullptr;     // borrowed for the call; may be null
  ReadCounters* counters = nullptr;  // borrowed for the call; may be null
  int64_t lookback_delta_ms = 0;     // 0 = the engine's
  // Count samples as Prometheus does, which costs a pass over what every operator answers.
  bool count_samples = false;
};

// kScalar: one series without labels and with one point. kString: `text`, valid at `at_ms`.
// kMatrix: in label order; kVector: in the order the expression produced.
struct QueryResult {
  ResultKind kind = ResultKind::kVector;
  TimestampMs at_ms = 0;  // of an instant query; else the first step
  int64_t step_ms = 0;    // 0 of an instant query
  std::vector<ResultSeries> series;
  std::string text;
  // With their prefix ("PromQL warning: ...") and position; in a stable order.
  std::vector<std::string> warnings;
  std::vector<std::string> infos;
  uint64_t samples_scanned = 0;  // samples that selectors looked at
  uint64_t peak_samples = 0;     // most samples held at once
  int64_t elapsed_ns = 0;        // by the engine's clock, parsing included
  QueryTimings timings;
  std::optional<SampleStatistics> statistics;  // with QueryOptions::count_samples
};

struct ExplainRequest;  // promql/explain.h
struct Explanation;

// Threads: safe; a query's own work is spread over the executor and its answer does not depend on
// the executor's parallelism. Errors of both calls: InvalidArgument for text that does not parse or
// type-check (Prometheus' message with its position), Cancelled, DeadlineExceeded,
// ResourceExhausted (max_samples or the byte budget), OutOfRange for every other execution error,
// and whatever the Queryable returns, with "expanding series: " before it.
class Engine {
 public:
  // `executor` and `clock` are borrowed and outlive the engine.
  Engine(EngineOptions options, Executor& executor, const Clock& clock);

  Result<QueryResult> Instant(const Queryable& source, std::string_view query, TimestampMs at_ms,
                              const QueryOptions& options) const;
  // Steps start_ms, start_ms + step_ms, ... up to end_ms. `step_ms` > 0.
  Result<QueryResult> Range(const Queryable& source, std::string_view query, TimestampMs start_ms,
                            TimestampMs end_ms, int64_t step_ms, const QueryOptions& options) const;

  // As Instant and Range, but the series go to `sink` as they are ready, and the result has none.
  // Series that come in label order by themselves (selectors, functions of each series alone) are
  // not held: memory does not grow with their number.
  Result<QueryResult> StreamInstant(const Queryable& source, std::string_view query,
                                    TimestampMs at_ms, const QueryOptions& options,
                                    ResultSink& sink) const;
  Result<QueryResult> StreamRange(const Queryable& source, std::string_view query,
                                  TimestampMs start_ms, TimestampMs end_ms, int64_t step_ms,
                                  const QueryOptions& options, ResultSink& sink) const;

  // The plan of a query; with `analyze` the query runs too, its answer is counted and dropped, and
  // each node tells what it took. Errors: as Instant and Range.
  Result<Explanation> Explain(const Queryable& source, const ExplainRequest& request,
                              const QueryOptions& options) const;

  const EngineOptions& options() const { return options_; }

 private:
  Result<QueryResult> RunInstant(const Queryable& source, std::string_view query, TimestampMs at_ms,
                                 const QueryOptions& options, ResultSink* sink) const;
  Result<QueryResult> RunRange(const Queryable& source, std::string_view query,
                               TimestampMs start_ms, TimestampMs end_ms, int64_t step_ms,
                               const QueryOptions& options, ResultSink* sink) const;

  EngineOptions options_;
  Executor& executor_;
  const Clock& clock_;
};

}  // namespace thermocline::promql
