#include "env/posix/thread_pool.h"

#include <exception>
#include <utility>

#include "base/check.h"

namespace thermocline {

ThreadPool::ThreadPool(const std::string& name, int threads, size_t queue_capacity, Logger& logger)
    : name_(name), queue_capacity_(queue_capacity), logger_(logger) {
  CHECK(threads >= 1 && queue_capacity >= 1);
  for (int i = 0; i < threads; ++i) {
    threads_.push_back(std::make_unique<BackgroundThread>(name, [this] { Work(); }));
  }
}

ThreadPool::~ThreadPool() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    queued_.NotifyAll();
  }
  threads_.clear();
}

Status ThreadPool::Submit(std::function<void()> task) {
  MutexLock lock(mutex_);
  if (queue_.size() >= queue_capacity_) {
    return Status::ResourceExhausted("thread pool " + name_ + ": the queue is full, capacity " +
                                     std::to_string(queue_capacity_));
  }
  queue_.push_back(std::move(task));
  queued_.NotifyOne();
  return {};
}

void ThreadPool::Work() {
  for (;;) {
    std::function<void()> task;
    {
      MutexLock lock(mutex_);
      while (queue_.empty() && !stopping_) queued_.Wait(mutex_);
      if (queue_.empty()) return;
      task = std::move(queue_.front());
      queue_.pop_front();
    }
    RunWalled(task);
  }
}

void ThreadPool::RunWalled(const std::function<void()>& task) {
  try {
    task();
  } catch (const std::exception& e) {
    logger_.Log(LogLevel::kError, "executor", "a task threw",
                {{"pool", name_}, {"error", e.what()}});
  } catch (...) {
    logger_.Log(LogLevel::kError, "executor", "a task threw something unknown", {{"pool", name_}});
  }
}

}  // namespace thermocline
