// The client's side of an import that a running server does.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "app/import_job.h"
#include "app/stop_signals.h"
#include "env/env.h"

namespace thermocline {

// What a server says of itself in the data folder's lock, and what whoever is refused reads.
inline constexpr std::string_view kServerHolder = "thermocline serve";
inline constexpr std::string_view kServerHolds = "held by thermocline serve";

// Leaves a request in <data>/imports and waits for its outcome, also when the server is started
// again meanwhile. A signal withdraws the request: Cancelled, unless it was too late for that.
Result<ImportReport> AskServer(const Env& env, const std::string& data, const ImportJob& job,
                               StopSignals& signals,
                               const std::function<void(const ConvertProgress&)>& show);

}  // namespace thermocline
