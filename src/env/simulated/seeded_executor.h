// An executor without threads: tasks run inside Submit, or later in an order that a seed decides.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "base/mutex.h"
#include "env/executor.h"
#include "env/simulated/seeded_random.h"

namespace thermocline {

class SeededExecutor final : public Executor {
 public:
  // Runs each task inside Submit.
  SeededExecutor() = default;
  // Keeps tasks until RunOne or RunAll takes them, in an order fixed by `seed`.
  explicit SeededExecutor(uint64_t seed) : random_(std::in_place, seed) {}

  Status Submit(std::function<void()> task) override;
  int parallelism() const override { return 1; }
  // False when nothing was queued.
  bool RunOne();
  // Also runs what the tasks queue.
  void RunAll();

 private:
  std::optional<SeededRandom> random_;
  Mutex mutex_;
  std::vector<std::function<void()>> tasks_ GUARDED_BY(mutex_);
};

}  // namespace thermocline
