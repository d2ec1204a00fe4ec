#include "env/ticker.h"

namespace thermocline {

Ticker::Ticker(const std::string& name, int64_t interval_ms, std::function<void()> tick)
    : thread_(name, [this, interval_ms, tick = std::move(tick)] { Run(interval_ms, tick); }) {}

// thread_ is the last member: it is joined first, while the rest still lives.
Ticker::~Ticker() {
  MutexLock lock(mutex_);
  stopping_ = true;
  changed_.NotifyAll();
}

void Ticker::TickNow() {
  MutexLock lock(mutex_);
  due_ = true;
  changed_.NotifyAll();
}

void Ticker::Run(int64_t interval_ms, const std::function<void()>& tick) {
  for (;;) {
    {
      MutexLock lock(mutex_);
      // A spurious wake-up only ticks early.
      if (!stopping_ && !due_) changed_.WaitFor(mutex_, interval_ms);
      if (stopping_) return;
      due_ = false;
    }
    tick();
  }
}

}  // namespace thermocline
