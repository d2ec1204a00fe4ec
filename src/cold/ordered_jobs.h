// Jobs that run ahead of the thread that starts them, at once on an executor, and are finished in
// the order they were started.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>

#include "base/mutex.h"
#include "base/status.h"
#include "env/executor.h"

namespace thermocline {

// One thread starts and finishes. A job that no worker has begun is run by that thread when it has
// to wait, so that a busy or full executor means less help and never a standstill. With an executor
// of one, no job leaves the calling thread.
class OrderedJobs {
 public:
  // At most `threads` run at once, the calling thread among them. Borrows `executor`.
  OrderedJobs(Executor& executor, size_t threads);
  // Waits for what is running; what was not begun is dropped.
  ~OrderedJobs();
  OrderedJobs(const OrderedJobs&) = delete;
  OrderedJobs& operator=(const OrderedJobs&) = delete;

  // What `work` borrows must live until FinishOldest returned for it or this object is gone.
  void Start(std::function<Status()> work);
  // Jobs started and not finished.
  size_t size() const;
  // Of the oldest job, when it has run; size() must not be 0.
  Status FinishOldest();

 private:
  struct Job {
    std::function<Status()> work;
    enum { kWaiting, kRunning, kDone } state = kWaiting;
    Status outcome;
  };
  // Shared with queued tasks, which may begin when this object is gone and find nothing to do.
  struct State {
    Mutex mutex;
    CondVar changed;
    std::deque<std::shared_ptr<Job>> jobs GUARDED_BY(mutex);  // oldest first
    size_t workers GUARDED_BY(mutex) = 0;                     // queued or running
  };
  // Runs the oldest job that waits; false when none does.
  static bool RunOne(State& state);
  static void Work(State& state);

  Executor& executor_;
  const size_t workers_;  // beside the calling thread
  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace thermocline
