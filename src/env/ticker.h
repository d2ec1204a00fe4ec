// Calls a function at an interval on a thread of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/mutex.h"
#include "env/background_thread.h"

namespace thermocline {

// The first call comes one interval after the start. A call that takes longer than the interval
// delays the next one; calls never overlap. Measured by the steady clock.
class Ticker {
 public:
  Ticker(const std::string& name, int64_t interval_ms, std::function<void()> tick);
  // Waits for a call that is running.
  ~Ticker();
  // Makes the next call due now.
  void TickNow();

 private:
  void Run(int64_t interval_ms, const std::function<void()>& tick);
  Mutex mutex_;
  CondVar changed_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  bool due_ GUARDED_BY(mutex_) = false;
  BackgroundThread thread_;
};

}  // namespace thermocline
