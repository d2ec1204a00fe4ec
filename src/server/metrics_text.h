// Our own metrics as exposition text.
#pragma once

#include <string>

#include "env/metrics.h"

namespace thermocline {

std::string MetricsText(const Metrics& metrics);

}  // namespace thermocline
