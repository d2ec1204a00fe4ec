// The HTTP/1.1 listener: sockets, deadlines and limits. Everything above it deals in Request and
// Response.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "env/clock.h"
#include "env/logger.h"
#include "env/metrics.h"
#include "server/http_message.h"

namespace thermocline {

struct ListenerOptions {
  int threads = 2;
  int64_t header_timeout_ms = 10'000;
  int64_t body_timeout_ms = 30'000;   // and 1 s more for each KiB that arrived
  int64_t idle_timeout_ms = 60'000;   // between requests of a connection
  int64_t write_timeout_ms = 60'000;  // without progress of the client
  uint64_t max_body_bytes = 32ull << 20;
  uint32_t max_header_bytes = 16 << 10;  // all header fields
  uint32_t max_target_bytes = 32 << 10;  // the URL; routes may take less
  uint32_t max_headers = 100;
  int64_t max_connections = 512;
  int64_t stuck_client_ms = 5'000;  // a client that makes no progress holds Stop up no longer
  int64_t cancel_ms = 2'000;        // for cancelled requests to end when Stop's time is over

  Status Validate() const;
};

// Called on a network thread: must not block. Calls `done` once, from any thread; later calls are
// ignored, and letting go of it without a call answers 500. `done` must not outlive the listener.
using RequestHandler = std::function<void(Request, std::function<void(Response)> done)>;

// Threads: owns its network threads. The destructor stops at once.
class Listener {
 public:
  virtual ~Listener() = default;
  // Binds every address ("host:port", port 0 picks one) and starts to accept. Errors:
  // InvalidArgument (address), Unavailable (in use).
  static Result<std::unique_ptr<Listener>> Start(const ListenerOptions& options,
                                                 const std::vector<std::string>& addresses,
                                                 RequestHandler handler, const Clock& clock,
                                                 Logger& logger, Metrics& metrics);
  // The bound addresses, ports filled in.
  virtual std::vector<std::string> addresses() const = 0;
  // Accepts no more, closes idle connections, lets requests in progress finish for at most
  // `drain_ms`; then, or as soon as `hurry` (asked every 20 ms; may be empty) says so, asks them to
  // end, gives them `cancel_ms` to do it, and closes the rest. A client that neither sends the rest
  // of its request nor takes its answer is closed after `stuck_client_ms`.
  virtual void Stop(int64_t drain_ms, const std::function<bool()>& hurry) = 0;
};

}  // namespace thermocline
