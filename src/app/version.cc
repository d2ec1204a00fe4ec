#include "app/version.h"

#include <fmt/core.h>

#include "app/command.h"

namespace thermocline {

const std::string_view kVersion = TC_VERSION;
const std::string_view kRevision = TC_REVISION;

int RunVersion(const Invocation&) {
  fmt::print("thermocline, version {} (revision {})\n", kVersion, kRevision);
  return kExitOk;
}

}  // namespace thermocline
