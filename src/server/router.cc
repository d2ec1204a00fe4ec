#include "server/router.h"

#include <fmt/core.h>

#include <exception>

#include "codec/compression.h"
#include "server/reply.h"

namespace thermocline {
namespace {

constexpr size_t kCompressAboveBytes = 1024;
constexpr uint64_t kStreamBytes = 1 << 20;  // of a body on their way to a slow client
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

std::string_view TrimSpace(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Whether the weight of an encoding such as "gzip;q=0" rules it out: RFC 9110, 12.4.2.
bool IsRefused(std::string_view parameters) {
  parameters = TrimSpace(parameters);
  if (!parameters.starts_with("q=") && !parameters.starts_with("Q=")) return false;
  return parameters.find_first_not_of("0.", 2) == std::string_view::npos;
}

bool AcceptsGzip(const Request& request) {
  std::string_view list = request.Header("accept-encoding");
  while (!list.empty()) {
    const size_t comma = list.find(',');
    const std::string_view item = list.substr(0, comma);
    const size_t semicolon = item.find(';');
    if (TrimSpace(item.substr(0, semicolon)) == "gzip") {
      return semicolon == std::string_view::npos || !IsRefused(item.substr(semicolon + 1));
    }
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
  return false;
}

void AddGzipHeaders(Response* response) {
  response->headers.emplace_back("Content-Encoding", "gzip");
  response->headers.emplace_back("Vary", "Accept-Encoding");
}

void Compress(const Request& request, Response* response) {
  if (!response->compressible || response->body.size() < kCompressAboveBytes ||
      !AcceptsGzip(request)) {
    return;
  }
  std::string smaller;
  GzipEncode(response->body, kGzipLevel, &smaller);
  if (smaller.size() >= response->body.size()) return;
  response->body = std::move(smaller);
  AddGzipHeaders(response);
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

// A client that takes nothing for as long as a write may stand still ends its query.
StreamStart Streaming(const ServerContext& context, const Request& request,
                      const std::function<void(Response)>& send) {
  if (request.method == "HEAD") return nullptr;
  return [&context, &request, &send](Response head) {
    const bool gzip = head.compressible && AcceptsGzip(request);
    AddCorsHeaders(context.options.cors_origin, &head);
    if (gzip) AddGzipHeaders(&head);
    auto pipe = std::make_shared<BodyPipe>(kStreamBytes, context.options.listener.write_timeout_ms);
    head.pieces = pipe;
    send(std::move(head));
    return std::make_unique<BodyWriter>(std::move(pipe), gzip, request.stop);
  };
}

Response Run(const ServerContext& context, const Request& request, const RouteMatch& match,
             const StreamStart& stream) {
  if (match.route == nullptr) return Failure(404, "not_found", "no such endpoint: " + request.path);
  if (!match.method_allowed) {
    Response response = Failure(405, "bad_data", "method not allowed: " + request.method);
    response.headers.emplace_back("Allow", match.route->methods);
    return response;
  }
  const ServerOptions& options = context.options;
  const Lane lane = match.route->lane;
  const bool form =
      request.method == "POST" && lane != Lane::kWrite && lane != Lane::kRead && IsForm(request);
  if (request.query.size() > options.max_query_url_bytes) {
    return Failure(414, "bad_data",
                   fmt::format("the URL's parameters are {} bytes long, at most {} are taken: send "
                               "them as a form by POST",
                               request.query.size(), options.max_query_url_bytes));
  }
  if (form && request.body.size() > options.max_query_form_bytes) {
    return Failure(413, "bad_data",
                   fmt::format("the form is {} bytes long, at most {} are taken",
                               request.body.size(), options.max_query_form_bytes));
  }
  Parameters parameters;
  // As in Go, the values of the body come before those of the URL.
  Status parsed = form ? parameters.Add(request.body) : Status::Ok();
  if (parsed.ok()) parsed = parameters.Add(request.query);
  if (!parsed.ok()) return Failure(parsed, false);
  return match.route->run({context, request, parameters, match.segment, stream});
}

}  // namespace

std::vector<const Route*> AllRoutes() {
  std::vector<const Route*> all;
  for (const std::span<const Route> group :
       {QueryRoutes(), ExplainRoutes(), ExpressionRoutes(), LabelRoutes(), SearchRoutes(),
        WriteRoutes(), ReadRoutes(), StatusRoutes(), FeatureRoutes(), TargetRoutes(),
        FederateRoutes(), AdminRoutes(), ActiveQueryRoutes(), PageRoutes()}) {
    for (const Route& route : group) all.push_back(&route);
  }
  return all;
}

RouteMatch FindRoute(std::string_view method, std::string_view path) {
  static const std::vector<const Route*> kAll = AllRoutes();
  RouteMatch found;
  for (const Route* route : kAll) {
    std::string_view segment;
    if (!PathMatches(route->path, path, &segment)) continue;
    found = {route, segment, AllowsMethod(route->methods, method)};
    if (found.method_allowed) return found;
  }
  return found;
}

Response Answer(const ServerContext& context, const Request& request, const RouteMatch& match,
                const std::function<void(Response)>& send) {
  Response response;
  if (request.method == "OPTIONS") {
    response.status = 204;
  } else {
    // The request wrapper: nothing of ours throws, what a library throws ends here.
    try {
      response = Run(context, request, match, Streaming(context, request, send));
    } catch (const std::exception& error) {
      context.env.logger.Log(LogLevel::kError, "server", "A request failed",
                             {{"path", request.path}, {"error", error.what()}});
      response = Failure(500, "internal", "internal error");
    }
  }
  if (response.sent) return response;
  AddCorsHeaders(context.options.cors_origin, &response);
  Compress(request, &response);
  return response;
}

Response AnswerBusy(const ServerContext& context, const RouteMatch& match, bool memory_short) {
  std::string message = "the server is busy: too many requests are waiting";
  if (memory_short) {
    message = fmt::format(
        "the server is busy: nearly all of its {} bytes of memory (--memory.limit) are in use",
        context.ledger->limit_bytes());
  } else if (match.route != nullptr && match.route->lane == Lane::kQuery) {
    const LaneOptions& lane = context.options.queries;
    message += fmt::format(": {} queries run (--query.max-concurrency), {} may wait for {} ms",
                           lane.threads, lane.queue, lane.max_wait_ms);
  }
  Response response = Failure(503, "unavailable", message);
  AddCorsHeaders(context.options.cors_origin, &response);
  return response;
}

}  // namespace thermocline
