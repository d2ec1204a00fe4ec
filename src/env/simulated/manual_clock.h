#pragma once

#include <atomic>

#include "env/clock.h"

namespace thermocline {

// Stands still until told. Threads: safe.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(TimestampMs now_ms = 1'700'000'000'000) : now_ms_(now_ms) {}
  TimestampMs NowMs() const override { return now_ms_.load(); }
  int64_t SteadyNs() const override { return steady_ns_.load(); }
  // Moves both clocks.
  void Advance(int64_t duration_ms) {
    now_ms_ += duration_ms;
    steady_ns_ += duration_ms * 1'000'000;
  }
  // The wall clock jumps, the steady clock does not notice.
  void SetNowMs(TimestampMs now_ms) { now_ms_ = now_ms; }

 private:
  std::atomic<int64_t> now_ms_;
  std::atomic<int64_t> steady_ns_{1};
};

}  // namespace thermocline
