// What --enable-feature takes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "promql/engine.h"

namespace thermocline {

// Switches on each feature of `list`, names between commas as Prometheus has them. A feature of
// Prometheus that is always on here, or that has nothing to act on, adds a line to `warnings`.
// InvalidArgument for other names; the message names the nearest one.
// Source: Prometheus' cmd/prometheus/main.go (setFeatureListOptions).
Status EnableFeatures(std::string_view list, promql::EngineOptions* engine,
                      std::vector<std::string>* warnings);

}  // namespace thermocline
