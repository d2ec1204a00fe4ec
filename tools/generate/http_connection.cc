#include "generate/http_connection.h"

#include <fmt/core.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

namespace thermocline {
namespace {

Status IoError(std::string_view what) {
  return Status::Io(fmt::format("{}: {}", what, std::strerror(errno)));
}

// The Content-Length of a header block, 0 for the statuses that have no body, else -1.
int64_t BodySize(std::string_view head, int status) {
  constexpr std::string_view kName = "\r\ncontent-length:";
  std::string lower(head);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  size_t at = lower.find(kName);
  if (at == std::string::npos) return status == 204 ? 0 : -1;
  at = lower.find_first_not_of(' ', at + kName.size());
  int64_t size = -1;
  if (at != std::string::npos) {
    std::from_chars(lower.data() + at, lower.data() + lower.size(), size);
  }
  return size;
}

}  // namespace

Result<HttpTarget> ParseHttpUrl(std::string_view url) {
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme)) {
    return Status::InvalidArgument(fmt::format("expected http://host:port/path, found '{}'", url));
  }
  url.remove_prefix(kScheme.size());
  const std::string_view authority = url.substr(0, url.find('/'));
  const size_t colon = authority.find(':');
  HttpTarget target;
  target.host = authority.substr(0, colon);
  target.port = colon == std::string_view::npos ? "80" : authority.substr(colon + 1);
  target.path = authority.size() == url.size() ? "/" : url.substr(authority.size());
  if (target.host.empty()) return Status::InvalidArgument("the URL names no host");
  return target;
}

Result<HttpConnection> HttpConnection::Open(const HttpTarget& target) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(target.host.c_str(), target.port.c_str(), &hints, &found) != 0) {
    return Status::Unavailable("no address for " + target.host);
  }
  int connected = -1;
  for (const addrinfo* one = found; one != nullptr && connected < 0; one = one->ai_next) {
    connected = socket(one->ai_family, one->ai_socktype | SOCK_CLOEXEC, one->ai_protocol);
    if (connected >= 0 && connect(connected, one->ai_addr, one->ai_addrlen) != 0) {
      close(std::exchange(connected, -1));
    }
  }
  freeaddrinfo(found);
  if (connected < 0) {
    return Status::Unavailable(fmt::format("no connection to {}:{}", target.host, target.port));
  }
  const int on = 1;
  setsockopt(connected, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  return HttpConnection(connected, target);
}

HttpConnection::~HttpConnection() {
  if (socket_ >= 0) close(socket_);
}

HttpConnection::HttpConnection(HttpConnection&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)),
      target_(std::move(other.target_)),
      received_(std::move(other.received_)) {}

Status HttpConnection::Send(std::string_view head, std::string_view body) {
  while (!head.empty() || !body.empty()) {
    iovec parts[2] = {{const_cast<char*>(head.data()), head.size()},
                      {const_cast<char*>(body.data()), body.size()}};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    const ssize_t sent = sendmsg(socket_, &message, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return IoError("sending");
    const size_t of_head = std::min(head.size(), static_cast<size_t>(sent));
    head.remove_prefix(of_head);
    body.remove_prefix(static_cast<size_t>(sent) - of_head);
  }
  return {};
}

Status HttpConnection::ReceiveMore() {
  char buffer[4096];
  ssize_t got = 0;
  do {
    got = recv(socket_, buffer, sizeof(buffer), 0);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return IoError("receiving");
  if (got == 0) return Status::Io("the server closed the connection");
  received_.append(buffer, static_cast<size_t>(got));
  return {};
}

Result<int> HttpConnection::PostWrite(std::string_view body, std::string* text) {
  const std::string head = fmt::format(
      "POST {} HTTP/1.1\r\nHost: {}:{}\r\nUser-Agent: thermocline_load\r\n"
      "Content-Type: application/x-protobuf\r\nContent-Encoding: snappy\r\n"
      "X-Prometheus-Remote-Write-Version: 0.1.0\r\nContent-Length: {}\r\n\r\n",
      target_.path, target_.host, target_.port, body.size());
  RETURN_IF_ERROR(Send(head, body));
  received_.clear();
  size_t head_end = std::string::npos;
  while ((head_end = received_.find("\r\n\r\n")) == std::string::npos) {
    RETURN_IF_ERROR(ReceiveMore());
  }
  int status = 0;
  const size_t space = received_.find(' ');
  std::from_chars(received_.data() + space + 1, received_.data() + received_.size(), status);
  const int64_t size = BodySize(std::string_view(received_).substr(0, head_end), status);
  if (status == 0 || size < 0) {
    return Status::Corruption("the answer has no status or no length: " + received_);
  }
  head_end += 4;
  while (received_.size() < head_end + static_cast<size_t>(size)) RETURN_IF_ERROR(ReceiveMore());
  *text = received_.substr(head_end);
  return status;
}

}  // namespace thermocline
