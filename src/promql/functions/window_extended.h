// anchored and smoothed windows: the values at the window's edges are taken or made up, and nothing
// is extrapolated. Source: Prometheus' promql/functions.go, extendedRate; promql-semantics 2.3.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "model/sample.h"
#include "promql/ast.h"
#include "promql/functions/window.h"

namespace thermocline::promql {

// Whether `function` accepts such a window; else OutOfRange with Prometheus' text.
Status CheckExtension(Extension extension, const Signature& function);

// rate, increase, delta, changes and resets. `window` holds the samples of (start - lookback, end],
// for smoothed windows up to end + lookback; start_ms and end_ms are the window's own bounds.
bool EvaluateExtended(Function function, Extension extension, const WindowView& window,
                      double* out);

// The samples inside the window, and one at each edge. Empty when nothing reaches into the window.
std::vector<Sample> ExtendSamples(Extension extension, const WindowView& window);

// A smoothed instant selector: the value at `at_ms` between the samples around it; nullopt when
// there is none at or before it.
std::optional<double> SmoothedValue(const WindowView& window, TimestampMs at_ms);

}  // namespace thermocline::promql
