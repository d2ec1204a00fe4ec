#pragma once

#include <bit>
#include <cstdint>

#include "base/time.h"

namespace thermocline {

// What a sample is. Stored on disk: never renumber.
enum class SampleKind : uint8_t { kFloat = 0, kHistogram = 1, kFloatHistogram = 2, kAggregate = 3 };

struct Sample {
  TimestampMs timestamp_ms = 0;
  double value = 0;
};

// The one NaN that marks the end of a series (Prometheus' value.StaleNaN). Compare bits, never
// isnan.
inline constexpr uint64_t kStaleBits = 0x7ff0000000000002ull;
// The NaN that arithmetic and parsers produce (Prometheus' value.NormalNaN).
inline constexpr uint64_t kNormalNanBits = 0x7ff8000000000001ull;

inline bool IsStale(double v) { return std::bit_cast<uint64_t>(v) == kStaleBits; }
inline double StaleMarker() { return std::bit_cast<double>(kStaleBits); }
inline double NormalNan() { return std::bit_cast<double>(kNormalNanBits); }
inline bool SameBits(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

}  // namespace thermocline
