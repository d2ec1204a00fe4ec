#include "env/posix/posix_clock.h"

#include <ctime>

namespace thermocline {

TimestampMs PosixClock::NowMs() const {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

int64_t PosixClock::SteadyNs() const {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace thermocline
