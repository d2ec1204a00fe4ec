#include "base/memory_ledger.h"

#include <algorithm>

namespace thermocline {

uint64_t MemoryLedger::ShareOf(uint64_t limit_bytes, MemoryUse use) {
  switch (use) {
    case MemoryUse::kIngest: return limit_bytes / 100 * 40;
    case MemoryUse::kQueries: return limit_bytes / 100 * 25;
    case MemoryUse::kCaches: return limit_bytes / 100 * 20;
  }
  return 0;
}

uint64_t MemoryLedger::used_bytes() const {
  int64_t bytes = 0;
  for (const auto& used : used_) bytes += used.load(std::memory_order_relaxed);
  return static_cast<uint64_t>(std::max<int64_t>(0, bytes));
}

}  // namespace thermocline
