#include "env/simulated/seeded_executor.h"

#include <utility>

namespace thermocline {

Status SeededExecutor::Submit(std::function<void()> task) {
  if (!random_) {
    task();
    return {};
  }
  MutexLock lock(mutex_);
  tasks_.push_back(std::move(task));
  return {};
}

bool SeededExecutor::RunOne() {
  std::function<void()> task;
  {
    MutexLock lock(mutex_);
    if (tasks_.empty()) return false;
    const size_t chosen = random_->Below(tasks_.size());
    std::swap(tasks_[chosen], tasks_.back());
    task = std::move(tasks_.back());
    tasks_.pop_back();
  }
  task();
  return true;
}

void SeededExecutor::RunAll() {
  while (RunOne()) {
  }
}

}  // namespace thermocline
