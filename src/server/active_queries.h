// The queries that run now: who lists them and who ends one.
#pragma once

#include <cstdint>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/time.h"
#include "model/queryable.h"

namespace thermocline {

// What a running query tells of itself. Borrows what it points to.
struct ActiveQuery {
  std::string text;
  TimestampMs start_ms = 0;
  TimestampMs end_ms = 0;  // an instant query's is its start
  int64_t step_ms = 0;     // 0 of an instant query
  TimestampMs started_ms = 0;
  int64_t started_steady_ns = 0;
  std::string client;  // address
  std::stop_source stop;
  const QueryBudget* budget = nullptr;
  const ReadCounters* counters = nullptr;
};

// Threads: safe.
class ActiveQueries {
 public:
  // A query is listed as long as its entry lives.
  class Entry {
   public:
    Entry(ActiveQueries& all, ActiveQuery query);
    ~Entry();
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

   private:
    ActiveQueries& all_;
    uint64_t id_;
  };

  // Requests the query's stop; false when no such query runs.
  bool Cancel(uint64_t id);
  // A JSON list, the query that has run longest first. Times are in seconds.
  std::string ToJson(int64_t now_steady_ns) const;

 private:
  mutable Mutex mutex_;
  std::map<uint64_t, ActiveQuery> queries_ GUARDED_BY(mutex_);
  uint64_t next_id_ GUARDED_BY(mutex_) = 1;
};

}  // namespace thermocline
