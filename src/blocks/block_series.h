// A select's answer from one block: the list of series, and their samples or chunks on demand.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "blocks/block_files.h"
#include "blocks/chunk_loader.h"
#include "model/queryable.h"

namespace thermocline {

// Twelve bytes a series in memory; entries are read again when samples or labels are asked for.
class TsdbSeriesSet : public SeriesSet {
 public:
  // Reads the entry of every matching series once: for the ids, and for what has no chunk in
  // range.
  static Result<std::unique_ptr<TsdbSeriesSet>> List(std::shared_ptr<const BlockFiles> files,
                                                     const SelectRequest& request);
  ~TsdbSeriesSet() override;

  size_t series_count() const override { return series_.size(); }
  SeriesId id(size_t series) const override { return ids_[series]; }
  // Empty when the entry can no longer be read; the next Read then fails with the reason.
  Labels labels(size_t series) const override;
  Status Read(std::span<const uint32_t> series, SeriesBatch* out) const override;
  bool has_encoded() const override { return true; }
  Status ReadEncoded(std::span<const uint32_t> series, EncodedBatch* out) const override;
  const std::vector<std::string>& warnings() const override { return warnings_; }

 private:
  // The chunks of a run of series: series k has [first[k], first[k + 1]) of `entries`.
  struct Wanted {
    std::vector<SeriesRef> series;
    std::vector<size_t> first = {0};
    std::vector<ChunkEntry> entries;
  };
  struct Loaded {
    std::vector<std::shared_ptr<const std::string>> buffers;
    std::vector<LoadedChunk> chunks;
  };

  TsdbSeriesSet(std::shared_ptr<const BlockFiles> files, const SelectRequest& request);
  Status Scan(const SelectRequest& request, const std::vector<SeriesRef>& matching);
  Status SortByLabels();
  void MakeIdsDistinct();
  // Whether samples of the chunk can be in the answer.
  bool Wants(const ChunkEntry& chunk, const std::vector<TimeRange>& deleted) const;
  // Fills `wanted` with series from `*next` on, up to some megabytes of chunks.
  Status Plan(std::span<const uint32_t> series, size_t* next, SeriesScanner* scanner,
              Wanted* wanted) const;
  Status Load(const Wanted& wanted, Loaded* loaded) const;
  // Plans and loads all of `series`, piece by piece in order.
  using TakePiece = std::function<Status(const Wanted& wanted, Loaded* loaded)>;
  Status LoadInPieces(std::span<const uint32_t> series, const TakePiece& take) const;
  // OK when the chunk's fault was counted instead.
  Status Fault(const ChunkEntry& chunk, const Status& status) const;
  Status Decode(const ChunkEntry& entry, const LoadedChunk& chunk, const TimeRange& range,
                SeriesBatch* out) const;
  Status AppendSeries(const Wanted& wanted, const Loaded& loaded, size_t k, SeriesBatch* out) const;
  Status AppendEncoded(const Wanted& wanted, const Loaded& loaded, size_t k,
                       EncodedBatch* out) const;
  Status Reencode(const ChunkEntry& entry, const LoadedChunk& chunk,
                  const std::vector<TimeRange>& deleted, EncodedBatch* out) const;

  const std::shared_ptr<const BlockFiles> files_;
  const TimeRange range_;
  QueryBudget* const budget_;
  ReadCounters* const counters_;
  uint64_t charged_bytes_ = 0;
  std::vector<SeriesRef> series_;
  std::vector<SeriesId> ids_;
  std::vector<std::string> warnings_;

  mutable Mutex labels_mutex_;
  mutable std::unique_ptr<SeriesScanner> labels_scanner_ GUARDED_BY(labels_mutex_);
  mutable Status labels_status_ GUARDED_BY(labels_mutex_);
};

}  // namespace thermocline
