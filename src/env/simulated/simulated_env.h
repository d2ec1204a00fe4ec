// Everything an Env needs, simulated: what a test builds real classes on.
#pragma once

#include "env/env.h"
#include "env/simulated/capturing_logger.h"
#include "env/simulated/manual_clock.h"
#include "env/simulated/seeded_executor.h"
#include "env/simulated/seeded_random.h"
#include "env/simulated/simulated_file_system.h"

namespace thermocline {

// Must outlive what is built on env(). A restart after Crash wants fresh metrics: use one
// SimulatedEnv per life and move the files by TakeImage, or keep this one and compare differences.
struct SimulatedEnv {
  explicit SimulatedEnv(uint64_t seed = 1) : random(seed) {}

  ManualClock clock;
  SimulatedFileSystem files{&clock};
  SeededRandom random;
  SeededExecutor executor;
  CapturingLogger logger;
  Metrics metrics;

  Env env() { return {files, clock, random, executor, logger, metrics}; }
};

}  // namespace thermocline
