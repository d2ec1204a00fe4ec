// Prometheus' envelope: {"status":"success","data":...} and its errors.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "server/http_message.h"

namespace thermocline {

// `data` is JSON text. At most 10 warnings and 10 infos are shown, then how many more there are.
Response Success(std::string data, const std::vector<std::string>& warnings = {},
                 const std::vector<std::string>& infos = {});

// The same in pieces: kSuccessBegin, the data, the end.
inline constexpr std::string_view kSuccessBegin = R"({"status":"success","data":)";
void AppendSuccessEnd(const std::vector<std::string>& warnings,
                      const std::vector<std::string>& infos, std::string* out);

// errorType is one of Prometheus': bad_data, execution, canceled, timeout, internal, unavailable,
// not_found.
Response Failure(int status, std::string_view error_type, std::string_view message);

// The one table from our codes to HTTP. `during_query` makes what is neither the client's syntax
// nor a time-out an "execution" error.
Response Failure(const Status& status, bool during_query);

// The answer of an endpoint that needs --web.enable-admin-api.
Response AdminDisabled();

}  // namespace thermocline
