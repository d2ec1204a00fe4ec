#pragma once

#include "env/clock.h"

namespace thermocline {

class PosixClock final : public Clock {
 public:
  TimestampMs NowMs() const override;
  int64_t SteadyNs() const override;
};

}  // namespace thermocline
