// The JSON of query_explain as a tree for people, one node a line.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace thermocline {

// `body` is the whole envelope. An error envelope becomes a Status with its message, warnings and
// infos become lines that begin with #.
Result<std::string> ExplainText(std::string_view body);

}  // namespace thermocline
