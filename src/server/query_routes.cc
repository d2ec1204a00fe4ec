// query, query_range and their relatives.
#include <algorithm>

#include "model/exemplar.h"
#include "promql/parser.h"
#include "server/reply.h"
#include "server/router.h"
#include "server/running_query.h"
#include "wire/json.h"

namespace thermocline {
namespace {

// Parameters are checked in Prometheus' order, so that of several faults the same one is told:
// first the limit, then the times, then these.
Status ParseSettings(const RouteCall& call, QuerySettings* settings) {
  ASSIGN_OR_RETURN(const int64_t asked_ms, DurationParameter(call.parameters, "timeout"));
  if (const std::string_view text = call.parameters.Get("lookback_delta"); !text.empty()) {
    const auto lookback_ms = ParseDurationOrSecondsMs(text);
    if (!lookback_ms.ok()) {
      return Status::InvalidArgument("error parsing lookback delta duration: " +
                                     std::string(lookback_ms.status().message()));
    }
    settings->lookback_delta_ms = *lookback_ms;
  }
  ASSIGN_OR_RETURN(settings->trace, BoolParameter(call.parameters, "trace", false));
  const int64_t most_ms = call.context.options.query_timeout_ms;
  settings->timeout_ms = asked_ms > 0 ? std::min(asked_ms, most_ms) : most_ms;
  return {};
}

Result<QuerySettings> InstantSettings(const RouteCall& call) {
  QuerySettings settings;
  ASSIGN_OR_RETURN(settings.limit, LimitParameter(call.parameters));
  const TimestampMs now_ms = call.context.env.clock.NowMs();
  ASSIGN_OR_RETURN(settings.start_ms, TimeParameter(call.parameters, "time", now_ms));
  settings.end_ms = settings.start_ms;
  RETURN_IF_ERROR(ParseSettings(call, &settings));
  return settings;
}

Result<QuerySettings> RangeSettings(const RouteCall& call) {
  QuerySettings settings;
  ASSIGN_OR_RETURN(settings.limit, LimitParameter(call.parameters));
  ASSIGN_OR_RETURN(const QuerySteps steps, StepsParameters(call.parameters));
  settings.start_ms = steps.start_ms;
  settings.end_ms = steps.end_ms;
  settings.step_ms = steps.step_ms;
  RETURN_IF_ERROR(ParseSettings(call, &settings));
  return settings;
}

Response InstantQuery(const RouteCall& call) {
  const auto settings = InstantSettings(call);
  return settings.ok() ? RunningQuery(call, *settings).Run() : Failure(settings.status(), false);
}

Response RangeQuery(const RouteCall& call) {
  const auto settings = RangeSettings(call);
  return settings.ok() ? RunningQuery(call, *settings).Run() : Failure(settings.status(), false);
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
