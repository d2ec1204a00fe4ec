// Health, metrics, the front page and the description of the API.
#include <fmt/core.h>

#include "server/metrics_text.h"
#include "server/openapi_document.h"
#include "server/router.h"
#include "wire/exposition.h"

namespace thermocline {
namespace {

Response Text(int status, std::string body) {
  Response response;
  response.status = status;
  response.content_type = "text/plain; charset=utf-8";
  response.body = std::move(body);
  return response;
}

Response Healthy(const RouteCall&) { return Text(200, "Thermocline is Healthy.\n"); }

Response Ready(const RouteCall& call) {
  const Health health = call.context.admin.GetHealth();
  if (!health.ready) return Text(503, "Service Unavailable: " + health.reason + "\n");
  if (!health.writable)
    return Text(200, "Thermocline is Ready, read-only: " + health.reason + "\n");
  return Text(200, "Thermocline is Ready.\n");
}

Response MetricsPage(const RouteCall& call) {
  Response response;
  response.content_type = kExpositionContentType;
  response.body = MetricsText(call.context.env.metrics);
  return response;
}

Response FrontPage(const RouteCall& call) {
  Response response;
  response.content_type = "text/html; charset=utf-8";
  response.headers.emplace_back("Content-Security-Policy", "default-src 'none'");
  response.body = fmt::format(
      "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Thermocline</title>"
      "</head><body><h1>Thermocline {}</h1><p>A Prometheus-compatible database on open Parquet. "
      "Add this address to Grafana as a Prometheus data source.</p><ul>"
      "<li><a href=\"/api/v1/query?query=up\">/api/v1/query?query=up</a></li>"
      "<li><a href=\"/api/v1/label/__name__/values\">metric names</a></li>"
      "<li><a href=\"/api/v1/status/tsdb\">the head's statistics</a></li>"
      "<li><a href=\"/metrics\">our own metrics</a></li></ul></body></html>\n",
      call.context.version);
  return response;
}

Response ApiDescription(const RouteCall&) {
  Response response;
  response.content_type = "application/yaml; charset=utf-8";
  response.headers.emplace_back("Cache-Control", "no-cache, no-store, must-revalidate");
  response.body = OpenApiDocument();
  return response;
}

constexpr Route kRoutes[] = {
    {"/-/healthy", "GET", Lane::kOther, &Healthy},
    {"/health", "GET", Lane::kOther, &Healthy},
    {"/-/ready", "GET", Lane::kOther, &Ready},
    {"/metrics", "GET", Lane::kOther, &MetricsPage},
    {"/", "GET", Lane::kOther, &FrontPage},
    {"/api/v1/openapi.yaml", "GET", Lane::kOther, &ApiDescription},
};

}  // namespace

std::span<const Route> PageRoutes() { return kRoutes; }

}  // namespace thermocline
