// Where exponential buckets end, as fractions of a power of two.
// Source: Prometheus' model/histogram/generic.go, exponentialBounds.
#pragma once

#include <cstdint>

namespace thermocline {

// The fraction in [0.5, 1) of bucket bound `index` (any; only its place within a power of two
// matters) at `schema` 0 .. 8: 2^((index mod 2^schema) / 2^schema - 1), as Prometheus rounds it.
double FractionOfBound(int32_t schema, uint32_t index);

}  // namespace thermocline
