#include "server/listener.h"

#include <fmt/core.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <charconv>
#include <set>

#include "base/mutex.h"
#include "env/background_thread.h"
#include "server/connection.h"

namespace thermocline {
namespace {

using ErrorCode = boost::system::error_code;
using Ms = std::chrono::milliseconds;

struct HostPort {
  std::string host;
  uint16_t port = 0;
};

Result<HostPort> SplitAddress(std::string_view address) {
  const size_t colon = address.rfind(':');
  const Status bad =
      Status::InvalidArgument(fmt::format("listen address '{}': expected host:port", address));
  if (colon == std::string_view::npos) return bad;
  HostPort parts;
  std::string_view host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  parts.host = host.empty() ? "0.0.0.0" : std::string(host);
  if (parts.host == "localhost") parts.host = "127.0.0.1";
  const std::string_view port = address.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), parts.port);
  if (error != std::errc() || end != port.data() + port.size()) return bad;
  return parts;
}

class BeastListener final : public Listener {
 public:
  BeastListener(const ListenerOptions& options, RequestHandler handler, const Clock& clock,
                Logger& logger, Metrics& metrics)
      : state_{options, std::move(handler), clock},
        logger_(logger),
        connections_gauge_(
            metrics.GetGauge("thermocline_http_connections", "Open HTTP connections.")),
        refused_(metrics.GetCounter("thermocline_http_connections_refused_total",
                                    "Connections closed because there were too many.")) {}
  ~BeastListener() override { Stop(0, {}); }

  Status Bind(const std::vector<std::string>& addresses);
  void Run();
  std::vector<std::string> addresses() const override { return addresses_; }
  void Stop(int64_t drain_ms, const std::function<bool()>& hurry) override;

 private:
  net::awaitable<void> Accept(tcp::acceptor& acceptor);
  net::awaitable<void> Serve(tcp::socket socket);
  // Closes what waits for a client since before `stuck_since_ns`, and what is idle.
  void CloseWaiting(int64_t stuck_since_ns);
  void CancelRequests();
  void CloseAll();

  ListenerState state_;
  Logger& logger_;
  Gauge& connections_gauge_;
  Counter& refused_;
  net::io_context context_;
  std::vector<tcp::acceptor> acceptors_;
  std::vector<std::string> addresses_;
  Mutex mutex_;
  std::set<Connection*> connections_ GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<BackgroundThread>> threads_;
};

