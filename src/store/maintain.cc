// What the one ticker does.
#include "store/store.h"

namespace thermocline {

Status Store::Maintain(TimestampMs now_ms) {
  if (options_.read_only) return WritableStatus();
  Status first;
  bool no_room = false;
  const auto keep = [&](Status status) {
    no_room |= status.code() == Code::kResourceExhausted;
    if (first.ok() && !status.ok()) first = std::move(status);
  };
  keep(CheckDisk(now_ms));
  log_->DropIdleSpares();
  MeasureMemory();
  if (const auto flushed = Flush(RangesDue(now_ms)); !flushed.ok()) keep(flushed.status());
  keep(ApplyRetention(now_ms));
  if (const auto deleted = cold_->DeleteExpired(now_ms); !deleted.ok()) keep(deleted.status());
  keep(Compact(now_ms));
  // The next tick tries again, with more room.
  if (no_room) {
    last_small_flush_ms_ = kMinTimestampMs / 2;
    keep(GiveRoom());
  }
  return first;
}

// Below the floor writes stop, so that deletes, retention and the log's own bookkeeping keep room;
// above it they go on by themselves. The ballast's bytes are not for writes: once it is given up,
// the floor lies higher, until it fits again with as much to spare.
Status Store::CheckDisk(TimestampMs now_ms) {
  ASSIGN_OR_RETURN(const uint64_t free_bytes, env_.files.FreeSpace(options_.path));
  const uint64_t reserve_bytes = ballast_spent_ ? 2 * ballast_->size_bytes() : 0;
  const bool full = free_bytes < free_space_floor_bytes_ + reserve_bytes;
  if (full != disk_full_.exchange(full, std::memory_order_acq_rel)) {
    env_.logger.Log(full ? LogLevel::kError : LogLevel::kInfo, "store",
                    full ? "Free disk space is below the floor: read-only"
                         : "Free disk space is back: writable",
                    {{"free_bytes", std::to_string(free_bytes)}});
  }
  if (full) {
    // Others have filled the volume: a flush or a new manifest would fail before long.
    return free_bytes < ballast_->size_bytes() / 4 ? ReleaseBallast("the disk is full") : Status();
  }
  TakeBallast(now_ms);
  std::string reason;
  if (!log_->writable(&reason)) return log_->TryReopen();
  return {};
}

// Something found no room: on the volume, unless it was a limit of another kind.
Status Store::GiveRoom() {
  ASSIGN_OR_RETURN(const uint64_t free_bytes, env_.files.FreeSpace(options_.path));
  if (free_bytes >= free_space_floor_bytes_ + ballast_->size_bytes()) return {};
  return ReleaseBallast("a file could not be written");
}

void Store::TakeBallast(TimestampMs now_ms) {
  if (ballast_->held_bytes() > 0 || now_ms < next_ballast_ms_) return;
  const Status taken = ballast_->Take(free_space_floor_bytes_);
  if (taken.ok()) {
    ballast_spent_ = ballast_spent_ && ballast_->held_bytes() == 0;
    return;
  }
  next_ballast_ms_ = now_ms + kMinuteMs;
  env_.logger.Log(LogLevel::kWarn, "store", "The ballast file could not be made",
                  {{"error", taken.ToString()}});
}

Status Store::ReleaseBallast(std::string_view why) {
  if (ballast_->held_bytes() == 0) return {};
  RETURN_IF_ERROR(ballast_->Release());
  ballast_spent_ = true;
  env_.logger.Log(LogLevel::kError, "store", "The ballast file was given up",
                  {{"why", std::string(why)}});
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
