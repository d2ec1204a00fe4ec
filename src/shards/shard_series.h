// What a select on one shard answers: labels at hand, chunks read on demand.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "env/executor.h"
#include "model/queryable.h"
#include "shards/shard.h"

namespace thermocline::shards {

class ShardSeriesSet final : public SeriesSet {
 public:
  // Matches, reads labels (and chunks, when they are few, at the same time) and lists. `reads`
  // counts the rounds that wait for one another. `executor` may be null.
  static Result<std::unique_ptr<ShardSeriesSet>> Select(std::shared_ptr<const Shard> shard,
                                                        const SelectRequest& request,
                                                        Executor* executor, ShardReads* reads);
  ~ShardSeriesSet() override;

  size_t series_count() const override { return rows_.size(); }
  SeriesId id(size_t series) const override { return SeriesId(ids_[series]); }
  Labels labels(size_t series) const override { return Labels(labels_[places_[series]]); }
  Status Read(std::span<const uint32_t> series, SeriesBatch* out) const override;
  bool has_encoded() const override { return true; }
  Status ReadEncoded(std::span<const uint32_t> series, EncodedBatch* out) const override;
  const std::vector<std::string>& warnings() const override { return warnings_; }

 private:
  // A decoded page of cells; a dictionary that its values point into belongs to `fetch`.
  struct Page {
    columnar::ColumnVector rows;
    std::shared_ptr<const PageFetch> fetch;
  };
  using PagePtr = std::shared_ptr<const Page>;
  // Chunks of some series: those of series i of the call are [offsets[i], offsets[i + 1]).
  struct Cells {
    std::vector<uint32_t> offsets;
    std::vector<EncodedChunk> chunks;
    std::vector<std::shared_ptr<const void>> owners;
  };

  ShardSeriesSet() = default;
  void List(LabelList labels, std::span<const uint64_t> rows, const SelectHints& hints);
  std::vector<ColumnRows> ChunkColumns(std::span<const uint64_t> rows) const;
  // Chunks that overlap the range, by series and then by time.
  Status ReadCells(std::span<const uint32_t> series, Cells* out) const;
  struct Found {
    uint32_t row = 0;  // counts the rows asked for
    EncodedChunk chunk;
  };
  Status DecodeCells(const std::shared_ptr<const PageFetch>& fetch, std::span<const uint64_t> rows,
                     std::vector<Found>* found, Cells* out) const;
  Result<PagePtr> DecodePage(const std::shared_ptr<const PageFetch>& fetch, size_t slot, size_t i,
                             columnar::PageDecoder& decoder) const;

  std::shared_ptr<const Shard> shard_;
  TimeRange range_;
  QueryBudget* budget_ = nullptr;
  ReadCounters* counters_ = nullptr;
  uint64_t charged_bytes_ = 0;
  LabelList labels_;
  std::vector<uint32_t> places_;  // of each series, in labels_
  std::vector<uint64_t> ids_;
  std::vector<uint64_t> rows_;  // of each series its (first) row
  // Further rows of series whose labels stand in several rows.
  std::unordered_map<uint32_t, std::vector<uint64_t>> more_rows_;
  std::vector<std::string> warnings_;
  std::shared_ptr<const PageFetch> prefetched_;  // all chunks of the set, or null

  // The last page of each chunk column: callers read neighbours, and a page may hold rows of two
  // calls.
  struct LastPage {
    uint32_t page = 0;
    PagePtr rows;
  };
  mutable Mutex mutex_;
  mutable std::unordered_map<uint32_t, LastPage> last_pages_ GUARDED_BY(mutex_);  // by slot
};

}  // namespace thermocline::shards
