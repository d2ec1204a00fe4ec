#include "server/lane_pool.h"

#include <utility>
#include <vector>

#include "base/check.h"

namespace thermocline {

LanePool::LanePool(const std::string& name, const LaneOptions& options, Env env)
    : options_(options),
      clock_(env.clock),
      refused_(env.metrics.GetCounter(
          "thermocline_http_requests_refused_total",
          "Requests answered 503 because their lane was full or they waited too long.",
          {{"lane", name}})),
      running_gauge_(env.metrics.GetGauge("thermocline_http_requests_running",
                                          "Requests being worked on.", {{"lane", name}})),
      waiting_gauge_(env.metrics.GetGauge("thermocline_http_requests_waiting",
                                          "Requests waiting for a thread.", {{"lane", name}})),
      pool_(name, static_cast<int>(options.threads), static_cast<size_t>(options.threads),
            env.logger) {}

LanePool::~LanePool() {
  std::deque<Waiting> rest;
  {
    MutexLock lock(mutex_);
    rest.swap(waiting_);
    waiting_gauge_.Set(0);
  }
  for (const Waiting& waiting : rest) Refuse(waiting.task);
}

void LanePool::Submit(LaneTask task) {
  {
    MutexLock lock(mutex_);
    const auto taken = static_cast<int64_t>(waiting_.size()) + running_;
    if (taken < options_.threads + options_.queue) {
      waiting_.push_back({std::move(task), clock_.SteadyNs()});
      waiting_gauge_.Set(static_cast<double>(waiting_.size()));
      if (drains_ < options_.threads) {
        ++drains_;
        // The pool's queue has room for as many as there are threads.
        const Status queued = pool_.Submit([this] { Drain(); });
        CHECK(queued.ok());
      }
      return;
    }
  }
  Refuse(task);
}

bool LanePool::IsDead(const Waiting& waiting, int64_t now_ns) const {
  return waiting.task.stop.stop_requested() ||
         now_ns - waiting.queued_ns > options_.max_wait_ms * 1'000'000;
}

void LanePool::Expire() {
  std::vector<LaneTask> dead;
  {
    MutexLock lock(mutex_);
    const int64_t now_ns = clock_.SteadyNs();
    std::deque<Waiting> alive;
    for (Waiting& waiting : waiting_) {
      if (IsDead(waiting, now_ns)) {
        dead.push_back(std::move(waiting.task));
      } else {
        alive.push_back(std::move(waiting));
      }
    }
    waiting_ = std::move(alive);
    waiting_gauge_.Set(static_cast<double>(waiting_.size()));
  }
  for (const LaneTask& task : dead) Refuse(task);
}

void LanePool::Refuse(const LaneTask& task) {
  refused_.Increment();
  task.refuse();
}

void LanePool::RunOne(const LaneTask& task) {
  running_gauge_.Add(1);
  // What a task throws ends at the pool's wall; the counts must be right all the same.
  struct Finish {
    LanePool& pool;
    ~Finish() {
      pool.running_gauge_.Add(-1);
      MutexLock lock(pool.mutex_);
      --pool.running_;
    }
  } finish{*this};
  task.run();
}

// After a task that threw: another drain takes what still waits.
void LanePool::GoOn() {
  MutexLock lock(mutex_);
  if (waiting_.empty() || !pool_.Submit([this] { Drain(); }).ok()) --drains_;
}

void LanePool::Drain() {
  struct Finish {
    LanePool& pool;
    bool counted = true;
    ~Finish() {
      if (counted) pool.GoOn();
    }
  } finish{*this};
  for (;;) {
    Waiting next;
    {
      MutexLock lock(mutex_);
      if (waiting_.empty()) {
        // Under the same lock as the look: a Submit that comes now starts another.
        --drains_;
        finish.counted = false;
        return;
      }
      next = std::move(waiting_.front());
      waiting_.pop_front();
      waiting_gauge_.Set(static_cast<double>(waiting_.size()));
      ++running_;
    }
    if (IsDead(next, clock_.SteadyNs())) {
      {
        MutexLock lock(mutex_);
        --running_;
      }
      Refuse(next.task);
    } else {
      RunOne(next.task);
    }
  }
}

}  // namespace thermocline
