// status/*, /version and notifications.
#include <fmt/chrono.h>
#include <fmt/core.h>
#include <unistd.h>

#include <array>

#include "server/metrics_json.h"
#include "server/reply.h"
#include "server/router.h"
#include "wire/json.h"

namespace thermocline {
namespace {

// The Prometheus whose API this is; tools choose features by it.
constexpr std::string_view kPrometheusVersion = "3.14.0";

std::string Quoted(std::string_view text) {
  std::string out;
  AppendJsonText(&out, text);
  return out;
}

std::string Rfc3339(TimestampMs t_ms) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<time_t>(t_ms / 1000)));
}

Response BuildInfo(const RouteCall& call) {
  return Success(
      fmt::format(R"({{"version":"{}","revision":{},"branch":"main","buildUser":"","buildDate":"",)"
                  R"("goVersion":"","application":"Thermocline","applicationVersion":{}}})",
                  kPrometheusVersion, Quoted(call.context.revision), Quoted(call.context.version)));
}

// What a program that knows only Prometheus' /version reads; as text, like there.
Response Version(const RouteCall& call) {
  Response response;
  response.content_type = "text/plain; charset=utf-8";
  response.body =
      fmt::format(R"({{"version":"{}","revision":{},"branch":"main","buildUser":"","buildDate":"",)"
                  R"("goVersion":""}})"
                  "\n",
                  kPrometheusVersion, Quoted(call.context.revision));
  return response;
}

// The log is replayed before the first request is answered.
Response WalReplay(const RouteCall&) { return Success(R"({"min":0,"max":0,"current":0})"); }

// What Prometheus notifies of (a broken configuration, a failed start) ends this server instead.
Response Notifications(const RouteCall&) { return Success("[]"); }

Response RuntimeInfo(const RouteCall& call) {
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  const std::string started = Rfc3339(call.context.started_ms);
  return Success(fmt::format(
      R"({{"startTime":"{}","CWD":{},"hostname":{},"serverTime":"{}","reloadConfigSuccess":true,)"
      R"("lastConfigTime":"{}","corruptionCount":0,"goroutineCount":0,"GOMAXPROCS":{},)"
      R"("GOMEMLIMIT":0,"GOGC":"","GODEBUG":"","storageRetention":{}}})",
      started, Quoted(call.context.data_path), Quoted(host.data()),
      Rfc3339(call.context.env.clock.NowMs()), started, call.context.env.executor.parallelism(),
      Quoted(call.context.retention)));
}

Response Flags(const RouteCall& call) {
  std::string json = "{";
  for (const auto& [name, value] : call.context.flags) {
    if (json.size() > 1) json += ',';
    json += Quoted(name) + ":" + Quoted(value);
  }
  return Success(json + "}");
}

Response Config(const RouteCall& call) {
  std::string yaml;
  for (const auto& [name, value] : call.context.flags) {
    if (!value.empty()) yaml += fmt::format("{}: {}\n", name, value);
  }
  return Success(fmt::format(R"({{"yaml":{}}})", Quoted(yaml)));
}

std::string CountsJson(const std::vector<NamedCount>& counts) {
  std::string json = "[";
  for (const NamedCount& entry : counts) {
    if (json.size() > 1) json += ',';
    json += fmt::format(R"({{"name":{},"value":{}}})", Quoted(entry.name), entry.count);
  }
  return json + "]";
}

Response Tsdb(const RouteCall& call) {
  uint64_t limit = 10;
  if (call.parameters.Has("limit")) {
    const auto asked = LimitParameter(call.parameters);
    if (!asked.ok() || *asked < 1 || *asked > 10'000) {
      return Failure(400, "bad_data", "limit must be a positive number");
    }
    limit = *asked;
  }
  const HeadStatus head = call.context.admin.GetHeadStatus(limit);
  return Success(fmt::format(
      R"({{"headStats":{{"numSeries":{},"numLabelPairs":{},"chunkCount":{},"minTime":{},)"
      R"("maxTime":{}}},"seriesCountByMetricName":{},"labelValueCountByLabelName":{},)"
      R"("memoryInBytesByLabelName":{},"seriesCountByLabelValuePair":{}}})",
      head.series, head.label_pairs, head.chunks, head.min_time_ms, head.max_time_ms,
      CountsJson(head.series_by_metric), CountsJson(head.values_by_label),
      CountsJson(head.bytes_by_label), CountsJson(head.series_by_label_pair)));
}

Response SelfMetrics(const RouteCall& call) {
  const std::string_view pattern = call.parameters.Get("metric_name_pattern");
  const auto name = Matcher::Make(MatchType::kRegex, std::string(kMetricNameLabel),
                                  std::string(pattern.empty() ? ".*" : pattern));
  if (!name.ok()) {
    return Failure(400, "bad_data",
                   fmt::format("invalid metric_name_pattern: {}", name.status().message()));
  }
  return Success(MetricsJson(call.context.env.metrics, *name));
}

constexpr Route kRoutes[] = {
    {"/api/v1/status/buildinfo", "GET", Lane::kOther, &BuildInfo},
    {"/api/v1/status/runtimeinfo", "GET", Lane::kOther, &RuntimeInfo},
    {"/api/v1/status/flags", "GET", Lane::kOther, &Flags},
    {"/api/v1/status/config", "GET", Lane::kOther, &Config},
    {"/api/v1/status/tsdb", "GET", Lane::kOther, &Tsdb},
    {"/api/v1/status/self_metrics", "GET", Lane::kOther, &SelfMetrics},
    {"/api/v1/status/walreplay", "GET", Lane::kOther, &WalReplay},
    {"/api/v1/notifications", "GET", Lane::kOther, &Notifications},
    {"/version", "GET", Lane::kOther, &Version},
};

}  // namespace

std::span<const Route> StatusRoutes() { return kRoutes; }

}  // namespace thermocline
