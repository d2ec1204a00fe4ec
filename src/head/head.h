// The hot tier: recent samples of all series in memory, readable while written.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "env/env.h"
#include "model/admin.h"
#include "model/appender.h"
#include "model/queryable.h"
#include "model/write_batch.h"

namespace thermocline {

struct HeadOptions {
  int64_t range_ms = 2 * kHourMs;  // width of one head range, aligned to the epoch
  int64_t out_of_order_window_ms = 30 * kMinuteMs;
  int64_t max_future_ms = 10 * kMinuteMs;  // samples further ahead of the clock are refused
  uint64_t max_series = 0;                 // 0 = no limit

  Status Validate() const;
};

// The records that the head logs. Types as in wal/log.h; payload layout: src/head/FORMAT.md. `kind`
// is a RecordType number.
struct HeadRecord {
  uint8_t kind = 0;
  std::string payload;
};

// Given by the store: queues a record in the log and returns its LSN, in the order of the calls.
using RecordSink = std::function<Result<Lsn>(HeadRecord)>;

// A staged write: decided and queued in the log, not visible yet.
struct Admission {
  Lsn first_lsn;  // number 0 when nothing had to be logged
  Lsn last_lsn;
  AppendSummary summary;
};

// One range of the head that can be written out.
struct HeadRange {
  TimeRange range;  // [start, start + width - 1], aligned
  uint64_t series = 0;
  uint64_t samples = 0;
  uint64_t bytes = 0;
  Lsn oldest_lsn;  // the first record that holds samples of this range
};

// Threads: all members are safe to call concurrently, with the order that each states.
class Head : public Queryable {
 public:
  ~Head() override = default;
  static Result<std::unique_ptr<Head>> Create(const HeadOptions& options, Env env);

  // Decides every sample of `batch` against what is admitted already, stages the accepted ones and
  // logs them through `sink`. The order of decisions is the order of LSNs. Nothing is visible until
  // Settle. When `summary.rolled_back`, nothing was staged or logged. Errors: InvalidArgument (bad
  // labels), ResourceExhausted (series limit), and what `sink` returns: then nothing stays staged.
  virtual Result<Admission> Admit(const WriteBatch& batch, const RecordSink& sink) = 0;

  // The log's verdict on the records first..last, in LSN order (the log's committer calls it): OK
  // publishes the staged writes, whole requests at a time; an error takes them back, and a series
  // that only they defined disappears again.
  virtual void Settle(Lsn first, Lsn last, const Status& outcome) = 0;

  // Tells Replay which samples the cold tier holds already: those of each `range` whose record is
  // at or before `through`. They are skipped, so that a crash between the manifest's swap and the
  // log's truncation does not bring them back. Before the first Replay.
  struct Flushed {
    TimeRange range;
    Lsn through;
  };
  virtual void SkipFlushed(std::vector<Flushed> flushed) = 0;

  // Puts back one logged record; decides as the first run did. Only before the first Admit;
  // Seal and Drop may come in between, when what is replayed is more than the head may hold.
  // Corruption when the payload is malformed.
  virtual Status Replay(Lsn lsn, uint8_t kind, std::string_view payload) = 0;

  // Ranges that hold samples, ascending.
  virtual std::vector<HeadRange> Ranges() const = 0;
  // Everything published in `ranges` now, in canonical label order, for the block writer; later
  // writes to them are not in it. The set remembers what it holds. AlreadyExists when one of the
  // ranges is sealed and neither dropped nor unsealed.
  struct Sealed {
    std::unique_ptr<SeriesSet> series;
    uint64_t token = 0;
    Lsn sealed_through;  // every sample of these ranges logged at or before this LSN is in the set
  };
  virtual Result<Sealed> Seal(const std::vector<TimeRange>& ranges) = 0;
  // Forgets exactly the samples that Seal handed out under `token`; samples that came later stay.
  // Series without samples left disappear once no reader sees them. Called after the manifest names
  // the block.
  virtual void Drop(uint64_t token) = 0;
  // Gives up a Seal without dropping (the flush failed).
  virtual void Unseal(uint64_t token) = 0;

  // Files hold these entries from now on: the log need not, unless they have changed meanwhile.
  virtual void MetadataStored(std::span<const BatchMetadata> entries) = 0;

  // The first LSN whose record is still needed: by samples not dropped (each series is defined
  // again in its first record of each range, so that no older definition is needed), or by
  // metadata that no file holds, which are logged again through `sink` when that lets older records
  // go. Then call again
  // after that record is settled for the later LSN.
  virtual Result<Lsn> OldestNeeded(const RecordSink& sink) = 0;

  virtual uint64_t memory_bytes() const = 0;
  virtual uint64_t series_count() const = 0;
  virtual HeadStatus GetStatus(uint64_t limit) const = 0;
};

}  // namespace thermocline
