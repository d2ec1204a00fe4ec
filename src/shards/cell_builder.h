// One series' chunks or samples to the cells of a row.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/queryable.h"
#include "shards/cell.h"
#include "shards/sample_merge.h"
#include "shards/shard_options.h"

namespace thermocline::shards {

struct CellCounts {
  uint64_t samples = 0;
  uint64_t chunks_passed = 0;   // as they were
  uint64_t chunks_encoded = 0;  // cut at a border, merged, or made of samples
  uint64_t starts_dropped = 0;  // samples whose start timestamp the layout cannot hold
};

// Use: Begin; Add...; then cell(column) for every data column. Reused from row to row.
class CellBuilder {
 public:
  explicit CellBuilder(const ShardWriterOptions& options);

  // Ascending by min_ms. Chunks that lie in one column, do not overlap others and are not too large
  // are passed on untouched; groups that overlap are merged by time, equal timestamps once.
  // Unimplemented for encodings that hold no samples (Thanos' aggregates).
  Status FromChunks(std::span<const EncodedChunk> chunks);
  // Chunks of the layouts hold no start timestamps: takes them out of `batch` and counts them.
  void DropStarts(SeriesBatch* batch);
  // Samples [begin, end) of `batch`, ascending and distinct, without start timestamps.
  Status FromSamples(const SeriesBatch& batch, size_t begin, size_t end);

  // No sample lies in the range: the row is left out.
  bool empty() const { return empty_; }
  std::string_view cell(uint32_t column) const { return cells_[column]; }
  const CellCounts& counts() const { return counts_; }

 private:
  struct Record {
    uint32_t column = 0;
    CellChunk chunk;
  };
  uint32_t ColumnOf(TimestampMs t_ms) const;
  // Whether a chunk of these times stays within a column.
  bool FitsColumn(TimestampMs min_ms, TimestampMs max_ms) const;
  bool FitsAlone(const EncodedChunk& chunk) const;
  Status Merge(std::span<const EncodedChunk> chunks);
  // Samples of `batch` as chunks cut at column borders.
  Status Encode(const SeriesBatch& batch, size_t begin, size_t end);
  Status Finish();

  const ShardWriterOptions& options_;
  const int64_t first_column_ms_;
  const CellFormat format_;
  std::vector<Record> records_;
  std::vector<std::vector<OwnedChunk>> made_;  // what records_ point into
  std::vector<std::string> cells_;
  bool empty_ = true;
  CellCounts counts_;
  SeriesBatch merged_;
  SeriesBatch scratch_;
};

}  // namespace thermocline::shards
