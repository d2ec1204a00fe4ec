#include "cold/ordered_jobs.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace thermocline {

OrderedJobs::OrderedJobs(Executor& executor, size_t threads)
    : executor_(executor),
      workers_(std::min(threads, static_cast<size_t>(executor.parallelism())) - 1) {}

OrderedJobs::~OrderedJobs() {
  MutexLock lock(state_->mutex);
  std::erase_if(state_->jobs, [](const auto& job) { return job->state == Job::kWaiting; });
  const auto running = [&]() REQUIRES(state_->mutex) {
    return std::any_of(state_->jobs.begin(), state_->jobs.end(),
                       [](const auto& job) { return job->state == Job::kRunning; });
  };
  while (running()) state_->changed.Wait(state_->mutex);
}

void OrderedJobs::Start(std::function<Status()> work) {
  auto job = std::make_shared<Job>();
  job->work = std::move(work);
  {
    MutexLock lock(state_->mutex);
    state_->jobs.push_back(std::move(job));
    if (state_->workers == workers_) return;
    ++state_->workers;
  }
  // The lock is not held: an executor may run the task inside Submit.
  if (executor_.Submit([state = state_] { Work(*state); }).ok()) return;
  MutexLock lock(state_->mutex);
  --state_->workers;
}

void OrderedJobs::Work(State& state) {
  while (RunOne(state)) {
  }
  MutexLock lock(state.mutex);
  --state.workers;
}

bool OrderedJobs::RunOne(State& state) {
  std::shared_ptr<Job> job;
  {
    MutexLock lock(state.mutex);
    const auto at = std::find_if(state.jobs.begin(), state.jobs.end(),
                                 [](const auto& j) { return j->state == Job::kWaiting; });
    if (at == state.jobs.end()) return false;
    job = *at;
    job->state = Job::kRunning;
  }
  Status outcome = job->work();
  MutexLock lock(state.mutex);
  job->outcome = std::move(outcome);
  job->state = Job::kDone;
  state.changed.NotifyAll();
  return true;
}

size_t OrderedJobs::size() const {
  MutexLock lock(state_->mutex);
  return state_->jobs.size();
}

Status OrderedJobs::FinishOldest() {
  for (;;) {
    {
      MutexLock lock(state_->mutex);
      CHECK(!state_->jobs.empty());
      const std::shared_ptr<Job> oldest = state_->jobs.front();
      if (oldest->state == Job::kDone) {
        state_->jobs.pop_front();
        return oldest->outcome;
      }
    }
    if (RunOne(*state_)) continue;
    MutexLock lock(state_->mutex);
    while (state_->jobs.front()->state == Job::kRunning) state_->changed.Wait(state_->mutex);
  }
}

}  // namespace thermocline
