// What the one ticker does.
#include "store/store.h"

namespace thermocline {

Status Store::Maintain(TimestampMs now_ms) {
  Status first;
  const auto keep = [&first](Status status) {
    if (first.ok() && !status.ok()) first = std::move(status);
  };
  keep(CheckDisk());
  if (const auto flushed = Flush(RangesDue(now_ms)); !flushed.ok()) keep(flushed.status());
  keep(ApplyRetention(now_ms));
  if (const auto deleted = cold_->DeleteExpired(now_ms); !deleted.ok()) keep(deleted.status());
  return first;
}

// Below the floor writes stop, so that deletes, retention and the log's own bookkeeping keep room;
// above it they go on by themselves.
Status Store::CheckDisk() {
  ASSIGN_OR_RETURN(const uint64_t free_bytes, env_.files.FreeSpace(options_.path));
  const bool full = free_bytes < free_space_floor_bytes_;
  if (full != disk_full_.exchange(full, std::memory_order_acq_rel)) {
    env_.logger.Log(full ? LogLevel::kError : LogLevel::kInfo, "store",
                    full ? "Free disk space is below the floor: read-only"
                         : "Free disk space is back: writable",
                    {{"free_bytes", std::to_string(free_bytes)}});
  }
  std::string reason;
  if (!full && !log_->writable(&reason)) return log_->TryReopen();
  return {};
}

Health Store::GetHealth() const {
  Health health;
  health.ready = !closed_.load(std::memory_order_acquire);
  const Status writable = WritableStatus();
  health.writable = writable.ok() && log_->writable(&health.reason);
  if (!writable.ok()) health.reason = writable.message();
  return health;
}

HeadStatus Store::GetHeadStatus(uint64_t limit) const { return head_->GetStatus(limit); }

}  // namespace thermocline
