// The write-ahead log: records of typed opaque payloads, durable in groups, replayed in order.
// Bytes: FORMAT.md. Owned by the head (samples) and by the sink (spool); each has a log of its own
// in a folder of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "env/env.h"

namespace thermocline {

// What a record is to its owner. Stored on disk: never renumber. 0 is reserved for padding.
enum class RecordType : uint8_t {
  kSeries = 1,
  kSamples = 2,
  kTombstones = 3,
  kMetadata = 4,
  kMark = 5
};

enum class SyncMode { kAlways, kInterval, kOs };

struct LogOptions {
  std::string directory;
  SyncMode sync = SyncMode::kAlways;
  int64_t sync_interval_ms = 1000;  // with kInterval
  // Of the largest segments of a busy log; at least 64 KiB, a multiple of 32 KiB. The first one
  // after a flush has 256 KiB at most, and the next twice as much if it fills within 30 s.
  uint64_t segment_size_bytes = 64ull << 20;
  uint64_t max_pending_bytes = 64ull << 20;  // enqueued and not yet written; Enqueue refuses above
  uint64_t max_record_bytes = 128ull << 20;
  Lsn min_next_lsn;  // the first new record gets at least this number, also when the log is empty
  bool strict = false;  // damage anywhere but in the torn tail is an error
  // Below this much free space no new segment is started and the log closes to writes; 0 = no
  // floor.
  uint64_t free_space_floor_bytes = 0;
  // No committer thread: Wait, StartSegment and Close commit on the caller's. For simulations that
  // must repeat exactly.
  bool inline_commit = false;

  Status Validate() const;
};

// One record as replay sees it. `payload` is valid during the call.
struct LogRecord {
  Lsn lsn;
  SegmentId segment;
  RecordType type = RecordType::kSamples;
  std::string_view payload;
};

// A place in a segment where reading met something wrong.
struct LogPlace {
  std::string file;     // path
  uint64_t offset = 0;  // of its first byte that is wrong
};

struct ReplaySummary {
  uint64_t records = 0;
  uint64_t segments = 0;
  uint64_t torn_bytes = 0;      // at the tail of the last segment; Open cuts them
  uint64_t damaged_blocks = 0;  // 32 KiB grid blocks skipped in the middle
  uint64_t lost_records = 0;    // gaps in the LSN sequence
  uint64_t quarantined_segments = 0;
  std::vector<LogPlace> damage;  // per damaged segment (or one that lacks records) the first place
  std::optional<LogPlace> torn;  // where the last torn tail begins
};

class Log {
 public:
  virtual ~Log() = default;

  // Opens (or creates) the log, feeds every intact record in LSN order to `replay`, cuts a torn
  // tail, and starts a new segment. An error of `replay` ends the opening with that error. Errors:
  // Corruption (strict mode), Unavailable (locked), Io.
  static Result<std::unique_ptr<Log>> Open(const LogOptions& options, Env env,
                                           const std::function<Status(const LogRecord&)>& replay,
                                           ReplaySummary* summary);

  // Feeds the same records to `replay` and leaves the folder as it is: a torn tail is counted and
  // not cut, nothing is created, no lock is taken (the caller knows that nobody writes). A folder
  // that is not there has no segments. Errors: as Open's.
  static Status Read(const LogOptions& options, Env env,
                     const std::function<Status(const LogRecord&)>& replay, ReplaySummary* summary);

  // Called by the committer, in LSN order, once for every record: durable (OK) or given up (the
  // error). What OK means is `sync`: covered by an fdatasync (kAlways), or written to the file
  // (kInterval, kOs). Set before the first Enqueue. It must not call back into the log.
  virtual void OnSettled(std::function<void(Lsn first, Lsn last, const Status&)> settled) = 0;

  // Gives the record the next LSN and queues it for the committer; never blocks, so the caller may
  // hold a lock that OnSettled takes, too. That lock makes the order of its decisions the order of
  // LSNs. Errors: Unavailable (closed to writes, queue full), InvalidArgument (too large).
  virtual Result<Lsn> Enqueue(RecordType type, std::string payload) = 0;

  // Waits until the record is settled and returns its outcome. Threads: safe.
  virtual Status Wait(Lsn lsn) = 0;

  // The segment that holds (or will hold) the record; for TruncateBefore.
  virtual SegmentId SegmentOf(Lsn lsn) const = 0;
  // The segment that the next record goes to at the earliest.
  virtual SegmentId current_segment() const = 0;
  // Closes the current segment, so that a later TruncateBefore(returned id) frees everything before
  // it.
  virtual Result<SegmentId> StartSegment() = 0;
  // Releases all segments with a smaller id. Some are kept for recycling if one was filled fast
  // since StartSegment; the others are removed.
  virtual Status TruncateBefore(SegmentId segment) = 0;
  // Removes the files kept for later segments if nothing was written for 10 s or the current one
  // is older than 30 s. For a ticker.
  virtual void DropIdleSpares() = 0;

  // False after the log was closed to writes; `reason` says why. TryReopen starts a new segment
  // when the cause is gone.
  virtual bool writable(std::string* reason) const = 0;
  virtual Status TryReopen() = 0;

  virtual uint64_t size_bytes() const = 0;  // segments on disk, spares included
  virtual Lsn last_durable() const = 0;
  // Commits what is queued, syncs and closes. The destructor does the same and drops the error.
  virtual Status Close() = 0;
};

}  // namespace thermocline
