#pragma once

#include "env/env.h"
#include "env/posix/line_logger.h"
#include "env/posix/posix_clock.h"
#include "env/posix/posix_file_system.h"
#include "env/posix/posix_random.h"
#include "env/posix/thread_pool.h"

namespace thermocline {

// The real machine as one Env. Outlives everything built on env().
struct PosixEnv {
  PosixEnv(LogFormat format, LogLevel level, int threads, size_t queue_capacity = 4096)
      : logger(format, level, clock), executor("worker", threads, queue_capacity, logger) {}

  PosixClock clock;
  PosixFileSystem files;
  PosixRandom random;
  LineLogger logger;
  Metrics metrics;
  ThreadPool executor;  // last: its tasks use the rest

  Env env() { return {files, clock, random, executor, logger, metrics}; }
};

}  // namespace thermocline
