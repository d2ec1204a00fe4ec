// The SeriesSet of one cold block: lists what was matched, reads exactly the pages that hold the
// samples asked for.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "cold/block_reader.h"
#include "columnar/file_reader.h"
#include "model/queryable.h"

namespace thermocline {

// Threads: all const methods are safe to call concurrently.
class BlockSeriesSet final : public SeriesSet {
 public:
  // What is common to the reads of a set.
  struct Source {
    std::shared_ptr<ColdBlock> block;             // kept alive by the set
    std::optional<columnar::FileReader> samples;  // nullopt: none of the series has rows in it
    TimeRange range;                              // samples outside are not returned
    uint64_t limit_bytes = 0;
    QueryBudget* budget = nullptr;     // borrowed, outlives the set, may be null
    ReadCounters* counters = nullptr;  // the same
    // Called with what a read found damaged, before the read returns the error.
    std::function<void(ColdBlock&, const Status&)> on_damage;
  };
  // Corruption when the samples file lacks a column. Charges the listing to the budget.
  // `sorted`: list in label order; otherwise in file order. `limit`: list so many; 0 = all.
  static Result<std::unique_ptr<BlockSeriesSet>> Make(Source source, BlockSeries series,
                                                      bool sorted, uint64_t limit);
  ~BlockSeriesSet() override;

  size_t series_count() const override { return order_.size(); }
  SeriesId id(size_t series) const override { return series_.ids[order_[series]]; }
  Labels labels(size_t series) const override { return Labels(series_.labels(order_[series])); }
  Status Read(std::span<const uint32_t> series, SeriesBatch* out) const override;
  const std::vector<std::string>& warnings() const override { return warnings_; }

  // What it lists; `place` is the index in it of a series of the set.
  const BlockSeries& listing() const { return series_; }
  uint32_t place(size_t series) const { return order_[series]; }

  void AddWarning(std::string warning) { warnings_.push_back(std::move(warning)); }

 private:
  // Rows of the file that belong to the series at `slot` of a read.
  struct Segment {
    columnar::RowRange rows;
    uint32_t slot = 0;
  };
  // Samples of one slot that were copied to [begin, end) of the output columns.
  struct Piece {
    uint32_t slot = 0;
    size_t begin = 0;
    size_t end = 0;
    uint64_t first_row = 0;
  };
  struct Scratch {
    columnar::PageDecoder decoder;
    std::shared_ptr<columnar::PageBatch> page = std::make_shared<columnar::PageBatch>();
  };

  BlockSeriesSet(Source source, BlockSeries series);
  Status FindColumns();
  Status ReadRows(std::span<const uint32_t> series, SeriesBatch* out) const;
  Status FetchRows(std::span<const columnar::RowRange> rows, std::span<const Segment> segments,
                   SeriesBatch* out, std::vector<Piece>* pieces) const;
  std::vector<Segment> SegmentsOf(std::span<const uint32_t> series) const;
  void CopyPage(const columnar::PageBatch& page, std::span<const Segment> segments,
                SeriesBatch* out, std::vector<Piece>* pieces) const;
  // Makes the scratch's page the last page and gives it another to decode into.
  void KeepLast(Scratch* scratch) const EXCLUDES(mutex_);
  std::unique_ptr<Scratch> TakeScratch() const EXCLUDES(mutex_);
  void GiveBack(std::unique_ptr<Scratch> scratch) const EXCLUDES(mutex_);

  const Source source_;
  const BlockSeries series_;
  std::vector<uint32_t> order_;                   // listing position -> index into series_
  std::vector<columnar::FetchColumn> columns_;    // timestamp, value, start_timestamp (maybe)
  std::vector<columnar::RowRange> rows_in_time_;  // of pages that may hold samples in range
  std::vector<std::string> warnings_;
  mutable Mutex mutex_;
  mutable uint64_t charged_bytes_ GUARDED_BY(mutex_) = 0;
  mutable std::vector<std::unique_ptr<Scratch>> scratch_ GUARDED_BY(mutex_);
  // The page decoded last: the next read usually begins in it.
  // Readers take and drop their reference under the lock, so that a page which only the lock's
  // holder refers to is free.
  mutable std::shared_ptr<columnar::PageBatch> last_page_ GUARDED_BY(mutex_);
};

}  // namespace thermocline
