// What leaves the table: blocks taken out, their files deleted when the grace is over, orphans.
#include <fmt/core.h>

#include <algorithm>

#include "base/bytes.h"
#include "cold/cold_tier.h"
#include "cold/index_cache.h"
#include "cold/tombstone.h"

namespace thermocline {
namespace {

constexpr int64_t kOrphanScanMs = 10 * kMinuteMs;

// Gone already counts as removed.
Status RemoveIfThere(Bucket& bucket, const std::string& key) {
  Status status = bucket.Remove(key);
  return status.code() == Code::kNotFound ? Status::Ok() : status;
}

}  // namespace

Status ColdTier::TakeOut(const BlockId& id, bool replaced, Manifest* next) {
  const BlockEntry* entry = next->Find(id);
  if (entry == nullptr) {
    return Status::NotFound("cold tier: no block " + id.ToString() + " to take out");
  }
  // A replaced block is known by the footer of the one that replaces it; any other removal needs a
  // file of its own, or a rebuilt manifest would bring the block back.
  if (!replaced) {
    RETURN_IF_ERROR(bucket_->Put(TombstoneKey(id), EncodeTombstone({id, env_.clock.NowMs()})));
  }
  RemovedBlock removed;
  removed.id = id;
  removed.removed_at_ms = env_.clock.NowMs();
  removed.size_bytes = entry->size_bytes();
  // The series file first: files without it are no block, whatever happens half-way.
  for (const BlockFile& file : entry->files) {
    if (file.kind == BlockFileKind::kSeries) removed.keys.insert(removed.keys.begin(), file.key);
    if (file.kind != BlockFileKind::kSeries) removed.keys.push_back(file.key);
  }
  next->removed.push_back(std::move(removed));
  next->blocks.erase(next->blocks.begin() + (entry - next->blocks.data()));
  return Status::Ok();
}

void ColdTier::Discard(const std::vector<BlockEntry>& entries) {
  MutexLock lock(write_mutex_);
  for (const BlockEntry& entry : entries) {
    for (const BlockFile& file : entry.files) {
      writing_.erase(file.key);
      // Best effort: what stays is an orphan and goes later. If a manifest may name it, it must.
      if (!uncertain_) static_cast<void>(bucket_->Remove(file.key));
    }
  }
}

Result<uint64_t> ColdTier::DeleteExpired(TimestampMs now_ms) {
  MutexLock lock(write_mutex_);
  if (!writable_) return Status::PermissionDenied("cold tier: opened for reading only");
  // A manifest on disk that failed to install may name files that ours does not: settle first.
  if (uncertain_) RETURN_IF_ERROR(InstallLocked(manifest_));
  ASSIGN_OR_RETURN(const uint64_t removed, DeleteRemoved(now_ms));
  ASSIGN_OR_RETURN(const uint64_t orphans, DeleteOrphans(now_ms));
  return removed + orphans;
}

Result<uint64_t> ColdTier::DeleteRemoved(TimestampMs now_ms) {
  const auto expired = [&](const RemovedBlock& block) {
    return block.removed_at_ms <= now_ms - options_.grace_ms;
  };
  uint64_t deleted = 0;
  Manifest next = manifest_;
  for (const RemovedBlock& block : manifest_.removed) {
    if (!expired(block)) continue;
    for (const std::string& key : block.keys) {
      RETURN_IF_ERROR(RemoveIfThere(*bucket_, key));
      cache_->Remove(key);
      ++deleted;
    }
    RETURN_IF_ERROR(RemoveIfThere(*bucket_, TombstoneKey(block.id)));
  }
  if (std::erase_if(next.removed, expired) > 0) RETURN_IF_ERROR(InstallLocked(std::move(next)));
  return deleted;
}

Result<uint64_t> ColdTier::DeleteOrphans(TimestampMs now_ms) {
  const int64_t every_ms = std::min(kOrphanScanMs, options_.grace_ms);
  if (last_orphan_scan_ms_ != kMinTimestampMs && now_ms < last_orphan_scan_ms_ + every_ms) {
    return uint64_t{0};
  }
  if (writes_running_ > 0) return uint64_t{0};
  std::set<std::string> known = writing_;
  for (const BlockEntry& entry : manifest_.blocks) {
    for (const BlockFile& file : entry.files) known.insert(file.key);
  }
  for (const RemovedBlock& block : manifest_.removed) {
    known.insert(block.keys.begin(), block.keys.end());
    known.insert(TombstoneKey(block.id));
  }
  ASSIGN_OR_RETURN(const std::vector<ObjectInfo> files, ListFiles());
  uint64_t deleted = 0;
  for (const ObjectInfo& file : files) {
    if (known.contains(file.key) || file.modified_ms > now_ms - options_.grace_ms) continue;
    RETURN_IF_ERROR(RemoveIfThere(*bucket_, file.key));
    env_.logger.Log(LogLevel::kInfo, "cold", "Deleted a file that no manifest names",
                    {{"file", file.key}, {"bytes", std::to_string(file.size_bytes)}});
    ++deleted;
  }
  last_orphan_scan_ms_ = now_ms;
  return deleted;
}

}  // namespace thermocline
