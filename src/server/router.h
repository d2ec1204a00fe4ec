// From a request to its route: path, method, lane, parameters.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/body_writer.h"
#include "server/http_message.h"
#include "server/server.h"
#include "wire/parameters.h"

namespace thermocline {

enum class Lane { kQuery, kRead, kWrite, kOther, kAdmin };

// Sends the head of a response and answers the writer of its body.
using StreamStart = std::function<std::unique_ptr<BodyWriter>(Response head)>;

// What a route is called with.
struct RouteCall {
  const ServerContext& context;
  const Request& request;
  const Parameters& parameters;  // of the URL and of a form body
  std::string_view segment;      // the <name> of a path such as /label/<name>/values, still encoded
  // Called at most once, when the body is too large to be held; the route then returns a response
  // with `sent` set. Null: hold it all the same.
  const StreamStart& stream;
};

using RouteFunction = Response (*)(const RouteCall& call);

// A path may hold one "*" segment. Methods are names separated by spaces; HEAD is allowed wherever
// GET is.
struct Route {
  std::string_view path;
  std::string_view methods;
  Lane lane = Lane::kOther;
  RouteFunction run = nullptr;
};

// Every route of the server, by group; each group lives in a file of its own.
std::span<const Route> QueryRoutes();
std::span<const Route> ExplainRoutes();
std::span<const Route> ExpressionRoutes();
std::span<const Route> LabelRoutes();
std::span<const Route> SearchRoutes();
std::span<const Route> WriteRoutes();
std::span<const Route> ReadRoutes();
std::span<const Route> StatusRoutes();
std::span<const Route> FeatureRoutes();
std::span<const Route> TargetRoutes();
std::span<const Route> FederateRoutes();
std::span<const Route> AdminRoutes();
std::span<const Route> ActiveQueryRoutes();
std::span<const Route> PageRoutes();

// All of them, in the order in which they are looked for.
std::vector<const Route*> AllRoutes();

struct RouteMatch {
  const Route* route = nullptr;
  std::string_view segment;
  bool method_allowed = false;
};
// route is null when no path matches.
RouteMatch FindRoute(std::string_view method, std::string_view path);

// Runs the route: decodes parameters, answers 404, 405, CORS preflights, and compresses large
// bodies when the client accepts it. Never throws; what a route throws becomes a 500. A response
// that has `sent` set went to `send` before; any other is the caller's to send.
Response Answer(const ServerContext& context, const Request& request, const RouteMatch& match,
                const std::function<void(Response)>& send);

// The answer instead when the route's lane is full, or `memory_short`: 503 with Retry-After.
Response AnswerBusy(const ServerContext& context, const RouteMatch& match, bool memory_short);

}  // namespace thermocline
