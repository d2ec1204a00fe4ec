#include "server/router.h"

#include <fmt/core.h>

#include <exception>

#include "codec/compression.h"
#include "server/reply.h"

namespace thermocline {
namespace {

constexpr size_t kCompressAboveBytes = 1024;
constexpr int kGzipLevel = 1;  // dashboards are on the same network: time counts more than bytes

// Whether `path` has the shape of `pattern`; the text at "*" goes to `segment`.
bool PathMatches(std::string_view pattern, std::string_view path, std::string_view* segment) {
  const size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == path;
  const std::string_view before = pattern.substr(0, star);
  const std::string_view after = pattern.substr(star + 1);
  if (path.size() <= before.size() + after.size() || !path.starts_with(before) ||
      !path.ends_with(after)) {
    return false;
  }
  *segment = path.substr(before.size(), path.size() - before.size() - after.size());
  return segment->find('/') == std::string_view::npos;
}

bool AllowsMethod(std::string_view methods, std::string_view method) {
  if (method == "HEAD") method = "GET";
  while (!methods.empty()) {
    const size_t space = methods.find(' ');
    if (methods.substr(0, space) == method) return true;
    if (space == std::string_view::npos) break;
    methods.remove_prefix(space + 1);
  }
  return false;
}

bool AcceptsGzip(const Request& request) {
  return request.Header("accept-encoding").find("gzip") != std::string_view::npos;
}

void Compress(const Request& request, Response* response) {
  if (response->body.size() < kCompressAboveBytes || !AcceptsGzip(request)) return;
  std::string smaller;
  GzipEncode(response->body, kGzipLevel, &smaller);
  if (smaller.size() >= response->body.size()) return;
  response->body = std::move(smaller);
  response->headers.emplace_back("Content-Encoding", "gzip");
  response->headers.emplace_back("Vary", "Accept-Encoding");
}

void AddCorsHeaders(const std::string& origin, Response* response) {
  if (origin.empty()) return;
  response->headers.emplace_back("Access-Control-Allow-Origin", origin);
  response->headers.emplace_back("Access-Control-Allow-Methods", "GET, POST, OPTIONS");
  response->headers.emplace_back("Access-Control-Allow-Headers",
                                 "Accept, Authorization, Content-Type, Origin");
  response->headers.emplace_back("Access-Control-Expose-Headers", "Date");
}

bool IsForm(const Request& request) {
  const std::string_view type = request.Header("content-type");
  return type.substr(0, type.find(';')) == "application/x-www-form-urlencoded";
}

Response Run(const ServerContext& context, const Request& request, const RouteMatch& match) {
  if (match.route == nullptr) return Failure(404, "not_found", "no such endpoint: " + request.path);
  if (!match.method_allowed) {
    Response response = Failure(405, "bad_data", "method not allowed: " + request.method);
    response.headers.emplace_back("Allow", match.route->methods);
    return response;
  }
  const ServerOptions& options = context.options;
  const bool form =
      request.method == "POST" && match.route->lane != Lane::kWrite && IsForm(request);
  if (request.query.size() > options.max_query_url_bytes) {
    return Failure(414, "bad_data", "the URL's parameters are too long: send them as a form");
  }
  if (form && request.body.size() > options.max_query_form_bytes) {
    return Failure(413, "bad_data", "the form is too long");
  }
  Parameters parameters;
  // As in Go, the values of the body come before those of the URL.
  Status parsed = form ? parameters.Add(request.body) : Status::Ok();
  if (parsed.ok()) parsed = parameters.Add(request.query);
  if (!parsed.ok()) return Failure(parsed, false);
  return match.route->run({context, request, parameters, match.segment});
}

}  // namespace

RouteMatch FindRoute(std::string_view method, std::string_view path) {
  RouteMatch found;
  for (const std::span<const Route> group :
       {QueryRoutes(), LabelRoutes(), WriteRoutes(), StatusRoutes(), AdminRoutes(), PageRoutes()}) {
    for (const Route& route : group) {
      std::string_view segment;
      if (!PathMatches(route.path, path, &segment)) continue;
      found = {&route, segment, AllowsMethod(route.methods, method)};
      if (found.method_allowed) return found;
    }
  }
  return found;
}

Response Answer(const ServerContext& context, const Request& request, const RouteMatch& match) {
  Response response;
  if (request.method == "OPTIONS") {
    response.status = 204;
  } else {
    // The request wrapper: nothing of ours throws, what a library throws ends here.
    try {
      response = Run(context, request, match);
    } catch (const std::exception& error) {
      context.env.logger.Log(LogLevel::kError, "server", "A request failed",
                             {{"path", request.path}, {"error", error.what()}});
      response = Failure(500, "internal", "internal error");
    }
  }
  AddCorsHeaders(context.options.cors_origin, &response);
  Compress(request, &response);
  return response;
}

}  // namespace thermocline
