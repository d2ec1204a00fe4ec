#pragma once

#include <string_view>

namespace thermocline {

// Set by CMake: the project's version and the commit it was built from.
extern const std::string_view kVersion;
extern const std::string_view kRevision;

}  // namespace thermocline
