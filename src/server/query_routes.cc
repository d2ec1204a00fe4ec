// query, query_range and their relatives.
#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "model/exemplar.h"
#include "promql/parser.h"
#include "server/query_statistics.h"
#include "server/query_trace.h"
#include "server/reply.h"
#include "server/result_stream.h"
#include "server/router.h"
#include "wire/json.h"

namespace thermocline {
namespace {

// What both kinds of query take. Parameters are checked in Prometheus' order, so that of several
// faults the same one is told: first the limit, then the times, then these.
struct QuerySettings {
  uint64_t limit = 0;
  int64_t timeout_ms = 0;  // the smaller of the request's and the server's
  int64_t lookback_delta_ms = 0;
  bool trace = false;
};

Result<QuerySettings> ParseSettings(const RouteCall& call, uint64_t limit) {
  QuerySettings settings;
  settings.limit = limit;
  ASSIGN_OR_RETURN(const int64_t asked_ms, DurationParameter(call.parameters, "timeout"));
  if (const std::string_view text = call.parameters.Get("lookback_delta"); !text.empty()) {
    const auto lookback_ms = ParseDurationOrSecondsMs(text);
    if (!lookback_ms.ok()) {
      return Status::InvalidArgument("error parsing lookback delta duration: " +
                                     std::string(lookback_ms.status().message()));
    }
    settings.lookback_delta_ms = *lookback_ms;
  }
  ASSIGN_OR_RETURN(settings.trace, BoolParameter(call.parameters, "trace", false));
  const int64_t most_ms = call.context.options.query_timeout_ms;
  settings.timeout_ms = asked_ms > 0 ? std::min(asked_ms, most_ms) : most_ms;
  return settings;
}

// Everything that one query holds while it runs.
class RunningQuery {
 public:
  RunningQuery(const RouteCall& call, const QuerySettings& settings)
      : clock_(call.context.env.clock),
        received_ns_(call.request.received_steady_ns),
        started_ns_(clock_.SteadyNs()),
        stream_(call, settings.limit),
        budget_(
            call.request.stop, started_ns_ + settings.timeout_ms * 1'000'000,
            [this] { return clock_.SteadyNs() - stream_.excused_ns(); },
            call.context.options.query_memory_bytes, call.context.all_queries) {
    options_.budget = &budget_;
    options_.counters = &counters_;
    options_.lookback_delta_ms = settings.lookback_delta_ms;
    options_.count_samples = !call.parameters.Get("stats").empty();
    if (settings.trace) trace_.emplace(call.context.storage, clock_);
  }

  promql::QueryOptions& options() { return options_; }
  ResultStream& stream() { return stream_; }
  const Queryable& storage(const RouteCall& call) const {
    return trace_ ? static_cast<const Queryable&>(*trace_) : call.context.storage;
  }
  // The "trace" object; empty when none was asked for.
  std::string TraceJson(std::string_view query) const {
    return trace_ ? trace_->Json(query, stream_.sending_ns()) : "";
  }

  // The "stats" object: Prometheus' keys, then what each tier considered and read.
  std::string StatsJson(const promql::QueryResult& result, bool per_step) const {
    std::string json = StatisticsJson(
        result, {started_ns_ - received_ns_, clock_.SteadyNs() - started_ns_}, per_step);
    json.pop_back();
    return json + R"(,"tiers":)" + TiersJson(counters_) + '}';
  }

