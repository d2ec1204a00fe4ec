// The cold tier of one tenant: immutable blocks of Parquet files below one folder, listed by a
// manifest, read as one Queryable.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/mutex.h"
#include "base/result.h"
#include "bucket/local_bucket.h"
#include "cold/block_writer.h"
#include "cold/manifest.h"
#include "columnar/file_reader.h"
#include "env/env.h"
#include "model/queryable.h"

namespace thermocline {

struct ColdTierOptions {
  std::string directory;  // see ColdDirectory
  TenantId tenant;
  int64_t grace_ms = kHourMs;  // removed and orphaned files are deleted this long after
  uint64_t index_cache_bytes = 256ull << 20;  // footers, page indexes and label filters held
  uint64_t select_limit_bytes = 1ull << 30;   // compressed bytes one select may hold
  BlockWriterOptions writer;

  Status Validate() const;
};

// <data>/cold for the default tenant, <data>/tenants/<id>/cold for another. InvalidArgument unless
// the id is 1 to 150 characters of [A-Za-z0-9!_.*'()-] and neither "." nor "..".
Result<std::string> ColdDirectory(const std::string& data, const TenantId& tenant);

// What opening found, for the start-up log.
struct ColdOpenSummary {
  uint64_t blocks = 0;
  uint64_t samples = 0;
  bool rebuilt = false;              // the manifest was lost and made anew from the files
  std::vector<std::string> orphans;  // files that no manifest names; deleted when the grace is over
  std::vector<std::string> warnings;
};

struct ColdProblem {
  std::string key;
  Status status;
};

class ColdBlock;  // see block_reader.h
class IndexCache;

// What queries see: an immutable list of blocks.
struct ColdSnapshot {
  // The order in which equal timestamps are decided: the last wins.
  std::vector<std::shared_ptr<ColdBlock>> blocks;
  std::vector<FlushMark> flushed;
  Lsn last_flushed_lsn;
  uint64_t removed_bytes = 0;  // of blocks in their grace
};

// Threads: all members are safe to call concurrently. Locks: write_mutex_ (held over the IO of
// manifests and deletions, not of blocks), then snapshot_mutex_, then a block's own; queries take
// only the last two, for a moment.
class ColdTier final : public Queryable {
 public:
  // Reads the manifest, or rebuilds it when it is lost; a folder that is not there is an empty
  // table. Blocks are opened when first asked. With `writable` the manifest's epoch is raised and
  // unfinished writes are removed; without, nothing is written.
  static Result<std::unique_ptr<ColdTier>> Open(const ColdTierOptions& options, Env env,
                                                bool writable, ColdOpenSummary* summary);
  ~ColdTier() override;

  // Writes the samples of `series` as new blocks: durable, not yet visible. `threads`: 0 = as the
  // options say. See cold/block_writer.h.
  Result<std::vector<BlockEntry>> WriteBlocks(const SeriesSet& series, const BlockRequest& request,
                                              uint32_t threads = 0);
  // The samples of blocks that WriteBlocks returned, installed or not; damage is an error.
  Result<std::unique_ptr<SeriesSet>> SelectWritten(const std::vector<BlockEntry>& entries,
                                                   const SelectRequest& request) const;
  // Compaction: writes the samples of these installed blocks, all of one UTC day and one
  // resolution, as one block that replaces them when it is installed. At equal timestamps the
  // sample stays that readers see now. Damage found on the way is an error, and the damaged block
  // is set aside. Memory: as WriteBlocks, and about 300 bytes for each series of each block.
  Result<std::vector<BlockEntry>> WriteMerged(const std::vector<BlockId>& ids);
  // Makes `added` part of the table and takes `removed` (and what the added blocks replace) out of
  // it, in one manifest. When OK it is durable and visible; after an error the table is as before
  // for readers, and after a restart as before or as asked.
  Status Install(std::vector<BlockEntry> added, const std::vector<BlockId>& removed = {});
  // Gives up blocks that were written and not installed.
  void Discard(const std::vector<BlockEntry>& entries);
  // Retention: takes whole blocks out. Their files are deleted when the grace is over.
  Status RemoveBlocks(const std::vector<BlockId>& ids) { return Install({}, ids); }
  // Tells that the log no longer holds records below `oldest`: their marks go with the next
  // manifest.
  void ForgetMarksBelow(Lsn oldest);
  // Deletes files of removed blocks and orphans whose grace is over. Returns how many files.
  Result<uint64_t> DeleteExpired(TimestampMs now_ms);

  // For Head::SkipFlushed and LogOptions::min_next_lsn.
  std::vector<FlushMark> flush_marks() const;
  Lsn last_flushed_lsn() const;
  // Whether any installed block has samples in `range`, as far as its entry tells.
  bool Overlaps(const TimeRange& range) const;
  // Installed blocks, ascending by id.
  std::vector<BlockEntry> entries() const;
  // What the cache of footers and indexes holds in memory; all files of the table on disk, removed
  // ones in their grace included.
  uint64_t index_cache_bytes() const;
  uint64_t total_bytes() const;
  // Blocks that were found damaged since the opening; they answer nothing, the others do.
  std::vector<BlockId> quarantined() const;

