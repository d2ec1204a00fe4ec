// query_explain: the plan of a query, and what each of its nodes took.
#include <algorithm>

#include "promql/explain.h"
#include "server/explain_json.h"
#include "server/reply.h"
#include "server/router.h"

namespace thermocline {
namespace {

// Times as query_range takes them when any of them is there, else as query does.
Result<promql::ExplainRequest> RequestOf(const RouteCall& call) {
  const Parameters& parameters = call.parameters;
  promql::ExplainRequest request;
  request.query = parameters.Get("query");
  const std::string_view analyze = parameters.Get("analyze");
  if (!analyze.empty() && analyze != "true" && analyze != "false") {
    return InvalidParameter("analyze", "must be true or false");
  }
  request.analyze = analyze == "true";
  if (parameters.Has("start") || parameters.Has("end") || parameters.Has("step")) {
    ASSIGN_OR_RETURN(const QuerySteps steps, StepsParameters(parameters));
    request.start_ms = steps.start_ms;
    request.end_ms = steps.end_ms;
    request.step_ms = steps.step_ms;
    return request;
  }
  ASSIGN_OR_RETURN(request.start_ms,
                   TimeParameter(parameters, "time", call.context.env.clock.NowMs()));
  return request;
}

Response Explain(const RouteCall& call) {
  const auto request = RequestOf(call);
  if (!request.ok()) return Failure(request.status(), false);
  const auto asked_ms = DurationParameter(call.parameters, "timeout");
  if (!asked_ms.ok()) return Failure(asked_ms.status(), false);
  promql::QueryOptions options;
  if (const std::string_view text = call.parameters.Get("lookback_delta"); !text.empty()) {
    const auto lookback_ms = ParseDurationOrSecondsMs(text);
    if (!lookback_ms.ok()) {
      return Failure(InvalidParameter("lookback_delta", lookback_ms.status().message()), false);
    }
    options.lookback_delta_ms = *lookback_ms;
  }
  const Clock& clock = call.context.env.clock;
  const int64_t most_ms = call.context.options.query_timeout_ms;
  const int64_t timeout_ms = *asked_ms > 0 ? std::min(*asked_ms, most_ms) : most_ms;
  QueryBudget budget(
      call.request.stop, clock.SteadyNs() + timeout_ms * 1'000'000,
      [&clock] { return clock.SteadyNs(); }, call.context.options.query_memory_bytes,
      call.context.all_queries);
  options.budget = &budget;
  const auto explained = call.context.engine.Explain(call.context.storage, *request, options);
  if (!explained.ok()) {
    return explained.status().code() == Code::kInvalidArgument
               ? Failure(InvalidParameter("query", explained.status().message()), false)
               : Failure(explained.status(), true);
  }
  return Success(ExplanationJson(*explained), explained->result.warnings, explained->result.infos);
}

constexpr Route kRoutes[] = {
    {"/api/v1/query_explain", "GET POST", Lane::kQuery, &Explain},
};

}  // namespace

std::span<const Route> ExplainRoutes() { return kRoutes; }

}  // namespace thermocline
