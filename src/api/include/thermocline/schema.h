// The columns of the Parquet files that Thermocline writes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <thermocline/convert.h>
#include <thermocline/export.h>
#include <thermocline/status.h>

namespace thermocline::api {

enum class ColumnType {
  kInt64,
  kTimestampMs,  // INT64, TIMESTAMP(MILLIS, UTC)
  kDouble,
  kString,  // BYTE_ARRAY, STRING
  kBytes,   // BYTE_ARRAY
};
THERMOCLINE_API std::string_view TypeName(ColumnType type);  // "int64", "timestamp[ms]", ...

struct Column {
  std::string name;  // its path: group.field in a group
  ColumnType type = ColumnType::kInt64;
  bool optional = false;
  std::string encoding;  // as Parquet names it
};

struct TableSchema {
  std::string table;  // "labels", "chunks"; of a file that was opened its name
  std::vector<Column> columns;
  // Columns whose order the rows are declared to be in.
  std::vector<std::string> sorted_by;
};

// The files of a shard as Convert writes them with these options, for series with these label
// names: `labels` and `chunks`. A chunks file of parquet-common has as many data columns as
// `options.range` takes; one, when it has no ends. The columns of the samples layout follow its
// data: see SamplesColumns, and ParquetFile for a file's own.
THERMOCLINE_API Result<std::vector<TableSchema>> ShardSchemas(
    const ConvertOptions& options, const std::vector<std::string>& label_names);

// What every column of the samples layout means, by table; one column more a label.
struct ColumnNote {
  std::string_view table;  // samples, series, labels, histograms, exemplars, metadata
  std::string_view name;
  ColumnType type = ColumnType::kInt64;
  bool optional = false;
  std::string_view meaning;
};
THERMOCLINE_API std::vector<ColumnNote> SamplesColumns();

}  // namespace thermocline::api
