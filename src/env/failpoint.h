// Named places where a test can stop the process or fail an operation. Compiled in always; a
// disarmed failpoint costs one relaxed load.
#pragma once

#include <atomic>

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace thermocline {

// Declared once per place at namespace scope in a .cc file: `FailPoint
// kAfterSync("wal.after_sync");`, hit with RETURN_IF_ERROR(kAfterSync.Hit()).
// Arm("wal.after_sync=kill@3,cold.before_rename=error") kills the process (SIGKILL) at the third
// hit, or makes the first hit return Io. InvalidArgument for unknown names or actions.
class FailPoint {
 public:
  explicit FailPoint(const char* name);
  Status Hit() { return armed_.load(std::memory_order_relaxed) ? HitArmed() : Status::Ok(); }
  static Status Arm(std::string_view specification);
  static void DisarmAll();
  // All declared names, sorted: what a crash test cycles through.
  static std::vector<std::string> Names();

 private:
  Status HitArmed();
  const char* name_;
  std::atomic<bool> armed_{false};
};

}  // namespace thermocline
