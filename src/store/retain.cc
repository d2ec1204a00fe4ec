// Retention: whole blocks whose newest sample is older than the limit go, and the oldest blocks go
// while everything together is too large.
#include <algorithm>

#include "store/store.h"

namespace thermocline {

Status Store::ApplyRetention(TimestampMs now_ms) {
  MutexLock lock(flush_mutex_);
  std::vector<BlockEntry> blocks = cold_->entries();
  std::ranges::sort(blocks, {}, [](const BlockEntry& b) { return b.range.end_ms; });
  std::vector<BlockId> expired;
  uint64_t total_bytes = log_->size_bytes();
  for (const BlockEntry& block : blocks) total_bytes += block.size_bytes();
  for (const BlockEntry& block : blocks) {
    const bool too_old =
        options_.retention_time_ms > 0 && block.range.end_ms < now_ms - options_.retention_time_ms;
    const bool too_much =
        options_.retention_size_bytes > 0 && total_bytes > options_.retention_size_bytes;
    if (!too_old && !too_much) continue;
    expired.push_back(block.id);
    total_bytes -= block.size_bytes();
  }
  if (expired.empty()) return {};
  env_.logger.Log(LogLevel::kInfo, "store", "Removing blocks beyond retention",
                  {{"blocks", std::to_string(expired.size())}});
  return cold_->RemoveBlocks(expired);
}

}  // namespace thermocline
