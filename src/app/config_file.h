// The configuration file: YAML whose nested keys spell the flags' names.
#pragma once

#include <string>
#include <string_view>

#include "app/flags.h"
#include "base/status.h"

namespace thermocline {

// Sets flags from YAML text such as
//   storage:
//     tsdb: {path: /var/lib/thermocline, retention.time: 15d}
// A list sets a repeatable flag once per item. Errors: InvalidArgument as "file:line:column: key:
// what", for malformed YAML, aliases, unknown or repeated keys, values that do not parse, more than
// 1 MiB or 64 levels.
Status ApplyConfigFile(std::string_view file_name, std::string_view yaml, FlagTable* flags);

}  // namespace thermocline
