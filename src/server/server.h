// The HTTP server: Prometheus' API over a Queryable, an Appender and an Admin.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/memory_ledger.h"
#include "base/result.h"
#include "env/env.h"
#include "model/admin.h"
#include "model/appender.h"
#include "model/queryable.h"
#include "promql/engine.h"
#include "server/listener.h"

namespace thermocline {

// A pool of threads for one kind of request, so that a storm of one kind leaves the others alone.
struct LaneOptions {
  int64_t threads = 4;           // requests that run at once
  int64_t queue = 64;            // requests that wait; more get 503
  int64_t max_wait_ms = 10'000;  // a request that waited longer gets 503
};

struct ServerOptions {
  ListenerOptions listener;
  LaneOptions queries{4, 64, 10'000};
  LaneOptions reads{10, 64, 10'000};  // remote reads: they last as long as their client likes
  LaneOptions writes{4, 256, 5'000};
  LaneOptions others{2, 64, 10'000};  // health, metrics, status: never behind a query or a flush
  LaneOptions admins{1, 4, 600'000};  // one flush at a time; the next waits for it
  int64_t query_timeout_ms = 60'000;
  uint64_t query_memory_bytes = 512ull << 20;     // of one query
  uint64_t queries_memory_bytes = 4096ull << 20;  // of all queries together
  uint64_t max_query_url_bytes = 16 << 10;
  uint64_t max_query_form_bytes = 64 << 10;
  uint64_t read_max_samples = 50'000'000;      // of a query of a remote read; 0 = no limit
  uint64_t read_max_frame_bytes = 1ull << 20;  // of streamed chunks
  uint64_t max_search_limit = 10'000;          // of names that one search may ask for; 0 = no limit
  uint64_t max_write_bytes = 32ull << 20;      // compressed and decoded, each
  bool enable_admin_api = false;
  std::string cors_origin;  // empty = no CORS headers

  Status Validate() const;
};

class ActiveQueries;  // server/active_queries.h
class QueryLog;       // server/query_log.h

// What the routes work on; borrowed, outlives the server.
struct ServerContext {
  ServerOptions options;
  const Queryable& storage;
  Appender& appender;
  Admin& admin;
  const promql::Engine& engine;
  Env env;
  std::vector<std::pair<std::string, std::string>> flags;  // name and value in force
  std::string version;
  std::string revision;
  std::string data_path;
  std::string retention;  // as runtimeinfo shows it
  TimestampMs started_ms = 0;
  // Told what queries hold; while it sheds no new ones are taken. Borrowed, may be null.
  MemoryLedger* ledger = nullptr;
  // Where queries are logged; borrowed, null when they are not.
  QueryLog* query_log = nullptr;
  // Set by Server::Start.
  QueryBudget* all_queries = nullptr;
  ActiveQueries* active_queries = nullptr;
};

// Threads: owns its lanes and its listener.
class Server {
 public:
  virtual ~Server() = default;
  static Result<std::unique_ptr<Server>> Start(ServerContext context,
                                               const std::vector<std::string>& addresses);
  virtual std::vector<std::string> addresses() const = 0;
  // See Listener::Stop.
  virtual void Stop(int64_t drain_ms, const std::function<bool()>& hurry) = 0;
};

}  // namespace thermocline
