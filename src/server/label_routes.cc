// labels, label values, series: what there is, not what it was.
#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "server/call_budget.h"
#include "server/match_parameters.h"
#include "server/reply.h"
#include "server/router.h"
#include "wire/json.h"

namespace thermocline {
namespace {

constexpr std::string_view kTruncated = "results truncated due to limit";

// Matchers, time range, limit and deadline of one of these requests.
struct LabelQuery {
  LabelRequest request;
  uint64_t limit = 0;
};

Status ParseMatchers(const RouteCall& call, LabelQuery* query) {
  ASSIGN_OR_RETURN(query->request.matcher_sets, MatcherSetsOf(call.parameters));
  return {};
}

// All but the selectors.
Status ParseBounds(const RouteCall& call, QueryBudget* budget, LabelQuery* query) {
  ASSIGN_OR_RETURN(query->limit, LimitParameter(call.parameters));
  ASSIGN_OR_RETURN(query->request.range.start_ms,
                   TimeParameter(call.parameters, "start", kApiMinTimeMs));
  ASSIGN_OR_RETURN(query->request.range.end_ms,
                   TimeParameter(call.parameters, "end", kApiMaxTimeMs));
  // One more than asked for tells whether something was cut.
  query->request.limit = query->limit == 0 ? 0 : query->limit + 1;
  query->request.budget = budget;
  return {};
}

Status ParseLabelQuery(const RouteCall& call, QueryBudget* budget, LabelQuery* query) {
  RETURN_IF_ERROR(ParseBounds(call, budget, query));
  return ParseMatchers(call, query);
}

Response ReplyWithNames(std::vector<std::string> names, uint64_t limit) {
  std::vector<std::string> warnings;
  if (limit != 0 && names.size() > limit) {
    names.resize(limit);
    warnings.emplace_back(kTruncated);
  }
  std::string json;
  AppendJsonStrings(&json, names);
  return Success(std::move(json), warnings);
}

Response LabelNames(const RouteCall& call) {
  QueryBudget budget = BudgetOf(call);
  LabelQuery query;
  if (const Status s = ParseLabelQuery(call, &budget, &query); !s.ok()) return Failure(s, false);
  auto names = call.context.storage.LabelNames(query.request);
  if (!names.ok()) return Failure(names.status(), true);
  return ReplyWithNames(std::move(*names), query.limit);
}

Response LabelValues(const RouteCall& call) {
  const auto name = LabelNameFromPath(call.segment);
  if (!name.ok()) return Failure(name.status(), false);
  QueryBudget budget = BudgetOf(call);
  LabelQuery query;
  if (const Status s = ParseLabelQuery(call, &budget, &query); !s.ok()) return Failure(s, false);
  auto values = call.context.storage.LabelValues(*name, query.request);
  if (!values.ok()) return Failure(values.status(), true);
  return ReplyWithNames(std::move(*values), query.limit);
}

// The label sets that match any of the selectors, sorted, each once.
Result<std::set<Labels>> FindSeries(const RouteCall& call, const LabelQuery& query) {
  std::set<Labels> found;
  for (const std::vector<Matcher>& matchers : query.request.matcher_sets) {
    SelectRequest select;
    select.matchers = matchers;
    select.range = query.request.range;
    // The answer is sorted below; with a limit any series will do, and sorting all of them first
    // would not.
    select.hints.sorted = query.limit == 0;
    select.hints.limit = query.request.limit;
    select.hints.function = "series";
    select.budget = query.request.budget;
    ASSIGN_OR_RETURN(const auto set, call.context.storage.Select(select));
    for (size_t i = 0; i < set->series_count(); ++i) {
      if ((i & 1023) == 0) RETURN_IF_ERROR(query.request.budget->Check());
      found.insert(set->labels(i));
      if (query.request.limit != 0 && found.size() > query.request.limit) break;
    }
  }
  return found;
}

Response Series(const RouteCall& call) {
  QueryBudget budget = BudgetOf(call);
  LabelQuery query;
  if (!call.parameters.Has("match[]")) {
    return Failure(400, "bad_data", "no match[] parameter provided");
  }
  if (const Status s = ParseBounds(call, &budget, &query); !s.ok()) return Failure(s, false);
  if (const Status s = ParseMatchers(call, &query); !s.ok()) {
    return Failure(InvalidParameter("match[]", s.message()), false);
  }
  const auto found = FindSeries(call, query);
  if (!found.ok()) return Failure(found.status(), true);
  std::string json = "[";
  uint64_t count = 0;
  std::vector<std::string> warnings;
  for (const Labels& labels : *found) {
    if (query.limit != 0 && count == query.limit) {
      warnings.emplace_back(kTruncated);
      break;
    }
    if (count++ > 0) json += ',';
    AppendJsonLabels(&json, labels);
  }
  json += ']';
  return Success(std::move(json), warnings);
}

Response MetricMetadata(const RouteCall& call) {
  MetadataRequest request;
  request.family = call.parameters.Get("metric");
  const auto limit = CountParameter(call.parameters, "limit");
  if (!limit.ok()) return Failure(limit.status(), false);
  const auto per_metric = CountParameter(call.parameters, "limit_per_metric");
  if (!per_metric.ok()) return Failure(per_metric.status(), false);
  if (*limit == 0) return Success("{}");
  request.limit = static_cast<uint64_t>(std::max<int64_t>(*limit, 0));
  request.limit_per_family = static_cast<uint64_t>(std::max<int64_t>(*per_metric, 0));
  const auto entries = call.context.storage.Metadata(request);
  if (!entries.ok()) return Failure(entries.status(), true);
  std::string json = "{";
  std::string_view open_family;
  for (const BatchMetadata& entry : *entries) {
    if (json.size() > 1) json += entry.family == open_family ? "," : "],";
    if (entry.family != open_family || json.size() == 1) {
      AppendJsonText(&json, entry.family);
      json += ":[";
      open_family = entry.family;
    }
    json += R"({"type":)";
    AppendJsonText(&json, entry.type);
    json += R"(,"help":)";
    AppendJsonText(&json, entry.help);
    json += R"(,"unit":)";
    AppendJsonText(&json, entry.unit);
    json += '}';
  }
  json += entries->empty() ? "}" : "]}";
  return Success(std::move(json));
}

constexpr Route kRoutes[] = {
    {"/api/v1/labels", "GET POST", Lane::kQuery, &LabelNames},
    {"/api/v1/label/*/values", "GET", Lane::kQuery, &LabelValues},
    {"/api/v1/series", "GET POST", Lane::kQuery, &Series},
    {"/api/v1/metadata", "GET", Lane::kOther, &MetricMetadata},
};

}  // namespace

std::span<const Route> LabelRoutes() { return kRoutes; }

}  // namespace thermocline
