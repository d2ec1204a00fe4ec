// One HTTP connection. Internal to the listener: only listener.cc and connection.cc include Beast.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <memory>
#include <string>

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

// What the connection shares with the handler that may outlive it.
struct Exchange {
  std::stop_source stop;
  std::function<void(Response)> deliver;
};

// One connection: reads a request, hands it to the handler, writes the answer, again.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(ListenerState& listener, tcp::socket socket);
  net::awaitable<void> Run();
  void Shutdown();
  bool busy() const { return busy_.load(std::memory_order_relaxed); }

 private:
  using Parser = http::request_parser<http::string_body>;
  net::awaitable<bool> ReadRequest(Parser& parser, bool* answered);
  net::awaitable<bool> ReadBody(Parser& parser, bool* answered);
  net::awaitable<bool> ReadBodyBytes(Parser& parser, bool* answered);
  net::awaitable<Response> Handle(Request request);
  net::awaitable<bool> Write(const Response& response, bool head_only, bool keep_alive,
                             unsigned version);
  net::awaitable<void> Refuse(int status, std::string_view why);
  void WatchForDisconnect(const std::shared_ptr<Exchange>& exchange);

  ListenerState& listener_;
  beast::tcp_stream stream_;
  beast::flat_buffer buffer_{64 << 10};
  std::string remote_;
  std::atomic<bool> busy_{false};
};

}  // namespace thermocline
