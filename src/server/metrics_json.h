// The registry as JSON.
#pragma once

#include <string>

#include "env/metrics.h"
#include "model/matcher.h"

namespace thermocline {

// The families whose name matches, by name, as protobuf's JSON mapping shows a list of
// io.prometheus.client.MetricFamily: what Prometheus' status/self_metrics answers.
std::string MetricsJson(const Metrics& metrics, const Matcher& name);

}  // namespace thermocline
