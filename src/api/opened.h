// What the handles of the public headers hold.
#pragma once

#include <memory>
#include <string>

#include <thermocline/source.h>

#include "convert/source.h"
#include "env/posix/posix_env.h"
#include "model/queryable.h"

namespace thermocline::api {

inline constexpr int kMostThreads = 256;

// The machine as one source or one call sees it: its threads are its own, so that closing the
// source ends them. What a program should know is in a Status; only what has no caller to tell is
// logged, to standard error.
thermocline::Result<std::shared_ptr<PosixEnv>> NewMachine(int threads);

struct Source::State {
  std::shared_ptr<PosixEnv> machine;  // outlives `source`; null for one made in memory
  std::unique_ptr<thermocline::Source> source;
  Layout layout = Layout::kBlock;
  std::string path;  // empty for one made in memory
};

struct SeriesSet::State {
  std::shared_ptr<const Source::State> source;
  std::unique_ptr<thermocline::SeriesSet> set;
};

}  // namespace thermocline::api
