// Which columns of a shard's two files hold what: the four dialects recognised by their names.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "columnar/file_reader.h"
#include "shards/cell.h"

namespace thermocline::shards {

inline constexpr std::string_view kLabelPrefix = "l_";
inline constexpr std::string_view kColumnListName = "s_col_indexes";
inline constexpr std::string_view kSeriesHashName = "s_series_hash";
inline constexpr std::string_view kDataPrefix = "s_data_";
inline constexpr std::string_view kDurationKey = "data_col_duration_ms";
inline constexpr std::string_view kMinTimeKey = "minT";
inline constexpr std::string_view kMaxTimeKey = "maxT";

inline constexpr std::string_view kGatewayLabelPrefix = "___cf_meta_label_";
inline constexpr std::string_view kGatewayIndexName = "___cf_meta_index";
inline constexpr std::string_view kGatewayHashName = "___cf_meta_hash";
inline constexpr std::string_view kGatewayDataPrefix = "___cf_meta_chunk_";
inline constexpr uint32_t kGatewayDataColumns = 3;
inline constexpr int64_t kGatewayColumnMs = 8 * 3600 * 1000;

enum class ShardLayout { kParquetCommon, kGateway };

struct LabelColumn {
  std::string name;
  uint32_t leaf = 0;
};

struct ShardColumns {
  ShardLayout layout = ShardLayout::kParquetCommon;
  // Gateway: 0 no column list, 1 with one, 2 with hashes. parquet-common (as Cortex' mark counts):
  // 1 without hashes, 2 with them.
  int version = 0;
  CellFormat cells = CellFormat::kVarint;
  std::vector<LabelColumn> labels;      // ascending by name
  std::vector<int32_t> label_of_leaf;   // leaf of the labels file -> `labels`, or -1
  std::optional<uint32_t> column_list;  // leaf of the labels file
  std::optional<uint32_t> labels_hash;  // leaf of the labels file
  std::optional<uint32_t> chunks_hash;  // leaf of the chunks file
  std::vector<uint32_t> data;           // leaf of the chunks file per data column
  TimeRange range;                      // no sample lies outside
  int64_t column_ms = 0;                // a data column's width, the first begins at start
  bool ours = false;                    // written here: chunks are what they claim to be

  // Data columns that may hold samples of `wanted`: [first, end). Empty outside the shard's time.
  struct Span {
    uint32_t first = 0;
    uint32_t end = 0;
  };
  Span DataColumns(TimeRange wanted) const;
  const LabelColumn* FindLabel(std::string_view name) const;
};

// `day` is what meta.pb says; a gateway shard without it is taken to hold any time.
// Corruption when names or footer keys contradict the layout, or the two files each other.
Result<ShardColumns> RecogniseColumns(const columnar::FileIndex& labels,
                                      const columnar::FileIndex& chunks,
                                      std::optional<TimeRange> day);

// The number of data columns of parquet-common: floor((max - min) / width) + 1.
uint64_t DataColumnCount(TimeRange range, int64_t column_ms);

}  // namespace thermocline::shards
