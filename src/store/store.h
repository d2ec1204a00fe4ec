// The hybrid store: the log, the hot tier and the cold tier as one Appender and one Queryable.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/memory_ledger.h"
#include "base/mutex.h"
#include "base/result.h"
#include "cold/cold_tier.h"
#include "env/env.h"
#include "head/head.h"
#include "model/admin.h"
#include "model/appender.h"
#include "model/queryable.h"
#include "store/ballast.h"
#include "wal/log.h"

namespace thermocline {

struct StoreOptions {
  std::string path;  // the data folder: <path>/wal, <path>/cold, <path>/lock
  HeadOptions head;
  LogOptions wal;        // `directory` is set from `path`
  ColdTierOptions cold;  // `directory` is set from `path`
  // The head is flushed early above it; a quarter above it writes are refused until that is done.
  uint64_t head_memory_bytes = 4ull << 30;
  // Told what the head and the cold tier's cache hold. While it sheds, writes are refused; in an
  // emergency the whole head is flushed. Borrowed, may be null.
  MemoryLedger* ledger = nullptr;
  uint64_t small_range_bytes = 8ull << 20;  // a closed range below it waits...
  int64_t small_range_wait_ms = kDayMs;     // ...up to this long after its end
  int64_t retention_time_ms = 0;            // 0 = keep everything
  uint64_t retention_size_bytes = 0;        // 0 = no limit; counts the log and the cold tier
  // Compaction. A day that is over is compacted when its newest block is that old...
  int64_t compact_after_ms = kHourMs;
  // ...and any day that has so many blocks.
  uint64_t compact_blocks = 24;
  // What one job may hold: memory (about 300 bytes a series of a block) and time.
  uint64_t compact_max_series = 2ull << 20;
  uint64_t compact_max_samples = 512ull << 20;
  // Free bytes below which writes are refused; by default the larger of 1 GiB and 2 % of the
  // volume.
  std::optional<uint64_t> free_space_floor_bytes;
  // A file of this size gives room to flush, retention and deletions on a volume that others have
  // filled; 0 is none.
  uint64_t ballast_bytes = 32ull << 20;
  // For reading what is there: no file is created, changed or locked, so the caller sees to it that
  // nobody writes meanwhile. The whole log is held in memory, whatever `head_memory_bytes` says.
  // All that writes fails with PermissionDenied.
  bool read_only = false;
  // What another process that wants the folder is told.
  std::string holder = "thermocline";
  // Asked now and then while the log is replayed; true ends Open with Cancelled. May be empty.
  std::function<bool()> give_up;

  Status Validate() const;
};

// What opening found, for the start-up log.
struct OpenSummary {
  ReplaySummary replay;
  uint64_t cold_blocks = 0;
  uint64_t head_series = 0;
  std::vector<std::string> warnings;
};

// Threads: all members are safe to call concurrently. Lock order: flush_mutex_, then whatever head,
// cold and log take inside; the log's committer calls head.Settle with no lock of the store held.
class Store final : public Queryable, public Appender, public Admin {
 public:
  // Takes the folder's lock, opens the manifest, replays the log into a new head. Errors:
  // Unavailable (locked by another process), Corruption, Io; the message names the file. With
  // `read_only` also NotFound: the folder has neither a cold tier nor a log.
  static Result<std::unique_ptr<Store>> Open(const StoreOptions& options, Env env,
                                             OpenSummary* summary);
  ~Store() override;

  Result<AppendSummary> Append(const WriteBatch& batch) override;

  Result<std::unique_ptr<SeriesSet>> Select(const SelectRequest& request) const override;
  Result<std::vector<std::string>> LabelNames(const LabelRequest& request) const override;
  Result<std::vector<std::string>> LabelValues(std::string_view name,
                                               const LabelRequest& request) const override;
  Result<std::vector<BatchMetadata>> Metadata(const MetadataRequest& request) const override;
  Result<std::vector<SeriesExemplars>> Exemplars(const ExemplarRequest& request) const override;
  Result<std::optional<uint64_t>> TryCount(const SelectRequest& request, TimestampMs at_ms,
                                           int64_t lookback_ms) const override;

