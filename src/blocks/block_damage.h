// What a read left out because it was damaged.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/mutex.h"
#include "base/status.h"

namespace thermocline {

// What skip_damaged left out; what is met again is counted once. Threads: safe.
class BlockDamage {
 public:
  void AddChunk(const Status& status);
  void AddSeries(const Status& status);
  // A block that is not read at all.
  void AddBlock(const Status& status);
  uint64_t chunks() const { return chunks_.load(std::memory_order_relaxed); }
  uint64_t series() const { return series_.load(std::memory_order_relaxed); }
  uint64_t blocks() const { return blocks_.load(std::memory_order_relaxed); }
  // The first hundred, each with file and offset.
  std::vector<std::string> messages() const;

 private:
  void Note(const Status& status, std::atomic<uint64_t>* count);
  std::atomic<uint64_t> chunks_{0};
  std::atomic<uint64_t> series_{0};
  std::atomic<uint64_t> blocks_{0};
  mutable Mutex mutex_;
  std::vector<std::string> messages_ GUARDED_BY(mutex_);
  std::unordered_set<uint64_t> seen_ GUARDED_BY(mutex_);  // hashes of messages
};

}  // namespace thermocline
