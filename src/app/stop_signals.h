// SIGINT and SIGTERM, waited for rather than handled.
#pragma once

#include <signal.h>

#include <cstdint>

namespace thermocline {

// Blocks the signals in the constructor: make it before any thread starts. SIGPIPE is ignored: it
// is an error of the write. One thread at a time.
class StopSignals {
 public:
  StopSignals();
  // Whether one came that nobody was told of yet. Never waits.
  bool Came();
  // Whether one came at all; it stays so, and Wait returns at once.
  bool Pending();
  // As Pending, after waiting for one so long at most.
  bool WaitFor(int64_t ms);
  // Waits so long, or until a further signal.
  void Pause(int64_t ms);
  // The number of the first signal.
  int Wait();

 private:
  sigset_t signals_;
  int first_ = 0;
};

}  // namespace thermocline
