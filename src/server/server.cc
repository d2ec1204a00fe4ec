#include "server/server.h"

#include <fmt/core.h>

#include "env/ticker.h"
#include "server/active_queries.h"
#include "server/lane_pool.h"
#include "server/reply.h"
#include "server/router.h"

namespace thermocline {
namespace {

constexpr int64_t kExpireEveryMs = 100;

class HttpServer final : public Server {
 public:
  explicit HttpServer(ServerContext context)
      : all_queries_({}, 0, {}, context.options.queries_memory_bytes),
        context_(WithQueries(std::move(context), &all_queries_, &active_queries_)),
        queries_("query", context_.options.queries, context_.env),
        reads_("read", context_.options.reads, context_.env),
        writes_("write", context_.options.writes, context_.env),
        others_("other", context_.options.others, context_.env),
        admins_("admin", context_.options.admins, context_.env),
        expiry_("lanes", kExpireEveryMs, [this] { ExpireLanes(); }) {}

  // The lanes go first: their tasks post to the listener's threads.
  ~HttpServer() override { Stop(0, {}); }

  Status Listen(const std::vector<std::string>& addresses) {
    ASSIGN_OR_RETURN(listener_,
                     Listener::Start(
                         context_.options.listener, addresses,
                         [this](Request request, const std::function<void(Response)>& done) {
                           Dispatch(std::move(request), done);
                         },
                         context_.env.clock, context_.env.logger, context_.env.metrics));
    return {};
  }

  std::vector<std::string> addresses() const override { return listener_->addresses(); }

  void Stop(int64_t drain_ms, const std::function<bool()>& hurry) override {
    if (listener_ != nullptr) listener_->Stop(drain_ms, hurry);
  }

 private:
  LanePool& PoolOf(const RouteMatch& match) {
    if (match.route == nullptr) return others_;
    switch (match.route->lane) {
      case Lane::kQuery: return queries_;
      case Lane::kRead: return reads_;
      case Lane::kWrite: return writes_;
      case Lane::kOther: return others_;
      case Lane::kAdmin: return admins_;
    }
    return others_;
  }

  void ExpireLanes() {
    for (LanePool* lane : {&queries_, &reads_, &writes_, &others_, &admins_}) lane->Expire();
    if (context_.ledger == nullptr) return;
    context_.ledger->Set(MemoryUse::kQueries, all_queries_.used_bytes());
  }

  // Only queries are looked at here: the store looks itself, and the others hold next to nothing.
  bool MemoryIsShortFor(const RouteMatch& match) const {
    if (context_.ledger == nullptr || match.route == nullptr) return false;
    const bool queries = match.route->lane == Lane::kQuery || match.route->lane == Lane::kRead;
    return queries && context_.ledger->Sheds();
  }

  void Dispatch(Request request, const std::function<void(Response)>& done) {
    // The match points into the request's path, which therefore must not move any more.
    auto shared = std::make_shared<const Request>(std::move(request));
    const RouteMatch match = FindRoute(shared->method, shared->path);
    LaneTask task;
    task.stop = shared->stop;
    task.run = [this, shared, match, done] {
      Response response = Answer(context_, *shared, match, done);
      Observe(*shared, match, response);
      if (!response.sent) done(std::move(response));
    };
    const bool memory_short = MemoryIsShortFor(match);
    task.refuse = [this, shared, match, done, memory_short] {
      Response response = AnswerBusy(context_, match, memory_short);
      Observe(*shared, match, response);
      done(std::move(response));
    };
    if (memory_short) return task.refuse();
    PoolOf(match).Submit(std::move(task));
  }

  // Routes are few and fixed, so they may be label values; paths as received may not.
  void Observe(const Request& request, const RouteMatch& match, const Response& response) {
    const std::string path(match.route == nullptr ? "other" : match.route->path);
    Metrics& metrics = context_.env.metrics;
    metrics
        .GetCounter("thermocline_http_requests_total", "Requests by route and status.",
                    {{"code", std::to_string(response.status)}, {"handler", path}})
        .Increment();
    metrics
        .GetHistogram("thermocline_http_request_duration_seconds",
                      "Time from the request's arrival to its answer.",
                      {0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60}, {{"handler", path}})
        .Observe(static_cast<double>(context_.env.clock.SteadyNs() - request.received_steady_ns) /
                 1e9);
  }

  static ServerContext WithQueries(ServerContext context, QueryBudget* all_queries,
                                   ActiveQueries* active_queries) {
    context.all_queries = all_queries;
    context.active_queries = active_queries;
    return context;
  }

  QueryBudget all_queries_;
  ActiveQueries active_queries_;
  const ServerContext context_;
  std::unique_ptr<Listener> listener_;  // outlives the lanes, whose tasks post to it
  LanePool queries_;
  LanePool reads_;
  LanePool writes_;
  LanePool others_;
  LanePool admins_;
  Ticker expiry_;  // the last member: it looks at the lanes
};

Status ValidateLane(std::string_view name, const LaneOptions& lane) {
  if (lane.threads < 1 || lane.queue < 1 || lane.max_wait_ms < 1) {
    return Status::InvalidArgument(fmt::format("{} lane: limits must be positive", name));
  }
  return {};
}

}  // namespace

Status ServerOptions::Validate() const {
  RETURN_IF_ERROR(listener.Validate());
  RETURN_IF_ERROR(ValidateLane("query", queries));
  RETURN_IF_ERROR(ValidateLane("read", reads));
  RETURN_IF_ERROR(ValidateLane("write", writes));
  RETURN_IF_ERROR(ValidateLane("other", others));
  RETURN_IF_ERROR(ValidateLane("admin", admins));
  if (read_max_frame_bytes < 1) return Status::InvalidArgument("frames must have room");
  if (query_timeout_ms < 1) return Status::InvalidArgument("query timeout must be positive");
  return {};
}

Result<std::unique_ptr<Server>> Server::Start(ServerContext context,
                                              const std::vector<std::string>& addresses) {
  RETURN_IF_ERROR(context.options.Validate());
  auto server = std::make_unique<HttpServer>(std::move(context));
  RETURN_IF_ERROR(server->Listen(addresses));
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace thermocline
