#include "server/connection.h"

#include <fmt/core.h>
#include <sys/socket.h>

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace thermocline {
namespace {

using ErrorCode = boost::system::error_code;
using Ms = std::chrono::milliseconds;

// What a refused client may still send before the connection closes.
constexpr uint64_t kDiscardBytes = 64 << 20;
constexpr int64_t kDiscardMs = 5'000;

// A refusal that the listener makes itself, before a route sees anything.
Response Refusal(int status, std::string_view why) {
  Response response;
  response.status = status;
  response.content_type = "text/plain; charset=utf-8";
  response.body = fmt::format("{}\n", why);
  return response;
}

std::string TooLargeText(const ListenerOptions& options) {
  return fmt::format("request body exceeds the {} bytes limit", options.max_body_bytes);
}

std::string UrlTooLongText(const ListenerOptions& options) {
  return fmt::format("the URL is longer than {} bytes: send the parameters as a form by POST",
                     options.max_target_bytes);
}

std::string HeadersTooLargeText(const ListenerOptions& options) {
  return fmt::format("the headers are larger than {} bytes or more than {}",
                     options.max_header_bytes, options.max_headers);
}

// What is wrong with a whole head, so that its body is not read; 0 when nothing is.
int HeadRefusal(const http::request_header<>& head, const ListenerOptions& options,
                std::string* why) {
  uint64_t count = 0;
  uint64_t bytes = 0;
  for (const auto& field : head) {
    ++count;
    bytes += field.name_string().size() + field.value().size() + 4;  // ": " and the line's end
  }
  if (head.target().size() > options.max_target_bytes) {
    *why = UrlTooLongText(options);
    return 414;
  }
  if (count > options.max_headers || bytes > options.max_header_bytes) {
    *why = HeadersTooLargeText(options);
    return 431;
  }
  return 0;
}

int StatusOfReadError(const ErrorCode& error) {
  if (error == http::error::header_limit) return 431;
  if (error == http::error::body_limit) return 413;
  if (error == http::error::end_of_stream || error == http::error::partial_message ||
      error == beast::error::timeout || error.category() == boost::system::system_category() ||
      error.category() == net::error::get_misc_category()) {
    return 0;  // nobody is there to answer
  }
  return 400;
}

// The one answer to a request. The first call counts; when the handler lets go of every copy
// without a call, the client gets a 500 rather than a connection that waits for ever. The
// completion is owned here and by the posted call alone, never by the coroutine that it resumes: an
// answer that cannot be delivered any more (the listener is going) takes the coroutine with it.
template <typename Executor, typename Completion>
class Answering {
 public:
  Answering(Executor executor, std::shared_ptr<Exchange> exchange, Completion completion)
      : executor_(std::move(executor)),
        exchange_(std::move(exchange)),
        completion_(std::move(completion)) {}
  ~Answering() { Deliver(Refusal(500, "the request was dropped")); }
  Answering(const Answering&) = delete;
  Answering& operator=(const Answering&) = delete;

  void Deliver(Response answer) {
    if (delivered_.exchange(true)) return;
    net::post(executor_, [exchange = std::move(exchange_), completion = std::move(completion_),
                          answer = std::move(answer)]() mutable {
      exchange->answered = true;
      completion(std::move(answer));
    });
  }

 private:
  Executor executor_;
  std::shared_ptr<Exchange> exchange_;
  Completion completion_;
  std::atomic<bool> delivered_{false};
};

template <typename Message>
void SetHead(const Response& response, unsigned version, Message* message) {
  message->version(version);
  message->result(static_cast<unsigned>(response.status));
  message->reason(std::string(ReasonPhrase(response.status)));
  if (!response.content_type.empty() && response.status != 204) {
    message->set(http::field::content_type, response.content_type);
  }
  message->set("X-Content-Type-Options", "nosniff");
  for (const auto& [name, value] : response.headers) message->set(name, value);
}

Request ToRequest(http::request<ArrivingBody>&& message, const std::string& remote) {
  Request request;
  request.method = std::string(message.method_string());
  const std::string_view target(message.target().data(), message.target().size());
  const size_t mark = target.find('?');
  request.path = std::string(target.substr(0, mark));
  if (mark != std::string_view::npos) request.query = std::string(target.substr(mark + 1));
  for (const auto& field : message) {
    std::string name(field.name_string());
    for (char& c : name) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    request.headers.emplace_back(std::move(name), std::string(field.value()));
  }
  request.body = std::move(message.body());
  request.remote_address = remote;
  return request;
}

}  // namespace

Connection::Connection(ListenerState& listener, tcp::socket socket)
    : listener_(listener), stream_(std::move(socket)) {
  ErrorCode error;
  stream_.socket().set_option(tcp::no_delay(true), error);
  const auto endpoint = stream_.socket().remote_endpoint(error);
  if (!error) remote_ = endpoint.address().to_string();
}

void Connection::Enter(Phase phase) {
  phase_since_ns_.store(listener_.clock.SteadyNs(), std::memory_order_relaxed);
  phase_.store(phase, std::memory_order_relaxed);
}

void Connection::CancelRequest() {
  MutexLock lock(mutex_);
  stop_.request_stop();
}

void Connection::Shutdown() {
  net::post(stream_.get_executor(), [self = shared_from_this()] { self->stream_.cancel(); });
}

net::awaitable<void> Connection::Refuse(int status, std::string_view why) {
  co_await Write(Refusal(status, why), false, false, 11);
  // Closing with unread input would reset the connection, and the client might never see why: take
  // what it is still sending.
  ErrorCode error;
  stream_.socket().shutdown(tcp::socket::shutdown_send, error);
  stream_.expires_after(Ms(kDiscardMs));
  buffer_.consume(buffer_.size());
  for (uint64_t taken = 0; !error && taken < kDiscardBytes;) {
    taken += co_await stream_.async_read_some(buffer_.prepare(16 << 10),
                                              net::redirect_error(net::use_awaitable, error));
  }
}

int Connection::WhyUnreadable(const ErrorCode& error, const Parser& parser,
                              std::string* why) const {
  const int status = StatusOfReadError(error);
  *why = error.message();
  if (status == 413) *why = TooLargeText(listener_.options);
  if (status != 431) return status;
  *why = HeadersTooLargeText(listener_.options);
  // Was it the request line? It is still in the buffer where the parser has not come behind it.
  const std::string_view seen(static_cast<const char*>(buffer_.data().data()), buffer_.size());
  const size_t target_bytes = parser.get().target().size();
  const size_t line_bytes =
      target_bytes > 0 ? target_bytes : std::min(seen.find("\r\n"), seen.size());
  if (line_bytes <= listener_.options.max_target_bytes) return status;
  *why = UrlTooLongText(listener_.options);
  return 414;
}

// False when the connection must end; `answered` when a refusal went out already.
net::awaitable<bool> Connection::ReadRequest(Parser& parser, bool* answered) {
  const ListenerOptions& options = listener_.options;
  parser.header_limit(options.max_target_bytes + options.max_header_bytes);
  parser.body_limit(options.max_body_bytes);
  ErrorCode error;
  if (buffer_.size() == 0) {
    stream_.expires_after(Ms(options.idle_timeout_ms));
    const size_t count = co_await stream_.async_read_some(
        buffer_.prepare(4096), net::redirect_error(net::use_awaitable, error));
    buffer_.commit(count);
    if (error) co_return false;
  }
  Enter(Phase::kReading);
  stream_.expires_after(Ms(options.header_timeout_ms));
  co_await http::async_read_header(stream_, buffer_, parser,
                                   net::redirect_error(net::use_awaitable, error));
  // A time-out has closed the socket already: a client that is too slow gets no answer.
  if (error) {
    std::string why;
    if (const int status = WhyUnreadable(error, parser, &why); status != 0) {
      co_await Refuse(status, why);
      *answered = true;
    }
    co_return false;
  }
  co_return co_await ReadBody(parser, answered);
}

net::awaitable<bool> Connection::ReadBody(Parser& parser, bool* answered) {
  const ListenerOptions& options = listener_.options;
  const auto& message = parser.get();
  *answered = true;
  std::string why;
  if (const int status = HeadRefusal(message, options, &why); status != 0) {
    co_await Refuse(status, why);
    co_return false;
  }
  if (message.count(http::field::content_length) > 0 &&
      message.count(http::field::transfer_encoding) > 0) {
    co_await Refuse(400, "both Content-Length and Transfer-Encoding are given");
    co_return false;
  }
  ErrorCode error;
  if (beast::iequals(message[http::field::expect], "100-continue")) {
    http::response<http::empty_body> go_on(http::status::continue_, message.version());
    co_await http::async_write(stream_, go_on, net::redirect_error(net::use_awaitable, error));
    if (error) co_return false;
  }
  co_return co_await ReadBodyBytes(parser, answered);
}

// The whole body within 30 s, or longer as long as 1 KiB/s arrives.
net::awaitable<bool> Connection::ReadBodyBytes(Parser& parser, bool* answered) {
  const auto started = std::chrono::steady_clock::now();
  const auto grace = Ms(listener_.options.body_timeout_ms);
  ErrorCode error;
  while (!parser.is_done() && !error) {
    const auto received = std::chrono::seconds(parser.get().body().size() >> 10);
    stream_.expires_at(started + grace + received);
    co_await http::async_read_some(stream_, buffer_, parser,
                                   net::redirect_error(net::use_awaitable, error));
    Enter(Phase::kReading);  // progress
  }
  if (error) {
    std::string why;
    const int status = WhyUnreadable(error, parser, &why);
    if (status != 0) co_await Refuse(status, why);
    co_return false;
  }
  *answered = false;
  co_return true;
}

// The client cannot have more to say before it has its answer, unless it pipelines: readable and
// empty means gone.
void Connection::WatchForDisconnect(const std::shared_ptr<Exchange>& exchange) {
  stream_.socket().async_wait(tcp::socket::wait_read, [this, exchange](const ErrorCode& error) {
    if (error || exchange->answered) return;
    char byte;
    const ssize_t got = recv(stream_.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK)) {
      exchange->stop.request_stop();
    }
  });
}

