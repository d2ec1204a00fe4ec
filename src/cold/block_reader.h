// One cold block, read: its files opened on demand, its series matched, its label values listed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "bucket/object.h"
#include "cold/block_filter.h"
#include "cold/block_footer.h"
#include "cold/index_cache.h"
#include "cold/manifest.h"
#include "columnar/file_reader.h"
#include "model/queryable.h"

namespace thermocline {

// Adds what a read cost to a query's counters (null: nobody counts).
void AddToCounters(const columnar::ReadStats& stats, ReadCounters* counters);

// The read found something that is not as it was written, or gone: the block is set aside and the
// others answer.
inline bool IsDamage(const Status& status) {
  return status.code() == Code::kCorruption || status.code() == Code::kOutOfRange ||
         status.code() == Code::kNotFound;
}

// Threads: safe to call concurrently.
class ColdBlock {
 public:
  // `bucket` outlives the block.
  ColdBlock(BlockEntry entry, Bucket& bucket, std::shared_ptr<IndexCache> cache)
      : entry_(std::move(entry)), bucket_(bucket), cache_(std::move(cache)) {}

  const BlockEntry& entry() const { return entry_; }

  // A file of the block with its footer and page indexes, which come from the cache or cost one
  // request. Corruption when the tail is not what the manifest says.
  Result<columnar::FileReader> Open(const BlockFile& file, columnar::ReadStats* stats) const;
  // Open of the file of that kind; Corruption when the block has none.
  Result<columnar::FileReader> Open(BlockFileKind kind, columnar::ReadStats* stats) const;
  // What the series file's footer says.
  Result<std::shared_ptr<const BlockFooter>> Footer(const columnar::FileReader& series) const;

  // False when the filter says that no series can match. A block without a filter may always match.
  Result<bool> MayMatch(const std::vector<Matcher>& matchers, columnar::ReadStats* stats) const;

  // Marks the block as damaged, for good; true the first time.
  bool Quarantine(const Status& why);
  bool quarantined() const;
  // Why, for warnings.
  std::string damage() const;

 private:
  const BlockEntry entry_;
  Bucket& bucket_;
  const std::shared_ptr<IndexCache> cache_;

  mutable Mutex mutex_;
  bool damaged_ GUARDED_BY(mutex_) = false;
  std::string damage_ GUARDED_BY(mutex_);
};

// Series of one block that a select chose, in the order of the listing.
struct BlockSeries {
  std::vector<SeriesId> ids;
  std::string label_sets;                     // packed, one after another
  std::vector<uint64_t> label_offsets = {0};  // series + 1
  std::vector<TimeRange> ranges;              // of each series' samples
  std::vector<uint32_t> row_offsets = {0};    // series + 1, into rows
  std::vector<columnar::RowRange> rows;       // of `samples`; ascending for each series
  // The same of `histograms`; both empty when the block has none. A series has rows in either.
  std::vector<uint32_t> histogram_offsets;
  std::vector<columnar::RowRange> histogram_rows;

  size_t size() const { return ids.size(); }
  LabelsView labels(size_t i) const {
    return LabelsView(std::string_view(label_sets)
                          .substr(label_offsets[i], label_offsets[i + 1] - label_offsets[i]));
  }
  std::span<const columnar::RowRange> rows_of(size_t i) const {
    return std::span(rows).subspan(row_offsets[i], row_offsets[i + 1] - row_offsets[i]);
  }
  std::span<const columnar::RowRange> histogram_rows_of(size_t i) const {
    if (histogram_offsets.empty()) return {};
    return std::span(histogram_rows)
        .subspan(histogram_offsets[i], histogram_offsets[i + 1] - histogram_offsets[i]);
  }
  uint64_t memory_bytes() const;
};

// The limits that one select of a block works within.
struct BlockSelect {
  const std::vector<Matcher>& matchers;
  TimeRange range;
  uint64_t limit_bytes = 0;  // compressed bytes held at once
  QueryBudget* budget = nullptr;
};

// Series that satisfy all matchers and have their first and last sample around `range`, in file
// order. Reads the pages of `labels` for literal matchers on indexed labels, then only those label
// columns of `series` that matchers name, then the locators of the rows that are left.
Result<BlockSeries> MatchSeries(const ColdBlock& block, const BlockSelect& select,
                                columnar::ReadStats* stats);

// What CollectLabelValues and CollectLabelNames look at: series with samples around `range`.
struct LabelScope {
  TimeRange range;
  uint64_t limit_bytes = 0;
};
// Adds the distinct values of a label, or the names of the labels, from the label columns alone.
// Values may come more than once.
Status CollectLabelValues(const ColdBlock& block, std::string_view label, const LabelScope& scope,
                          columnar::ReadStats* stats, std::vector<std::string>* values);
Status CollectLabelNames(const ColdBlock& block, const LabelScope& scope,
                         columnar::ReadStats* stats, std::vector<std::string>* names);

}  // namespace thermocline