Status BeastListener::Bind(const std::vector<std::string>& addresses) {
  for (const std::string& address : addresses) {
    ASSIGN_OR_RETURN(const HostPort parts, SplitAddress(address));
    ErrorCode error;
    const net::ip::address ip = net::ip::make_address(parts.host, error);
    if (error) {
      return Status::InvalidArgument(
          fmt::format("listen address '{}': expected an IP address", address));
    }
    tcp::acceptor acceptor(context_);
    const tcp::endpoint endpoint(ip, parts.port);
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(net::socket_base::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(net::socket_base::max_listen_connections, error);
    if (error) {
      return Status::Unavailable(fmt::format("listen on {}: {}", address, error.message()));
    }
    const auto bound = acceptor.local_endpoint(error);
    addresses_.push_back(bound.address().is_v6()
                             ? fmt::format("[{}]:{}", bound.address().to_string(), bound.port())
                             : fmt::format("{}:{}", bound.address().to_string(), bound.port()));
    acceptors_.push_back(std::move(acceptor));
  }
  return {};
}

void BeastListener::Run() {
  for (tcp::acceptor& acceptor : acceptors_) {
    net::co_spawn(context_, Accept(acceptor), net::detached);
  }
  for (int i = 0; i < state_.options.threads; ++i) {
    threads_.push_back(std::make_unique<BackgroundThread>("http", [this] { context_.run(); }));
  }
}

net::awaitable<void> BeastListener::Accept(tcp::acceptor& acceptor) {
  while (!state_.stopping.load()) {
    ErrorCode error;
    tcp::socket socket = co_await acceptor.async_accept(
        net::make_strand(context_), net::redirect_error(net::use_awaitable, error));
    if (error == net::error::operation_aborted || state_.stopping.load()) co_return;
    if (error) {
      // Out of descriptors, most likely: wait until some are free rather than spin.
      net::steady_timer pause(context_, Ms(100));
      ErrorCode ignored;
      co_await pause.async_wait(net::redirect_error(net::use_awaitable, ignored));
      continue;
    }
    if (connections_gauge_.value() >= static_cast<double>(state_.options.max_connections)) {
      refused_.Increment();
      continue;  // the socket closes
    }
    connections_gauge_.Add(1);
    auto executor = socket.get_executor();
    net::co_spawn(executor, Serve(std::move(socket)), net::detached);
  }
}

net::awaitable<void> BeastListener::Serve(tcp::socket socket) {
  const auto connection = std::make_shared<Connection>(state_, std::move(socket));
  {
    MutexLock lock(mutex_);
    connections_.insert(connection.get());
  }
  try {
    co_await connection->Run();
  } catch (const std::exception& error) {
    logger_.Log(LogLevel::kError, "server", "A connection failed", {{"error", error.what()}});
  }
  {
    MutexLock lock(mutex_);
    connections_.erase(connection.get());
  }
  connections_gauge_.Add(-1);
}

void BeastListener::CloseWaiting(int64_t stuck_since_ns) {
  MutexLock lock(mutex_);
  for (Connection* connection : connections_) {
    const Connection::Phase phase = connection->phase();
    const bool stuck =
        phase != Connection::Phase::kWorking && connection->phase_since_ns() < stuck_since_ns;
    if (phase == Connection::Phase::kIdle || stuck) connection->Shutdown();
  }
}

void BeastListener::CancelRequests() {
  MutexLock lock(mutex_);
  for (Connection* connection : connections_) connection->CancelRequest();
}

void BeastListener::CloseAll() {
  MutexLock lock(mutex_);
  for (Connection* connection : connections_) connection->Shutdown();
}

void BeastListener::Stop(int64_t drain_ms, const std::function<bool()>& hurry) {
  if (threads_.empty()) return;
  state_.stopping.store(true);
  for (tcp::acceptor& acceptor : acceptors_) {
    net::post(context_, [&acceptor] {
      ErrorCode ignored;
      acceptor.close(ignored);
    });
  }
  const int64_t begun_ns = state_.clock.SteadyNs();
  const int64_t stuck_ns = state_.options.stuck_client_ms * 1'000'000;
  Mutex wait_mutex;
  CondVar wait;
  // Until no connection is left; false when the time was over before.
  const auto drain = [&](int64_t until_ns, bool cancel) {
    while (connections_gauge_.value() > 0) {
      const int64_t now_ns = state_.clock.SteadyNs();
      if (now_ns >= until_ns || (!cancel && hurry && hurry())) return false;
      if (cancel) CancelRequests();
      // Nobody is stuck before the stop has lasted that long.
      CloseWaiting(now_ns - begun_ns < stuck_ns ? 0 : now_ns - stuck_ns);
      MutexLock lock(wait_mutex);
      wait.WaitFor(wait_mutex, 20);
    }
    return true;
  };
  if (!drain(begun_ns + drain_ms * 1'000'000, false)) {
    drain(state_.clock.SteadyNs() + state_.options.cancel_ms * 1'000'000, true);
    CancelRequests();
    CloseAll();
  }
  context_.stop();
  threads_.clear();
}

}  // namespace

Status ListenerOptions::Validate() const {
  if (threads < 1 || max_connections < 1 || max_headers < 1 || max_header_bytes < 1024 ||
      max_target_bytes < 1024) {
    return Status::InvalidArgument("listener: limits must be positive");
  }
  return {};
}

Result<std::unique_ptr<Listener>> Listener::Start(const ListenerOptions& options,
                                                  const std::vector<std::string>& addresses,
                                                  RequestHandler handler, const Clock& clock,
                                                  Logger& logger, Metrics& metrics) {
  RETURN_IF_ERROR(options.Validate());
  auto listener =
      std::make_unique<BeastListener>(options, std::move(handler), clock, logger, metrics);
  RETURN_IF_ERROR(listener->Bind(addresses));
  listener->Run();
  return std::unique_ptr<Listener>(std::move(listener));
}

}  // namespace thermocline
