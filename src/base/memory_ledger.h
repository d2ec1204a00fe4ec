// What the process holds in memory, by purpose, against what it may hold.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace thermocline {

enum class MemoryUse : uint8_t { kIngest, kQueries, kCaches };

// One for the process, made by its composition; whoever holds much says so here. What is counted
// is what the holders know of themselves, so flushes and the rest of the process live in what is no
// share. Threads: safe; figures of other threads may be a moment old.
class MemoryLedger {
 public:
  explicit MemoryLedger(uint64_t limit_bytes) : limit_bytes_(limit_bytes) {}

  // The part of `limit_bytes` that is meant for `use`: 40, 25 and 20 %; flushes live in the rest.
  static uint64_t ShareOf(uint64_t limit_bytes, MemoryUse use);

  void Set(MemoryUse use, uint64_t bytes) {
    used_[static_cast<size_t>(use)].store(static_cast<int64_t>(bytes), std::memory_order_relaxed);
  }
  void Add(MemoryUse use, int64_t bytes) {
    used_[static_cast<size_t>(use)].fetch_add(bytes, std::memory_order_relaxed);
  }

  uint64_t limit_bytes() const { return limit_bytes_; }
  uint64_t used_bytes() const;
  // From 85 % of the limit on: what would take more is refused for now.
  bool Sheds() const { return used_bytes() >= limit_bytes_ / 100 * 85; }
  // From 90 % on: memory has to be given back at once, by a flush of the whole head.
  bool IsEmergency() const { return used_bytes() >= limit_bytes_ / 100 * 90; }

 private:
  const uint64_t limit_bytes_;
  std::array<std::atomic<int64_t>, 3> used_{};
};

}  // namespace thermocline
