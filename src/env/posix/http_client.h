// The one outbound HTTP client.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace thermocline {

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  int64_t timeout_ms = 30'000;
  uint64_t max_response_bytes = 256ull << 20;
};

struct HttpResponse {
  int status = 0;
  std::string body;
};

// One request, no redirects followed. Any HTTP status is a response; Errors: Unavailable (no
// connection), DeadlineExceeded, ResourceExhausted (response too large), InvalidArgument (not an
// http or https URL). Threads: safe.
Result<HttpResponse> Fetch(const HttpRequest& request);

// Percent-encodes everything but unreserved characters.
std::string UrlEncode(std::string_view text);

}  // namespace thermocline
