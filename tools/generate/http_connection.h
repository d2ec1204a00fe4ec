// One kept-alive HTTP connection over a blocking socket: no more than a load generator needs, so
// that it takes little of the machine from the server it loads.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace thermocline {

struct HttpTarget {
  std::string host;
  std::string port;
  std::string path;
};

// http://host[:port][/path]; InvalidArgument for anything else.
Result<HttpTarget> ParseHttpUrl(std::string_view url);

class HttpConnection {
 public:
  // Unavailable when nobody listens there.
  static Result<HttpConnection> Open(const HttpTarget& target);
  ~HttpConnection();
  HttpConnection(HttpConnection&& other) noexcept;
  HttpConnection& operator=(HttpConnection&&) = delete;

  // Posts a remote write body; the status of the answer, whose body is put into `text`. Errors: Io,
  // Corruption (an answer without a length); the connection is of no use after one.
  Result<int> PostWrite(std::string_view body, std::string* text);

 private:
  HttpConnection(int socket, const HttpTarget& target) : socket_(socket), target_(target) {}
  Status Send(std::string_view head, std::string_view body);
  Status ReceiveMore();

  int socket_;
  HttpTarget target_;
  std::string received_;
};

}  // namespace thermocline
