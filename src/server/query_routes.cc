// query, query_range and their relatives.
#include <fmt/core.h>

#include <algorithm>

#include "promql/parser.h"
#include "promql/printer.h"
#include "server/reply.h"
#include "server/result_json.h"
#include "server/router.h"
#include "wire/json.h"

namespace thermocline {
namespace {

// What both kinds of query take.
struct QuerySettings {
  uint64_t limit = 0;
  int64_t timeout_ms = 0;  // the smaller of the request's and the server's
  int64_t lookback_delta_ms = 0;
};

Result<QuerySettings> ParseSettings(const RouteCall& call) {
  QuerySettings settings;
  ASSIGN_OR_RETURN(settings.limit, LimitParameter(call.parameters));
  ASSIGN_OR_RETURN(const int64_t asked_ms, DurationParameter(call.parameters, "timeout"));
  ASSIGN_OR_RETURN(settings.lookback_delta_ms,
                   DurationParameter(call.parameters, "lookback_delta"));
  const int64_t most_ms = call.context.options.query_timeout_ms;
  settings.timeout_ms = asked_ms > 0 ? std::min(asked_ms, most_ms) : most_ms;
  return settings;
}

// Everything that one query holds while it runs.
class RunningQuery {
 public:
  RunningQuery(const RouteCall& call, const QuerySettings& settings)
      : clock_(call.context.env.clock),
        started_ns_(clock_.SteadyNs()),
        budget_(
            call.request.stop, started_ns_ + settings.timeout_ms * 1'000'000,
            [this] { return clock_.SteadyNs(); }, call.context.options.query_memory_bytes,
            call.context.all_queries) {
    options_.budget = &budget_;
    options_.counters = &counters_;
    options_.lookback_delta_ms = settings.lookback_delta_ms;
  }

  promql::QueryOptions& options() { return options_; }

  // The "stats" object: Prometheus' keys, then what each tier considered and read.
  std::string StatsJson(const promql::QueryResult& result) const {
    const double seconds = static_cast<double>(clock_.SteadyNs() - started_ns_) / 1e9;
    return fmt::format(
        R"({{"timings":{{"evalTotalTime":{:.9f},"execTotalTime":{:.9f}}},)"
        R"("samples":{{"totalQueryableSamples":{},"peakSamples":{}}},)"
        R"("tiers":{{"head":{{"series":{},"samples":{}}},)"
        R"("cold":{{"series":{},"samples":{},"blocksConsidered":{},"blocksSkippedByTime":{},)"
        R"("blocksSkippedByIndex":{},"pagesConsidered":{},"pagesSkipped":{},"pagesRead":{},)"
        R"("requests":{},"bytesRead":{},"rowsRead":{}}}}}}})",
        seconds, seconds, result.samples_scanned, result.peak_samples, counters_.head_series.load(),
        counters_.head_samples.load(), counters_.cold_series.load(), counters_.cold_samples.load(),
        counters_.blocks_considered.load(), counters_.blocks_skipped_by_time.load(),
        counters_.blocks_skipped_by_index.load(), counters_.pages_considered.load(),
        counters_.pages_skipped.load(), counters_.pages_read.load(), counters_.requests.load(),
        counters_.bytes_read.load(), counters_.rows_read.load());
  }

 private:
  const Clock& clock_;
  const int64_t started_ns_;
  QueryBudget budget_;
  ReadCounters counters_;
  promql::QueryOptions options_;
};

// Text that does not parse is the parameter's fault and says so.
Response QueryFailure(const Status& status) {
  return status.code() == Code::kInvalidArgument
             ? Failure(InvalidParameter("query", status.message()), false)
             : Failure(status, true);
}

Response Reply(const RouteCall& call, const RunningQuery& query, uint64_t limit,
               Result<promql::QueryResult> answer) {
  if (!answer.ok()) return QueryFailure(answer.status());
  promql::QueryResult& result = *answer;
  if (limit != 0 && result.series.size() > limit &&
      (result.kind == promql::ResultKind::kVector || result.kind == promql::ResultKind::kMatrix)) {
    result.series.resize(limit);
    result.warnings.emplace_back("results truncated due to limit");
  }
  const std::string stats = call.parameters.Get("stats").empty() ? "" : query.StatsJson(result);
  return Success(EncodeResult(result, stats), result.warnings, result.infos);
}

Response InstantQuery(const RouteCall& call) {
  const TimestampMs now_ms = call.context.env.clock.NowMs();
  const auto at_ms = TimeParameter(call.parameters, "time", now_ms);
  if (!at_ms.ok()) return Failure(at_ms.status(), false);
  const auto settings = ParseSettings(call);
  if (!settings.ok()) return Failure(settings.status(), false);
  RunningQuery query(call, *settings);
  return Reply(call, query, settings->limit,
               call.context.engine.Instant(call.context.storage, call.parameters.Get("query"),
                                           *at_ms, query.options()));
}

Response RangeQuery(const RouteCall& call) {
  const auto steps = StepsParameters(call.parameters);
  if (!steps.ok()) return Failure(steps.status(), false);
  const auto settings = ParseSettings(call);
  if (!settings.ok()) return Failure(settings.status(), false);
  RunningQuery query(call, *settings);
  return Reply(
      call, query, settings->limit,
      call.context.engine.Range(call.context.storage, call.parameters.Get("query"), steps->start_ms,
                                steps->end_ms, steps->step_ms, query.options()));
}

// Valid text in its canonical form.
Response FormatQuery(const RouteCall& call) {
  auto tree = promql::Parse(call.parameters.Get("query"));
  if (!tree.ok()) {
    return Failure(InvalidParameter("query", tree.status().message()), false);
  }
  std::string text;
  AppendJsonString(&text, promql::Print(**tree));
  return Success(std::move(text));
}

// Exemplars are not stored: the answer to a valid query is an empty list.
Response Exemplars(const RouteCall& call) {
  auto tree = promql::Parse(call.parameters.Get("query"));
  if (!tree.ok()) return Failure(tree.status(), false);
  return Success("[]");
}

constexpr Route kRoutes[] = {
    {"/api/v1/query", "GET POST", Lane::kQuery, &InstantQuery},
    {"/api/v1/query_range", "GET POST", Lane::kQuery, &RangeQuery},
    {"/api/v1/format_query", "GET POST", Lane::kOther, &FormatQuery},
    {"/api/v1/query_exemplars", "GET POST", Lane::kQuery, &Exemplars},
};

}  // namespace

std::span<const Route> QueryRoutes() { return kRoutes; }

}  // namespace thermocline
