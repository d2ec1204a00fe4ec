// Time as an argument: wall time for timestamps, steady time for deadlines and durations.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace thermocline {

class Clock {
 public:
  virtual ~Clock() = default;
  // Wall clock; may jump.
  virtual TimestampMs NowMs() const = 0;
  // Monotonic; never jumps. Only differences mean anything.
  virtual int64_t SteadyNs() const = 0;
};

}  // namespace thermocline
