// The threads of one kind of request, with bounds on how many wait and for how long.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <stop_token>
#include <string>

#include "base/mutex.h"
#include "env/env.h"
#include "env/posix/thread_pool.h"
#include "server/server.h"

namespace thermocline {

// One request of a lane: exactly one of the two functions is called, once.
struct LaneTask {
  std::function<void()> run;
  std::function<void()> refuse;
  std::stop_token stop;  // requested when nobody waits for the answer any more
};

// Runs tasks in the order they come, at most `options.threads` at once. Threads: safe. The
// destructor refuses what waits and joins what runs. Callbacks run under no lock.
class LanePool {
 public:
  // `name` labels the lane's metrics. `env` is borrowed.
  LanePool(const std::string& name, const LaneOptions& options, Env env);
  ~LanePool();

  // Refuses at once, on the calling thread, when `options.queue` tasks wait already.
  void Submit(LaneTask task);
  // Refuses what waited longer than `options.max_wait_ms`, and what nobody waits for any more. To
  // be called every so often, so that neither depends on a thread becoming free.
  void Expire();

 private:
  struct Waiting {
    LaneTask task;
    int64_t queued_ns = 0;
  };
  bool IsDead(const Waiting& waiting, int64_t now_ns) const;
  void Refuse(const LaneTask& task);
  void RunOne(const LaneTask& task);
  // Takes tasks until none waits.
  void Drain();
  void GoOn();

  const LaneOptions options_;
  const Clock& clock_;
  Counter& refused_;
  Gauge& running_gauge_;
  Gauge& waiting_gauge_;
  Mutex mutex_;
  std::deque<Waiting> waiting_ GUARDED_BY(mutex_);
  int64_t running_ GUARDED_BY(mutex_) = 0;
  int64_t drains_ GUARDED_BY(mutex_) = 0;  // queued in the pool or running; at most `threads`
  ThreadPool pool_;                        // the last member: joined while the rest lives
};

}  // namespace thermocline
