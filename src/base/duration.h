// Durations as Prometheus writes them: 1h30m, 15s, 250ms, 1w. Units in descending order, each at
// most once: y (365 d), w, d, h, m, s, ms. "0" needs no unit.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace thermocline {

// Milliseconds, never negative. InvalidArgument with Prometheus' texts ("empty duration string",
// "not a valid duration string: ...", "unknown unit ...", "duration out of range").
Result<int64_t> ParseDurationMs(std::string_view text);

// The canonical form of model.Duration.String(): 5400000 -> "1h30m", 0 -> "0s"; days and weeks only
// when they divide the rest evenly, as Prometheus does.
std::string FormatDurationMs(int64_t duration_ms);

}  // namespace thermocline
