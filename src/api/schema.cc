#include <thermocline/schema.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "api/bridge.h"
#include "api/convert_options.h"
#include "api/schemas.h"
#include "columnar/encoding_name.h"
#include "shards/row_group_buffer.h"

namespace thermocline::api {
namespace {

static_assert(static_cast<int>(ColumnType::kBytes) ==
              static_cast<int>(columnar::ColumnType::kBytes));

constexpr bool kOptional = true;

// The columns of src/cold/FORMAT.md 2 that are there whatever the labels are.
constexpr ColumnNote kSamplesColumns[] = {
    {"samples", "metric", ColumnType::kString, kOptional, "the label __name__"},
    {"samples", "labels", ColumnType::kString, kOptional,
     "JSON object of the labels without a column, in label order"},
    {"samples", "series_id", ColumnType::kInt64, false, "the 64 bits of the series id"},
    {"samples", "timestamp", ColumnType::kTimestampMs, false, "of the sample"},
    {"samples", "value", ColumnType::kDouble, kOptional,
     "NULL is the stale marker; every other bit pattern is itself"},
    {"samples", "start_timestamp", ColumnType::kTimestampMs, kOptional,
     "since when a counter counts; the column is absent when no sample says"},
    {"series", "metric", ColumnType::kString, kOptional, "the label __name__"},
    {"series", "labels", ColumnType::kString, kOptional, "as in samples"},
    {"series", "label_set", ColumnType::kBytes, false,
     "all labels: per label a varint length and the name, a varint length and the value"},
    {"series", "series_id", ColumnType::kInt64, false, "as in samples"},
    {"series", "min_time", ColumnType::kTimestampMs, false, "of the series' first sample"},
    {"series", "max_time", ColumnType::kTimestampMs, false, "of its last sample"},
    {"series", "sample_count", ColumnType::kInt64, false, "floats and histograms"},
    {"series", "slice_ms", ColumnType::kInt64, false, "width of the metric's time slices"},
    {"series", "first_row", ColumnType::kInt64, false, "rows of samples in the first slice..."},
    {"series", "row_count", ColumnType::kInt64, false, "...that has any"},
    {"series", "more_rows", ColumnType::kBytes, kOptional,
     "later slices, varint pairs: gap to the rows before, rows"},
    {"series", "histogram.first_row", ColumnType::kInt64, false, "the same three of histograms;"},
    {"series", "histogram.row_count", ColumnType::kInt64, false, "the columns are absent..."},
    {"series", "histogram.more_rows", ColumnType::kBytes, kOptional, "...when there are none"},
    {"labels", "name", ColumnType::kString, false, "of a label with very many values"},
    {"labels", "value", ColumnType::kString, false, "one of its values"},
    {"labels", "series_id", ColumnType::kInt64, false, "a series that has it"},
    {"labels", "first_row", ColumnType::kInt64, false, "as in series"},
    {"labels", "row_count", ColumnType::kInt64, false, "as in series"},
    {"labels", "series_row", ColumnType::kInt64, false, "the series' row of series"},
    {"histograms", "metric", ColumnType::kString, kOptional, "the label __name__"},
    {"histograms", "labels", ColumnType::kString, kOptional, "as in samples"},
    {"histograms", "series_id", ColumnType::kInt64, false, "as in samples"},
    {"histograms", "timestamp", ColumnType::kTimestampMs, false, "of the sample"},
    {"histograms", "start_timestamp", ColumnType::kTimestampMs, kOptional, "as in samples"},
    {"histograms", "histogram.kind", ColumnType::kString, false, "int or float"},
    {"histograms", "histogram.schema", ColumnType::kInt64, false,
     "-4 to 8, or -53 for custom bounds"},
    {"histograms", "histogram.reset_hint", ColumnType::kString, false,
     "unknown, reset, not_reset or gauge"},
    {"histograms", "histogram.zero_threshold", ColumnType::kDouble, false,
     "width of the zero bucket"},
    {"histograms", "histogram.sum", ColumnType::kDouble, kOptional,
     "NULL is the stale marker: the histogram is stale"},
    {"histograms", "histogram.count", ColumnType::kInt64, kOptional, "of int"},
    {"histograms", "histogram.zero_count", ColumnType::kInt64, kOptional, "of int"},
    {"histograms", "histogram.float_count", ColumnType::kDouble, kOptional, "of float"},
    {"histograms", "histogram.float_zero_count", ColumnType::kDouble, kOptional, "of float"},
    {"histograms", "histogram.positive_spans.list.element.offset", ColumnType::kInt64, false,
     "empty buckets after the span before"},
    {"histograms", "histogram.positive_spans.list.element.length", ColumnType::kInt64, false,
     "buckets of the span"},
    {"histograms", "histogram.negative_spans.list.element.offset", ColumnType::kInt64, false,
     "the same of negative values"},
    {"histograms", "histogram.negative_spans.list.element.length", ColumnType::kInt64, false,
     "the same of negative values"},
    {"histograms", "histogram.positive_counts.list.element", ColumnType::kInt64, false,
     "of int: absolute, one a bucket of the spans"},
    {"histograms", "histogram.negative_counts.list.element", ColumnType::kInt64, false,
     "the same of negative values"},
    {"histograms", "histogram.positive_float_counts.list.element", ColumnType::kDouble, false,
     "of float"},
    {"histograms", "histogram.negative_float_counts.list.element", ColumnType::kDouble, false,
     "the same of negative values"},
    {"histograms", "histogram.custom_bounds.list.element", ColumnType::kDouble, false,
     "upper bounds, ascending"},
    {"exemplars", "metric", ColumnType::kString, kOptional, "the label __name__ of the series"},
    {"exemplars", "labels", ColumnType::kString, kOptional, "as in samples"},
    {"exemplars", "label_set", ColumnType::kBytes, false, "of the series, as in series"},
    {"exemplars", "series_id", ColumnType::kInt64, false, "as in samples"},
    {"exemplars", "timestamp", ColumnType::kTimestampMs, false, "of the exemplar"},
    {"exemplars", "value", ColumnType::kDouble, false, "every bit pattern is itself"},
    {"exemplars", "exemplar.labels", ColumnType::kString, kOptional,
     "JSON object of its own labels; NULL when they are not UTF-8"},
    {"exemplars", "exemplar.trace_id", ColumnType::kString, kOptional, "its label of that name"},
    {"exemplars", "exemplar.label_set", ColumnType::kBytes, false, "its own labels, packed"},
    {"metadata", "metric", ColumnType::kString, false, "name of the family"},
    {"metadata", "type", ColumnType::kString, false, "counter, gauge, ...; empty is not known"},
    {"metadata", "help", ColumnType::kString, false, "empty is not known"},
    {"metadata", "unit", ColumnType::kString, false, "empty is not known"},
};

thermocline::Result<std::vector<TableSchema>> SchemasOf(
    const ConvertOptions& options, const std::vector<std::string>& label_names) {
  if (options.layout != Layout::kParquetCommon && options.layout != Layout::kGateway) {
    return thermocline::Status::InvalidArgument(std::string(LayoutName(options.layout)) +
                                                ": not a layout of shards");
  }
  ASSIGN_OR_RETURN(auto inner, InnerOptions(options));
  shards::ShardWriterOptions& shard = inner.shards;
  shard.layout = options.layout == Layout::kGateway ? shards::ShardLayout::kGateway
                                                    : shards::ShardLayout::kParquetCommon;
  shard.range = inner.range;
  if (options.layout == Layout::kGateway) {
    shard.range = {0, kDayMs - 1};
  } else if (options.range.start_ms == kMinTimeMs || options.range.end_ms == kMaxTimeMs) {
    shard.range = {0, shard.column_ms - 1};
  }
  RETURN_IF_ERROR(shard.Validate());
  std::vector<std::string> sorted = label_names;
  std::sort(sorted.begin(), sorted.end());
  return std::vector<TableSchema>{ToApi("labels", shards::LabelsSchema(shard, sorted)),
                                  ToApi("chunks", shards::ChunksSchema(shard))};
}

}  // namespace

TableSchema ToApi(std::string table, const columnar::FileSchema& schema) {
  TableSchema out;
  out.table = std::move(table);
  for (const columnar::ColumnSpec& column : schema.columns) {
    out.columns.push_back({column.path(), static_cast<ColumnType>(column.type), column.optional,
                           std::string(columnar::EncodingName(column.encoding))});
  }
  for (const columnar::SortingColumn& sorting : schema.sorting) {
    out.sorted_by.push_back(schema.columns[sorting.column].path());
  }
  return out;
}

std::string_view TypeName(ColumnType type) {
  switch (type) {
    case ColumnType::kInt64: return "int64";
    case ColumnType::kTimestampMs: return "timestamp[ms]";
    case ColumnType::kDouble: return "double";
    case ColumnType::kString: return "string";
    case ColumnType::kBytes: return "bytes";
  }
  return "";
}

Result<std::vector<TableSchema>> ShardSchemas(const ConvertOptions& options,
                                              const std::vector<std::string>& label_names) {
  return ToApi(SchemasOf(options, label_names));
}

std::vector<ColumnNote> SamplesColumns() {
  return {std::begin(kSamplesColumns), std::end(kSamplesColumns)};
}

}  // namespace thermocline::api
