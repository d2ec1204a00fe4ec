#include "env/posix/http_client.h"

#include <curl/curl.h>
#include <fmt/core.h>

#include <memory>

namespace thermocline {
namespace {

struct Download {
  std::string body;
  uint64_t limit_bytes = 0;
  bool too_large = false;
};

size_t Receive(char* data, size_t size, size_t count, void* target) {
  auto* download = static_cast<Download*>(target);
  if (download->body.size() + size * count > download->limit_bytes) {
    download->too_large = true;
    return 0;  // makes curl stop
  }
  download->body.append(data, size * count);
  return size * count;
}

struct CurlDeleter {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

Status FailureOf(CURLcode code, const Download& download, const HttpRequest& request) {
  const std::string what =
      fmt::format("{} {}: {}", request.method, request.url, curl_easy_strerror(code));
  if (download.too_large) {
    return Status::ResourceExhausted(fmt::format(
        "{} {}: response larger than {} bytes", request.method, request.url, download.limit_bytes));
  }
  if (code == CURLE_OPERATION_TIMEDOUT) return Status::DeadlineExceeded(what);
  if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL) {
    return Status::InvalidArgument(what);
  }
  return Status::Unavailable(what);
}

}  // namespace

Result<HttpResponse> Fetch(const HttpRequest& request) {
  static const CURLcode kReady = curl_global_init(CURL_GLOBAL_DEFAULT);
  const std::unique_ptr<CURL, CurlDeleter> handle(kReady == CURLE_OK ? curl_easy_init() : nullptr);
  if (handle == nullptr) return Status::Internal("the HTTP client could not be initialised");
  Download download{.limit_bytes = request.max_response_bytes};
  curl_slist* raw_headers = nullptr;
  for (const auto& [name, value] : request.headers) {
    raw_headers = curl_slist_append(raw_headers, fmt::format("{}: {}", name, value).c_str());
  }
  const std::unique_ptr<curl_slist, ListDeleter> headers(raw_headers);
  CURL* curl = handle.get();
  curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout_ms));
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &Receive);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &download);
  if (request.method != "GET") {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.data());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
  }
  const CURLcode code = curl_easy_perform(curl);
  if (code != CURLE_OK) return FailureOf(code, download, request);
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  return HttpResponse{static_cast<int>(status), std::move(download.body)};
}

std::string UrlEncode(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += kHex[static_cast<uint8_t>(c) >> 4];
      out += kHex[static_cast<uint8_t>(c) & 15];
    }
  }
  return out;
}

}  // namespace thermocline