 private:
  const Clock& clock_;
  const int64_t received_ns_;
  const int64_t started_ns_;
  ResultStream stream_;
  QueryBudget budget_;
  ReadCounters counters_;
  std::optional<QueryTrace> trace_;
  promql::QueryOptions options_;
};

// Text that does not parse is the parameter's fault and says so.
Response QueryFailure(const Status& status) {
  return status.code() == Code::kInvalidArgument
             ? Failure(InvalidParameter("query", status.message()), false)
             : Failure(status, true);
}

Response Reply(const RouteCall& call, RunningQuery& query, Result<promql::QueryResult> answer) {
  if (!answer.ok()) {
    Response failure = query.stream().Fail(QueryFailure(answer.status()));
    if (failure.sent) {
      call.context.env.logger.Log(LogLevel::kWarn, "server", "An answer broke off",
                                  {{"error", answer.status().ToString()}});
    }
    return failure;
  }
  const std::string_view asked = call.parameters.Get("stats");
  if (!asked.empty() && asked != "true" && asked != "all") {
    answer->warnings.push_back(fmt::format(
        "value {} for parameter \"stats\" is deprecated and will be rejected in the next "
        "major release, use \"true\" or \"all\"",
        GoQuote(asked)));
  }
  const bool per_step = asked == "all" && call.context.engine.options().per_step_statistics;
  const std::string stats = asked.empty() ? "" : query.StatsJson(*answer, per_step);
  return query.stream().Succeed(*answer, stats, query.TraceJson(call.parameters.Get("query")));
}

Response InstantQuery(const RouteCall& call) {
  const auto limit = LimitParameter(call.parameters);
  if (!limit.ok()) return Failure(limit.status(), false);
  const TimestampMs now_ms = call.context.env.clock.NowMs();
  const auto at_ms = TimeParameter(call.parameters, "time", now_ms);
  if (!at_ms.ok()) return Failure(at_ms.status(), false);
  const auto settings = ParseSettings(call, *limit);
  if (!settings.ok()) return Failure(settings.status(), false);
  RunningQuery query(call, *settings);
  return Reply(call, query,
               call.context.engine.StreamInstant(query.storage(call), call.parameters.Get("query"),
                                                 *at_ms, query.options(), query.stream()));
}

Response RangeQuery(const RouteCall& call) {
  const auto limit = LimitParameter(call.parameters);
  if (!limit.ok()) return Failure(limit.status(), false);
  const auto steps = StepsParameters(call.parameters);
  if (!steps.ok()) return Failure(steps.status(), false);
  const auto settings = ParseSettings(call, *limit);
  if (!settings.ok()) return Failure(settings.status(), false);
  RunningQuery query(call, *settings);
  return Reply(call, query,
               call.context.engine.StreamRange(query.storage(call), call.parameters.Get("query"),
                                               steps->start_ms, steps->end_ms, steps->step_ms,
                                               query.options(), query.stream()));
}

// What the selectors of a query match, wherever they stand in it.
void CollectSelectors(const promql::Expr& expr, std::vector<std::vector<Matcher>>* out) {
  if (expr.kind == promql::ExprKind::kVectorSelector) {
    out->push_back(promql::As<promql::VectorSelector>(expr).matchers);
  }
  promql::ForEachChild(expr, [&](const promql::Expr& child) { CollectSelectors(child, out); });
}

std::string ExemplarsJson(const std::vector<SeriesExemplars>& all) {
  std::string json = "[";
  for (const SeriesExemplars& series : all) {
    json += json.size() > 1 ? R"(,{"seriesLabels":)" : R"({"seriesLabels":)";
    AppendJsonLabels(&json, series.series);
    json += R"(,"exemplars":[)";
    for (const Exemplar& exemplar : series.exemplars) {
      json += json.back() == '[' ? R"({"labels":)" : R"(,{"labels":)";
      AppendJsonLabels(&json, exemplar.labels);
      json += R"(,"value":")";
      AppendFloat(&json, exemplar.value);
      json += R"(","timestamp":)";
      AppendJsonTimestamp(&json, exemplar.t_ms);
      json += '}';
    }
    json += "]}";
  }
  return json + ']';
}

Response Exemplars(const RouteCall& call) {
  const auto start_ms = TimeParameter(call.parameters, "start", kApiMinTimeMs);
  if (!start_ms.ok()) return Failure(start_ms.status(), false);
  const auto end_ms = TimeParameter(call.parameters, "end", kApiMaxTimeMs);
  if (!end_ms.ok()) return Failure(end_ms.status(), false);
  if (*end_ms < *start_ms) {
    return Failure(400, "bad_data", "end timestamp must not be before start timestamp");
  }
  auto tree = promql::Parse(call.parameters.Get("query"),
                            promql::ParseOptionsOf(call.context.engine.options()));
  if (!tree.ok()) return Failure(tree.status(), false);
  ExemplarRequest request;
  request.range = {*start_ms, *end_ms};
  CollectSelectors(**tree, &request.matcher_sets);
  if (request.matcher_sets.empty()) {
    Response nothing;
    nothing.status = 204;
    return nothing;
  }
  const auto found = call.context.storage.Exemplars(request);
  if (!found.ok()) return Failure(found.status(), true);
  return Success(ExemplarsJson(*found));
}

constexpr Route kRoutes[] = {
    {"/api/v1/query", "GET POST", Lane::kQuery, &InstantQuery},
    {"/api/v1/query_range", "GET POST", Lane::kQuery, &RangeQuery},
    {"/api/v1/query_exemplars", "GET POST", Lane::kQuery, &Exemplars},
};

}  // namespace

std::span<const Route> QueryRoutes() { return kRoutes; }

}  // namespace thermocline
