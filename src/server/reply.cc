#include "server/reply.h"

#include <fmt/core.h>

#include "wire/json.h"

namespace thermocline {
namespace {

constexpr size_t kMaxNotices = 10;

void AppendNotices(std::string_view name, const std::vector<std::string>& notices,
                   std::string* out) {
  if (notices.empty()) return;
  *out += fmt::format(",\"{}\":[", name);
  for (size_t i = 0; i < notices.size() && i < kMaxNotices; ++i) {
    if (i > 0) *out += ',';
    AppendJsonText(out, notices[i]);
  }
  if (notices.size() > kMaxNotices) {
    *out += fmt::format(",\"{} more {} omitted\"", notices.size() - kMaxNotices,
                        name == "warnings" ? "warning annotations" : "info annotations");
  }
  *out += ']';
}

struct Mapping {
  int status;
  std::string_view error_type;
};

Mapping MappingOf(Code code, bool during_query) {
  switch (code) {
    case Code::kInvalidArgument: return {400, "bad_data"};
    case Code::kNotFound: return {404, "not_found"};
    case Code::kCancelled: return {499, "canceled"};
    case Code::kDeadlineExceeded: return {503, "timeout"};
    case Code::kUnavailable: return {503, "unavailable"};
    case Code::kPermissionDenied: return {403, "unavailable"};
    case Code::kResourceExhausted:
    case Code::kOutOfRange:
      return during_query ? Mapping{422, "execution"} : Mapping{503, "unavailable"};
    case Code::kUnimplemented: return {422, "execution"};
    default: return during_query ? Mapping{422, "execution"} : Mapping{500, "internal"};
  }
}

}  // namespace

Response Success(std::string data, const std::vector<std::string>& warnings,
                 const std::vector<std::string>& infos) {
  Response response;
  response.body = kSuccessBegin;
  response.body += data;
  AppendSuccessEnd(warnings, infos, &response.body);
  return response;
}

void AppendSuccessEnd(const std::vector<std::string>& warnings,
                      const std::vector<std::string>& infos, std::string* out) {
  AppendNotices("warnings", warnings, out);
  AppendNotices("infos", infos, out);
  *out += '}';
}

Response Failure(int status, std::string_view error_type, std::string_view message) {
  Response response;
  response.status = status;
  response.body = fmt::format(R"({{"status":"error","errorType":"{}","error":)", error_type);
  AppendJsonText(&response.body, message);
  response.body += '}';
  if (status == 503) response.headers.emplace_back("Retry-After", "5");
  return response;
}

Response Failure(const Status& status, bool during_query) {
  const Mapping mapping = MappingOf(status.code(), during_query);
  return Failure(mapping.status, mapping.error_type, status.message());
}

Response AdminDisabled() {
  return Failure(403, "unavailable", "admin APIs disabled: start with --web.enable-admin-api");
}

}  // namespace thermocline
