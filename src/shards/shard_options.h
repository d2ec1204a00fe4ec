// How shards are written.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/time.h"
#include "model/labels.h"
#include "shards/shard_columns.h"

namespace thermocline::shards {

enum class ChunkCompression {
  kAuto,  // zstd where it wins a twentieth, tried on some pages
  kZstd,  // where it wins anything
  kNone,
};

struct ShardWriterOptions {
  ShardLayout layout = ShardLayout::kParquetCommon;
  // Samples outside are left out; both ends inclusive. parquet-common counts its columns from the
  // start; the gateway's range lies in one UTC day.
  TimeRange range;
  int64_t column_ms = 8 * kHourMs;  // parquet-common; the gateway's is 8 h
  std::vector<std::string> sort_labels = {std::string(kMetricNameLabel)};
  std::vector<std::string> bloom_labels = {std::string(kMetricNameLabel)};
  uint64_t row_group_rows = 1'000'000;
  uint64_t row_groups_per_shard = 0;  // 0 = one shard, unless it has too many columns
  uint32_t max_columns = 32767;       // of a labels file
  // A row group also ends at so many bytes of chunks: they are held until it is written.
  uint64_t row_group_bytes = uint64_t{64} << 20;
  // Label sets of the series are kept while they are no more bytes together, and asked of the set
  // again otherwise.
  uint64_t plan_bytes = uint64_t{256} << 20;
  // Chunks made here hold at most so many samples; chunks passed through, twice as many, or no more
  // either when `cut_larger_chunks`.
  uint32_t samples_per_chunk = 120;
  bool cut_larger_chunks = false;
  uint32_t label_page_rows = 16 << 10;
  uint64_t chunk_page_bytes = 48 << 10;  // a page ends at the first row that passes it
  ChunkCompression chunk_compression = ChunkCompression::kAuto;
  int zstd_level = 3;
  // Gateway: the stream's labels, left out of every row; series that differ in nothing else are
  // one row.
  Labels external;

  Status Validate() const;
  uint32_t data_columns() const;
};

}  // namespace thermocline::shards
