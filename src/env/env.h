// Everything outside the process, handed in. Take the smallest part that works, not the whole Env.
#pragma once

#include "env/clock.h"
#include "env/executor.h"
#include "env/file_system.h"
#include "env/logger.h"
#include "env/metrics.h"
#include "env/random.h"

namespace thermocline {

// Borrowed references; the owner (app, or a test's simulation) outlives every module built on them.
struct Env {
  FileSystem& files;
  Clock& clock;
  Random& random;
  Executor& executor;
  Logger& logger;
  Metrics& metrics;
};

}  // namespace thermocline