  Result<std::unique_ptr<SeriesSet>> Select(const SelectRequest& request) const override;
  Result<std::vector<std::string>> LabelNames(const LabelRequest& request) const override;
  Result<std::vector<std::string>> LabelValues(std::string_view name,
                                               const LabelRequest& request) const override;
  Result<std::vector<SeriesExemplars>> Exemplars(const ExemplarRequest& request) const override;
  Result<std::vector<BatchMetadata>> Metadata(const MetadataRequest& request) const override;

  // Reads every byte of every file and compares hashes, page checksums and row counts with the
  // manifest. Each problem once; empty = all is well.
  Result<std::vector<ColdProblem>> CheckAll() const;
  // For `inspect`: the footer and page indexes of one file.
  Result<std::shared_ptr<const columnar::FileIndex>> ReadFileIndex(const BlockFile& file) const;

 private:
  ColdTier(ColdTierOptions options, Env env);

  // cold_open.cc
  Status Load(bool writable, ColdOpenSummary* summary) EXCLUDES(write_mutex_);
  Result<Manifest> Rebuild(Manifest base, bool writable, ColdOpenSummary* summary);
  Result<std::vector<ObjectInfo>> ListFiles() const;
  // cold_tier.cc
  Result<std::vector<BlockEntry>> WriteWith(const SeriesSet& series, const BlockRequest& request,
                                            const BlockWriterOptions& options);
  Status InstallLocked(Manifest next) REQUIRES(write_mutex_);
  void Publish(const Manifest& manifest) REQUIRES(write_mutex_);
  std::shared_ptr<const ColdSnapshot> snapshot() const;
  // cold_select.cc
  // What a query asks of blocks; borrowed. No matcher sets = everything.
  struct BlockQuery {
    TimeRange range;
    std::vector<const std::vector<Matcher>*> matcher_sets;
    QueryBudget* budget = nullptr;
    ReadCounters* counters = nullptr;
  };
  // Visits the blocks that may answer; a damaged one is set aside with a warning.
  Status VisitBlocks(const BlockQuery& query, std::vector<std::string>* warnings,
                     const std::function<Status(const std::shared_ptr<ColdBlock>&,
                                                columnar::ReadStats*)>& visit) const;
  // Per block: `collect_all` without matchers, else `collect` for each series that matches.
  Status CollectLabels(
      const LabelRequest& request,
      const std::function<Status(const ColdBlock&, columnar::ReadStats*)>& collect_all,
      const std::function<void(LabelsView)>& collect) const;
  void Quarantine(ColdBlock& block, const Status& why) const;
  // cold_merge.cc
  Result<std::vector<std::shared_ptr<ColdBlock>>> BlocksToMerge(
      const std::vector<BlockId>& ids) const;
  Result<std::unique_ptr<SeriesSet>> OpenForMerge(
      const std::vector<std::shared_ptr<ColdBlock>>& blocks, const SelectRequest& request) const;
  // cold_side.cc: what blocks to be merged have beside samples.
  Status ReadSides(const std::vector<std::shared_ptr<ColdBlock>>& blocks,
                   std::vector<SeriesExemplars>* exemplars,
                   std::vector<BatchMetadata>* metadata) const;
  void RegisterMetrics();
  BlockId NewBlockId() REQUIRES(write_mutex_);
  // cold_expiry.cc
  Status TakeOut(const BlockId& id, bool replaced, Manifest* next) REQUIRES(write_mutex_);
  Result<uint64_t> DeleteRemoved(TimestampMs now_ms) REQUIRES(write_mutex_);
  Result<uint64_t> DeleteOrphans(TimestampMs now_ms) REQUIRES(write_mutex_);

  const ColdTierOptions options_;
  mutable Env env_;
  std::unique_ptr<LocalBucket> bucket_;
  std::shared_ptr<IndexCache> cache_;
  ManifestFiles manifest_files_;
  Counter* quarantined_total_ = nullptr;
  std::atomic<uint64_t> forget_marks_below_{0};

  mutable Mutex write_mutex_;
  Manifest manifest_ GUARDED_BY(write_mutex_);
  LabelColumns label_columns_ GUARDED_BY(write_mutex_);     // may be ahead of the manifest's
  std::set<std::string> writing_ GUARDED_BY(write_mutex_);  // keys written and not installed
  int writes_running_ GUARDED_BY(write_mutex_) = 0;         // their files are in no list yet
  bool writable_ GUARDED_BY(write_mutex_) = false;
  // An installation failed half-way: which manifest a restart would find is not known.
  bool uncertain_ GUARDED_BY(write_mutex_) = false;
  TimestampMs last_orphan_scan_ms_ GUARDED_BY(write_mutex_) = kMinTimestampMs;
  int64_t last_block_ms_ GUARDED_BY(write_mutex_) = 0;  // ids ascend whatever the clock does

  mutable Mutex snapshot_mutex_;
  std::shared_ptr<const ColdSnapshot> snapshot_ GUARDED_BY(snapshot_mutex_);
};

}  // namespace thermocline
