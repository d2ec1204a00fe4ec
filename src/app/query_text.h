// The JSON of the query API as lines for people: `{labels} => value @time`.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace thermocline {

// `body` is the whole envelope. An error envelope becomes a Status with its message, warnings and
// infos become lines that begin with #.
Result<std::string> QueryText(std::string_view body);

}  // namespace thermocline
