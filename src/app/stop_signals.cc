#include "app/stop_signals.h"

#include <pthread.h>
#include <time.h>

namespace thermocline {

StopSignals::StopSignals() {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGINT);
  sigaddset(&signals_, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

bool StopSignals::Came() {
  const timespec at_once{0, 0};
  return sigtimedwait(&signals_, nullptr, &at_once) > 0;
}

bool StopSignals::Pending() {
  const timespec at_once{0, 0};
  if (first_ == 0) {
    const int number = sigtimedwait(&signals_, nullptr, &at_once);
    if (number > 0) first_ = number;
  }
  return first_ != 0;
}

bool StopSignals::WaitFor(int64_t ms) {
  const timespec most{ms / 1000, ms % 1000 * 1'000'000};
  if (first_ == 0) {
    const int number = sigtimedwait(&signals_, nullptr, &most);
    if (number > 0) first_ = number;
  }
  return first_ != 0;
}

void StopSignals::Pause(int64_t ms) {
  const timespec most{ms / 1000, ms % 1000 * 1'000'000};
  sigtimedwait(&signals_, nullptr, &most);
}

int StopSignals::Wait() {
  if (first_ == 0) sigwait(&signals_, &first_);
  return first_;
}

}  // namespace thermocline
