// Query results as the `data` of the API's envelope.
#pragma once

#include <string>

#include "promql/engine.h"

namespace thermocline {

// {"resultType":...,"result":...}; `stats` is JSON to add as "stats", or empty.
std::string EncodeResult(const promql::QueryResult& result, std::string_view stats = {});

}  // namespace thermocline
