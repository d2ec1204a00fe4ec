// The description of the HTTP API that /api/v1/openapi.yaml serves.
#pragma once

#include <string_view>

namespace thermocline {

// openapi.yaml, which stands beside this file, with the program's version. OpenAPI 3.1.
std::string_view OpenApiDocument();

}  // namespace thermocline
