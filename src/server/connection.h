// One HTTP connection. Internal to the listener: only listener.cc and connection.cc include Beast.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <memory>
#include <string>

#include "base/mutex.h"
#include "server/arriving_body.h"
#include "server/listener.h"

namespace thermocline {

namespace net = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using tcp = net::ip::tcp;

// What all connections of a listener share; outlives them.
struct ListenerState {
  ListenerOptions options;
  RequestHandler handler;
  const Clock& clock;
  std::atomic<bool> stopping{false};
};

// What the connection shares with the watch for a disconnect, which may be destroyed after it.
struct Exchange {
  std::stop_source stop;
  bool answered = false;  // of the connection's strand only
};

// One connection: reads a request, hands it to the handler, writes the answer, again.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(ListenerState& listener, tcp::socket socket);
  net::awaitable<void> Run();

  // The following may be called from any thread.
  enum class Phase { kIdle, kReading, kWorking, kWriting };
  Phase phase() const { return phase_.load(std::memory_order_relaxed); }
  // When the phase began or, in reading and writing, its last progress was seen.
  int64_t phase_since_ns() const { return phase_since_ns_.load(std::memory_order_relaxed); }
  void Shutdown();
  // Asks the request in progress, if any, to end.
  void CancelRequest() EXCLUDES(mutex_);

 private:
  using Parser = http::request_parser<ArrivingBody>;
  net::awaitable<bool> ReadRequest(Parser& parser, bool* answered);
  net::awaitable<bool> ReadBody(Parser& parser, bool* answered);
  net::awaitable<bool> ReadBodyBytes(Parser& parser, bool* answered);
  // The status and the words for a request that could not be read; 0 when nobody is there any more.
  int WhyUnreadable(const boost::system::error_code& error, const Parser& parser,
                    std::string* why) const;
  net::awaitable<Response> Handle(Request request);
  net::awaitable<bool> Write(const Response& response, bool head_only, bool keep_alive,
                             unsigned version);
  net::awaitable<bool> WritePieces(const Response& response, bool keep_alive, unsigned version);
  net::awaitable<void> Refuse(int status, std::string_view why);
  void Enter(Phase phase);
  void WatchForDisconnect(const std::shared_ptr<Exchange>& exchange);

  ListenerState& listener_;
  beast::tcp_stream stream_;
  beast::flat_buffer buffer_{64 << 10};
  std::string remote_;
  // Both only guide a shutdown, which looks again and again: no order is needed.
  std::atomic<Phase> phase_{Phase::kIdle};
  std::atomic<int64_t> phase_since_ns_{0};
  Mutex mutex_;
  std::stop_source stop_ GUARDED_BY(mutex_);  // of the request in progress
};

}  // namespace thermocline
