// Prometheus' flags that mean nothing here.
#pragma once

#include "app/flags.h"

namespace thermocline {

// So that a command line written for Prometheus starts us too. A flag whose loss would show to
// clients, such as --web.route-prefix, is not among them: it stays an error.
void RegisterPrometheusFlags(FlagTable* table);

}  // namespace thermocline
