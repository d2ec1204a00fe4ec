// Rules, alerts and scrape targets: there are none, but a wrong question is an error all the same,
// in Prometheus' words and order (web/api/v1/api.go).
#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "model/labels.h"
#include "promql/parser.h"
#include "server/match_parameters.h"
#include "server/reply.h"
#include "server/router.h"

namespace thermocline {
namespace {

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if ('A' <= c && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// strconv.ParseBool of the text in lower case.
Status CheckExcludeAlerts(const RouteCall& call) {
  constexpr std::array<std::string_view, 7> kBooleans = {"", "1", "t", "true", "0", "f", "false"};
  const std::string text = Lower(call.parameters.Get("exclude_alerts"));
  if (std::ranges::find(kBooleans, text) != kBooleans.end()) return {};
  return InvalidParameter("exclude_alerts",
                          "error converting exclude_alerts: strconv.ParseBool: parsing " +
                              GoQuote(text) + ": invalid syntax");
}

Status CheckPage(const RouteCall& call) {
  const std::string_view limit_text = call.parameters.Get("group_limit");
  const std::string_view token = call.parameters.Get("group_next_token");
  if (limit_text.empty()) {
    if (token.empty()) return {};
    return InvalidParameter("group_next_token",
                            "group_limit needs to be present in order to paginate over the groups");
  }
  const auto limit = ParseGoInt32(limit_text);
  if (!limit.ok()) {
    return InvalidParameter("group_limit", "group_limit needs to be a valid number: " +
                                               std::string(limit.status().message()));
  }
  if (*limit <= 0) {
    return InvalidParameter("group_limit", "group_limit needs to be greater than 0");
  }
  if (token.empty()) return {};
  // Every token that we could have given out is of a group that is not there any more.
  return InvalidParameter(
      "group_next_token",
      fmt::format("invalid group_next_token '{}'. were rule groups changed?", token));
}

Status CheckRules(const RouteCall& call) {
  RETURN_IF_ERROR(MatcherSetsOf(call.parameters).status());
  const std::string type = Lower(call.parameters.Get("type"));
  if (!type.empty() && type != "alert" && type != "record") {
    return InvalidParameter("type", "not supported value " + GoQuote(type));
  }
  RETURN_IF_ERROR(CheckExcludeAlerts(call));
  return CheckPage(call);
}

Response Rules(const RouteCall& call) {
  if (const Status status = CheckRules(call); !status.ok()) return Failure(status, false);
  return Success(R"({"groups":[]})");
}

Response Alerts(const RouteCall&) { return Success(R"({"alerts":[]})"); }

Response AlertManagers(const RouteCall&) {
  return Success(R"({"activeAlertmanagers":[],"droppedAlertmanagers":[]})");
}

Response Targets(const RouteCall& call) {
  const std::string state = Lower(call.parameters.Get("state"));
  const bool with_dropped = state.empty() || state == "any" || state == "dropped";
  return Success(
      fmt::format(R"({{"activeTargets":[],"droppedTargets":[],"droppedTargetCounts":{}}})",
                  with_dropped ? "{}" : "null"));
}

Response TargetMetadata(const RouteCall& call) {
  const auto limit = CountParameter(call.parameters, "limit");
  if (!limit.ok()) return Failure(limit.status(), false);
  const std::string_view text = call.parameters.Get("match_target");
  if (!text.empty()) {
    const auto matchers = promql::ParseMetricSelector(text);
    if (!matchers.ok()) {
      return Failure(InvalidParameter("match_target", matchers.status().message()), false);
    }
  }
  return Success("[]");
}

Response ScrapePools(const RouteCall&) { return Success(R"({"scrapePools":[]})"); }

constexpr Route kRoutes[] = {
    {"/api/v1/rules", "GET", Lane::kOther, &Rules},
    {"/api/v1/alerts", "GET", Lane::kOther, &Alerts},
    {"/api/v1/alertmanagers", "GET", Lane::kOther, &AlertManagers},
    {"/api/v1/targets", "GET", Lane::kOther, &Targets},
    {"/api/v1/targets/metadata", "GET", Lane::kOther, &TargetMetadata},
    {"/api/v1/scrape_pools", "GET", Lane::kOther, &ScrapePools},
};

}  // namespace

std::span<const Route> TargetRoutes() { return kRoutes; }

}  // namespace thermocline
