// Requests and responses as routes see them: plain values, no sockets.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/body_pipe.h"

namespace thermocline {

struct Request {
  std::string method;  // upper case
  std::string
      path;  // percent-decoded by the router per segment; here as received, without the query
  std::string query;                                         // after '?', as received
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;
  std::string remote_address;
  int64_t received_steady_ns = 0;
  std::stop_token stop;  // requested when the client went away

  // The first header of that (lower-case) name, or "".
  std::string_view Header(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  // Whether the body may be compressed for a client that accepts it. Not what is already.
  bool compressible = true;
  // Not null: the body is what comes out here, and `body` is empty.
  std::shared_ptr<BodyPipe> pieces;
  // The response went out while the route was still at work; what is here only tells how it ended.
  bool sent = false;
};

// The reason phrase, e.g. "Bad Request".
std::string_view ReasonPhrase(int status);

}  // namespace thermocline