  Result<FlushSummary> FlushAll() override;
  HeadStatus GetHeadStatus(uint64_t limit) const override;
  Health GetHealth() const override;

  // Does what is due at `now_ms`: flushes closed ranges, applies retention, lets the log go,
  // recovers from a full disk, removes orphans. Called by one ticker; tests call it themselves. The
  // first error is returned after everything was tried.
  Status Maintain(TimestampMs now_ms);

  // Stops writes, makes the log durable and closes it. The head is not flushed: the log has it.
  Status Close();

  const ColdTier& cold() const { return *cold_; }
  uint64_t head_memory_bytes() const { return head_->memory_bytes(); }

 private:
  friend class StoreImport;

  Store(StoreOptions options, Env env);
  Status OpenParts(OpenSummary* summary);
  Status OpenForReading(OpenSummary* summary);
  Status OpenTiers(OpenSummary* summary);
  Status ReplayRecord(const LogRecord& record);
  void RegisterMetrics();
  RecordSink Sink();

  // flush.cc
  std::vector<TimeRange> RangesDue(TimestampMs now_ms);
  Result<FlushSummary> Flush(const std::vector<TimeRange>& ranges) EXCLUDES(flush_mutex_);
  Result<FlushSummary> MoveToCold(const std::vector<TimeRange>& ranges) REQUIRES(flush_mutex_);
  void ReportFlush(size_t ranges, const FlushSummary& summary, int64_t duration_ms);
  Status ReleaseLog() REQUIRES(flush_mutex_);
  // retain.cc
  Status ApplyRetention(TimestampMs now_ms) EXCLUDES(flush_mutex_);
  // compact.cc
  Status Compact(TimestampMs now_ms) EXCLUDES(flush_mutex_);
  std::vector<BlockEntry> BlocksToCompact(TimestampMs now_ms) const;
  std::vector<BlockEntry> WithinLimits(std::vector<BlockEntry> blocks) const;
  // maintain.cc
  Status CheckDisk(TimestampMs now_ms);
  Status GiveRoom();
  void TakeBallast(TimestampMs now_ms);
  Status ReleaseBallast(std::string_view why);
  // append.cc
  Status WritableStatus() const;
  // memory.cc
  void MeasureMemory();
  uint64_t EstimatedHeadBytes() const;
  void TellLedger() const;
  // The head has to be flushed whatever its ranges are.
  bool MemoryIsShort() const;
  // ResourceExhausted while memory is short; otherwise the samples count as held.
  Status RoomForWrites(uint64_t samples);

  const StoreOptions options_;
  Env env_;
  std::unique_ptr<FileLock> lock_;
  std::unique_ptr<ColdTier> cold_;
  std::unique_ptr<Head> head_;
  // Null of a read-only store; destroyed first: its committer calls head_.
  std::unique_ptr<Log> log_;

  Mutex flush_mutex_;  // one flush, retention, compaction or log release at a time; held over IO by
                       // design
  // Of the ticker only; the far past makes the first tick look.
  TimestampMs last_small_flush_ms_ = kMinTimestampMs / 2;
  uint64_t free_space_floor_bytes_ = 0;  // fixed by Open
  uint64_t unchecked_bytes_ = 0;         // of Open
  // Of Open and the ticker, as the next two; null of a read-only store.
  std::unique_ptr<Ballast> ballast_;
  bool ballast_spent_ = false;  // given up, and not there again yet
  TimestampMs next_ballast_ms_ = kMinTimestampMs / 2;
  // The head as it was last measured, and what came since then.
  std::atomic<uint64_t> head_bytes_measured_{0};
  std::atomic<uint64_t> head_series_measured_{0};
  std::atomic<uint64_t> head_samples_since_{0};
  Counter* writes_shed_ = nullptr;  // null of a read-only store
  std::atomic<bool> disk_full_{false};
  std::atomic<bool> closed_{false};
};

}  // namespace thermocline
