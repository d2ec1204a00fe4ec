#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "env/background_thread.h"
#include "env/executor.h"
#include "env/logger.h"

namespace thermocline {

// A fixed number of threads and a bounded queue. The destructor runs what is queued, then joins.
// What a task throws is caught and logged here.
class ThreadPool final : public Executor {
 public:
  // `threads` and `queue_capacity` at least 1. `logger` is borrowed.
  ThreadPool(const std::string& name, int threads, size_t queue_capacity, Logger& logger);
  ~ThreadPool() override;

  Status Submit(std::function<void()> task) override;
  int parallelism() const override { return static_cast<int>(threads_.size()); }

 private:
  void Work();
  void RunWalled(const std::function<void()>& task);

  const std::string name_;
  const size_t queue_capacity_;
  Logger& logger_;
  Mutex mutex_;
  CondVar queued_;
  std::deque<std::function<void()>> queue_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::vector<std::unique_ptr<BackgroundThread>> threads_;  // fixed after construction
};

}  // namespace thermocline
