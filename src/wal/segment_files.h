// The files of a log's folder: makes new segments from spares, releases old ones.
#pragma once

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <string>

#include "base/mutex.h"
#include "env/env.h"
#include "wal/replay.h"
#include "wal/segment_writer.h"

namespace thermocline::wal {

// Threads: Create, Release and the destructor by one thread at a time (the log's committer lock);
// the rest from any. Lock order: mutex_ is a leaf.
class SegmentFiles {
 public:
  // `found` is what replay saw; segment ids grow from there.
  SegmentFiles(const LogOptions& options, Env env, const Replayed& found);
  // Waits for the preparation of a spare that is under way.
  ~SegmentFiles();

  // A durable, empty segment with the next id. `reserved`: made also when free space is below the
  // floor, for records that were accepted already. Errors: Unavailable (floor), ResourceExhausted
  // (no space), Io; the file that failed is not used again.
  Result<std::unique_ptr<SegmentWriter>> Create(Lsn previous_lsn, Lsn first_lsn, bool reserved);

  // Removes segments below `end`, oldest first, each durably; up to kMaxSpares that are no
  // larger than a full one become spares if one was filled fast since the log started over.
  Status Release(SegmentId end);

  // Bytes after which the current segment is full. Small logs stay small: it begins with
  // kFirstBytes and doubles, up to LogOptions::segment_size_bytes, while segments fill fast.
  uint64_t full_bytes() const { return full_bytes_.load(std::memory_order_relaxed); }
  // The current segment is full and the next one is about to be made.
  void Grow();
  // All that was logged is about to be released: the next segment is a small one again, and all
  // spares go.
  void StartOver();
  // Spares go once nothing was written for kIdleNs, or the current segment does not fill fast.
  void DropIdleSpares();

  // Preallocates a spare when there is none and the current segment fills fast: on the executor, or
  // at once with inline_commit. Tries once per segment.
  void PrepareSpare();

  // The last segment whose first LSN is not above `lsn`.
  SegmentId SegmentOf(Lsn lsn) const;
  void SetSize(SegmentId id, uint64_t size_bytes);
  uint64_t size_bytes() const;

 private:
  static constexpr size_t kMaxSpares = 2;
  static constexpr uint64_t kFirstBytes = 256 << 10;
  // A segment that took no longer was filled fast.
  static constexpr int64_t kFastNs = 30'000'000'000;
  static constexpr int64_t kIdleNs = 10'000'000'000;

  std::string PathOf(SegmentId id) const;
  std::string SparePath(uint64_t number) const;
  Result<uint64_t> TakeSpare(uint64_t* size_bytes);
  Result<std::unique_ptr<SegmentWriter>> Promote(uint64_t spare, const SegmentHeader& header,
                                                 uint64_t size_bytes);
  // Removes spares that are larger than that.
  void DropSpares(uint64_t largest_bytes) REQUIRES(mutex_);
  // Takes a segment's name away: to spare number `spare`, or when 0 to quarantine or nothing.
  Status MoveAway(SegmentId id, const SegmentState& state, uint64_t spare);
  void MakeSpare(uint64_t number, uint64_t size_bytes, uint64_t start);
  uint64_t first_bytes() const { return std::min(kFirstBytes, segment_size_bytes_); }

  const std::string directory_;
  const uint64_t segment_size_bytes_;
  const uint64_t free_space_floor_bytes_;
  const bool inline_work_;
  Env env_;
  std::atomic<uint64_t> full_bytes_;
  std::atomic<int64_t> begun_ns_{0};    // when the current segment was made
  std::atomic<int64_t> written_ns_{0};  // when a record was last written
  std::atomic<bool> busy_{false};       // the last full segment was filled fast

  mutable Mutex mutex_;
  CondVar idle_;
  bool preparing_ GUARDED_BY(mutex_) = false;
  uint64_t next_id_ GUARDED_BY(mutex_) = 1;
  uint64_t next_spare_ GUARDED_BY(mutex_) = 1;
  uint64_t spare_tried_before_ GUARDED_BY(mutex_) = 0;  // a segment id
  uint64_t starts_ GUARDED_BY(mutex_) = 0;              // how often the log started over
  std::map<SegmentId, SegmentState> segments_ GUARDED_BY(mutex_);
  std::map<uint64_t, uint64_t> spares_ GUARDED_BY(mutex_);  // number -> bytes
};

}  // namespace thermocline::wal