net::awaitable<Response> Connection::Handle(Request request) {
  Enter(Phase::kWorking);
  auto exchange = std::make_shared<Exchange>();
  request.stop = exchange->stop.get_token();
  {
    MutexLock lock(mutex_);
    stop_ = exchange->stop;
  }
  auto executor = stream_.get_executor();
  stream_.expires_never();
  Response response = co_await net::async_initiate<decltype(net::use_awaitable), void(Response)>(
      [&](auto completion) {
        using One = Answering<decltype(executor), decltype(completion)>;
        auto one = std::make_shared<One>(executor, exchange, std::move(completion));
        WatchForDisconnect(exchange);
        listener_.handler(std::move(request),
                          [one](Response answer) { one->Deliver(std::move(answer)); });
      },
      net::use_awaitable);
  ErrorCode ignored;
  stream_.socket().cancel(ignored);  // the disconnect watch
  co_return response;
}

net::awaitable<bool> Connection::Write(const Response& response, bool head_only, bool keep_alive,
                                       unsigned version) {
  Enter(Phase::kWriting);
  http::response<http::span_body<const char>> message;
  SetHead(response, version, &message);
  message.keep_alive(keep_alive);
  message.body() = beast::span<const char>(response.body.data(), response.body.size());
  if (response.status != 204) message.content_length(response.body.size());
  http::response_serializer<http::span_body<const char>> serializer(message);
  ErrorCode error;
  if (head_only) {
    stream_.expires_after(Ms(listener_.options.write_timeout_ms));
    co_await http::async_write_header(stream_, serializer,
                                      net::redirect_error(net::use_awaitable, error));
    co_return !error && keep_alive;
  }
  while (!serializer.is_done() && !error) {
    stream_.expires_after(Ms(listener_.options.write_timeout_ms));
    co_await http::async_write_some(stream_, serializer,
                                    net::redirect_error(net::use_awaitable, error));
    Enter(Phase::kWriting);  // progress
  }
  co_return !error && keep_alive;
}

