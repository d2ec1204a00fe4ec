// Points and ranges of sample time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

namespace thermocline {

// Milliseconds since the Unix epoch, as in Prometheus.
using TimestampMs = int64_t;

inline constexpr TimestampMs kMinTimestampMs = std::numeric_limits<int64_t>::min();
inline constexpr TimestampMs kMaxTimestampMs = std::numeric_limits<int64_t>::max();
inline constexpr int64_t kSecondMs = 1000;
inline constexpr int64_t kMinuteMs = 60 * kSecondMs;
inline constexpr int64_t kHourMs = 60 * kMinuteMs;
inline constexpr int64_t kDayMs = 24 * kHourMs;

// Both ends inclusive. Empty when end_ms < start_ms.
struct TimeRange {
  TimestampMs start_ms = kMaxTimestampMs;
  TimestampMs end_ms = kMinTimestampMs;

  bool empty() const { return end_ms < start_ms; }
  bool Contains(TimestampMs t_ms) const { return start_ms <= t_ms && t_ms <= end_ms; }
  bool Overlaps(const TimeRange& other) const {
    return !empty() && !other.empty() && start_ms <= other.end_ms && other.start_ms <= end_ms;
  }
  // Grows the range to cover `t_ms`; an empty range becomes [t_ms, t_ms].
  void Extend(TimestampMs t_ms) {
    start_ms = std::min(start_ms, t_ms);
    end_ms = std::max(end_ms, t_ms);
  }
  bool operator==(const TimeRange&) const = default;
};

// The largest multiple of `step_ms` (> 0) that is not above `t_ms`, also for negative times.
constexpr int64_t FloorTo(int64_t t_ms, int64_t step_ms) {
  const int64_t rest = t_ms % step_ms;
  return rest < 0 ? t_ms - rest - step_ms : t_ms - rest;
}

}  // namespace thermocline
