// The server scrapes itself, so that a newcomer has data at once.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "env/env.h"
#include "env/ticker.h"
#include "model/appender.h"

namespace thermocline {

// Stores our own metrics every `interval_ms` (0: returns nullptr) with job="thermocline" and
// instance=`instance`, and beside them up and the scrape_ series that Prometheus adds. `appender`
// and `env` outlive the ticker.
std::unique_ptr<Ticker> StartSelfScrape(int64_t interval_ms, const std::string& instance,
                                        Appender& appender, Env env);

}  // namespace thermocline