// Chunks, as they come; HTTP/1.0 knows none and has the end of the connection instead. A body that
// breaks off ends the connection without the last chunk.
net::awaitable<bool> Connection::WritePieces(const Response& response, bool keep_alive,
                                             unsigned version) {
  http::response<http::buffer_body> message;
  SetHead(response, version, &message);
  const bool chunked = version >= 11;
  message.chunked(chunked);
  message.keep_alive(keep_alive && chunked);
  message.body().data = nullptr;
  message.body().more = true;
  http::response_serializer<http::buffer_body> serializer(message);
  BodyPipe& pipe = *response.pieces;
  std::string piece;
  ErrorCode error;
  while (!error) {
    const BodyPipe::Next next = pipe.Take(&piece);
    if (next == BodyPipe::Next::kLater) {
      Enter(Phase::kWorking);
      co_await net::async_initiate<decltype(net::use_awaitable), void()>(
          [&](auto completion) {
            auto shared = std::make_shared<decltype(completion)>(std::move(completion));
            pipe.WhenReady([executor = stream_.get_executor(), shared] {
              net::post(executor, [shared] { (*shared)(); });
            });
          },
          net::use_awaitable);
      continue;
    }
    if (next == BodyPipe::Next::kBroken) co_return false;
    const bool last = next == BodyPipe::Next::kWhole;
    message.body().data = last ? nullptr : piece.data();
    message.body().size = last ? 0 : piece.size();
    message.body().more = !last;
    while (!error && !serializer.is_done()) {
      Enter(Phase::kWriting);
      stream_.expires_after(Ms(listener_.options.write_timeout_ms));
      co_await http::async_write_some(stream_, serializer,
                                      net::redirect_error(net::use_awaitable, error));
    }
    stream_.expires_never();
    if (last) break;
    if (error == http::error::need_buffer) error = {};
  }
  if (error) pipe.Drop();
  co_return !error && keep_alive && chunked;
}

net::awaitable<void> Connection::Run() {
  for (;;) {
    Parser parser;
    bool answered = false;
    Enter(Phase::kIdle);
    if (listener_.stopping.load(std::memory_order_relaxed) ||
        !co_await ReadRequest(parser, &answered))
      break;
    auto message = parser.release();
    const bool head_only = message.method() == http::verb::head;
    const bool wants_more = message.keep_alive();
    const unsigned version = message.version();
    Request request = ToRequest(std::move(message), remote_);
    request.received_steady_ns = listener_.clock.SteadyNs();
    const Response response = co_await Handle(std::move(request));
    const bool keep_alive = wants_more && !listener_.stopping.load(std::memory_order_relaxed);
    if (response.pieces != nullptr) {
      if (!co_await WritePieces(response, keep_alive, version)) break;
    } else if (!co_await Write(response, head_only, keep_alive, version)) {
      break;
    }
  }
  ErrorCode ignored;
  stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
}

}  // namespace thermocline
