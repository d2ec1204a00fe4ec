// For tests: a log on simulated files together with what an outside observer knows about it.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "env/simulated/simulated_env.h"
#include "wal/log.h"

namespace thermocline::wal {

// Remembers every record that was handed to the log and which of them were acknowledged, through
// any number of lives. Single-threaded (inline_commit).
class LogOracle {
 public:
  LogOracle(SimulatedEnv& simulated, LogOptions options);

  // Starts the next life: opens the log and compares what it replays with what is known. An error
  // is either the log's own or Internal: a broken promise (a lost, changed, invented or repeated
  // record, one out of order).
  Status Open();
  // Enqueues and waits. The log's verdict.
  Status Append(size_t payload_bytes);
  // Enqueues without waiting.
  Status Enqueue(size_t payload_bytes);
  Status Wait();
  // Forgets all before a random acknowledged record and lets the log do the same.
  Status Truncate(uint64_t random);
  // Ends the life: with a power cut the log's last words fail.
  void Drop() { log_.reset(); }

  Log& log() { return *log_; }
  const ReplaySummary& summary() const { return summary_; }
  uint64_t acknowledged() const { return acknowledged_count_; }
  uint64_t replayed() const { return replayed_count_; }
  // With injected errors records may be given up in the middle.
  void AllowGaps() { allow_gaps_ = true; }

 private:
  struct Known {
    std::string payload;
    bool acknowledged = false;
  };
  Status Compare(const std::map<uint64_t, std::string>& seen);

  SimulatedEnv& simulated_;
  const LogOptions options_;
  std::unique_ptr<Log> log_;
  ReplaySummary summary_;
  std::map<uint64_t, Known> known_;
  uint64_t needed_from_ = 1;
  uint64_t last_queued_ = 0;
  uint64_t acknowledged_count_ = 0;
  uint64_t replayed_count_ = 0;
  uint64_t made_ = 0;
  bool allow_gaps_ = false;
};

// Bytes that depend on `number` alone.
std::string PayloadOf(uint64_t number, size_t size);

}  // namespace thermocline::wal
