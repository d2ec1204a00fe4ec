// Where work runs. app owns the pools; modules receive an Executor&.
#pragma once

#include <functional>
#include <span>

#include "base/status.h"

namespace thermocline {

// A bounded pool. The wall around each task catches what it throws and logs it.
class Executor {
 public:
  virtual ~Executor() = default;
  // Queues `task`; ResourceExhausted when the queue is full (nothing is queued then).
  virtual Status Submit(std::function<void()> task) = 0;
  // Number of tasks that can run at once, at least 1.
  virtual int parallelism() const = 0;
};

// Runs work(0) .. work(count-1), possibly at once, the calling thread included (so it also works
// from inside a pool thread or when the queue is full), and returns when all are done: the first
// error in index order, or OK. After an error no further index is started. In executor.cc.
Status ParallelFor(Executor& executor, size_t count, const std::function<Status(size_t)>& work);

}  // namespace thermocline
