// The Log over segment files: a queue, one committer, and what happens when a disk refuses.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "env/background_thread.h"
#include "wal/log.h"
#include "wal/segment_files.h"

namespace thermocline::wal {

// Lock order: commit_mutex_ (held over IO and OnSettled by design), then mutex_ (never over IO).
class SegmentedLog final : public Log {
 public:
  SegmentedLog(const LogOptions& options, Env env, std::unique_ptr<FileLock> lock,
               const Replayed& found, const ReplaySummary& summary);
  ~SegmentedLog() override;
  // Makes the first segment and starts the committer. Once, before anything else.
  Status Start(Lsn last);

  void OnSettled(std::function<void(Lsn first, Lsn last, const Status&)> settled) override;
  Result<Lsn> Enqueue(RecordType type, std::string payload) override;
  Status Wait(Lsn lsn) override;
  SegmentId SegmentOf(Lsn lsn) const override { return segments_.SegmentOf(lsn); }
  SegmentId current_segment() const override;
  Result<SegmentId> StartSegment() override;
  Status TruncateBefore(SegmentId segment) override;
  void DropIdleSpares() override { segments_.DropIdleSpares(); }
  bool writable(std::string* reason) const override;
  Status TryReopen() override;
  uint64_t size_bytes() const override { return segments_.size_bytes(); }
  Lsn last_durable() const override { return Lsn(durable_.load(std::memory_order_acquire)); }
  Status Close() override;

 private:
  struct Record {
    Lsn lsn;
    RecordType type = RecordType::kSamples;
    std::string payload;
  };
  // A run of records that were given up, and why.
  struct GivenUp {
    Lsn first;
    Lsn last;
    Status why;
  };
  struct Instruments {
    HistogramMetric& sync_seconds;
    Counter& records;
    Counter& bytes;
    Counter& failures;
    Gauge& durable_lsn;
    Gauge& writable;
  };

  // --- segmented_log.cc: the queue ---
  void Run();
  Status Outcome(Lsn lsn) const REQUIRES(mutex_);
  void Settle(Lsn first, Lsn last, const Status& outcome) REQUIRES(commit_mutex_);
  Lsn SettledLsn() const EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return settled_lsn_;
  }
  void CloseToWrites(const Status& why) REQUIRES(commit_mutex_);

  // --- commit.cc: the committer's work ---
  // Commits all that is queued. Errors are settled, not returned.
  void Commit() REQUIRES(commit_mutex_);
  Status WriteBatch(std::deque<Record> batch) REQUIRES(commit_mutex_);
  Status Append(const Record& record) REQUIRES(commit_mutex_);
  Status WriteOut() REQUIRES(commit_mutex_);
  Status SyncCurrent() REQUIRES(commit_mutex_);
  Status Rotate() REQUIRES(commit_mutex_);
  bool SyncIsDue() const REQUIRES(commit_mutex_);
  // Rewrites all held records to a new segment after the current one failed.
  Status MoveToNewSegment() REQUIRES(commit_mutex_);
  void GiveUp(const Status& why) REQUIRES(commit_mutex_);
  void HoldAll(std::deque<Record> batch) REQUIRES(commit_mutex_);

  const LogOptions options_;
  Env env_;
  const std::unique_ptr<FileLock> lock_;
  SegmentFiles segments_;
  Instruments metrics_;
  std::atomic<uint64_t> durable_{0};

  Mutex commit_mutex_;
  std::unique_ptr<SegmentWriter> current_ GUARDED_BY(commit_mutex_);  // null once it failed
  // Written or to be written, not durable: what a new segment would have to take. Ascending.
  std::deque<Record> held_ GUARDED_BY(commit_mutex_);
  uint64_t held_bytes_ GUARDED_BY(commit_mutex_) = 0;
  Lsn acknowledged_ GUARDED_BY(commit_mutex_);  // settled with OK up to here
  int64_t last_sync_ns_ GUARDED_BY(commit_mutex_) = 0;
  std::function<void(Lsn, Lsn, const Status&)> settled_ GUARDED_BY(commit_mutex_);

  mutable Mutex mutex_;
  CondVar work_;  // the committer waits here
  CondVar done_;  // Wait waits here
  std::deque<Record> queue_ GUARDED_BY(mutex_);
  uint64_t queued_bytes_ GUARDED_BY(mutex_) = 0;
  Lsn next_lsn_ GUARDED_BY(mutex_);
  Lsn settled_lsn_ GUARDED_BY(mutex_);
  std::vector<GivenUp> given_up_ GUARDED_BY(mutex_);
  SegmentId current_id_ GUARDED_BY(mutex_);
  Status closed_ GUARDED_BY(mutex_);  // why writes are refused
  bool stopping_ GUARDED_BY(mutex_) = false;
  bool ended_ GUARDED_BY(mutex_) = false;  // Close was called

  std::unique_ptr<BackgroundThread> thread_;  // null with inline_commit
};

}  // namespace thermocline::wal
