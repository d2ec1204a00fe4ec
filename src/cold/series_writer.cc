#include "cold/series_writer.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "base/bytes.h"
#include "base/hash.h"
#include "cold/block_filter.h"
#include "cold/block_footer.h"
#include "columnar/file_writer.h"

namespace thermocline {
namespace {

using columnar::CodeRun;
using columnar::ColumnEncoding;
using columnar::ColumnType;
using columnar::RowRange;

// Files of few rows cost little to compress harder.
constexpr size_t kFewRows = 64 << 10;
constexpr int kFewRowsLevel = 9;

columnar::FileWriterOptions FileOptions(const BlockWriterOptions& options, size_t rows) {
  columnar::FileWriterOptions file;
  file.zstd_level =
      rows <= kFewRows ? std::max(options.zstd_level, kFewRowsLevel) : options.zstd_level;
  file.page_rows = options.series_page_rows;
  file.dictionary_max_values = options.dictionary_max_values;
  file.dictionary_max_bytes = options.dictionary_max_bytes;
  return file;
}

// The rows of one row group, and columns computed from them.
class RowGroup {
 public:
  RowGroup(std::span<const SeriesRow> rows, columnar::FileWriter* file)
      : rows_(rows), file_(file) {}

  template <typename Get>
  Status WriteInts(uint32_t column, Get get) {
    ints_.clear();
    for (const SeriesRow& row : rows_) ints_.push_back(static_cast<int64_t>(get(row)));
    return file_->WriteInt64(column, ints_);
  }
  Status WriteSlices(uint32_t column) {
    std::vector<int64_t> widths;
    std::vector<CodeRun> runs;
    for (const SeriesRow& row : rows_) {
      const auto it = std::find(widths.begin(), widths.end(), row.slice_ms);
      const auto code = static_cast<uint32_t>(it - widths.begin());
      if (it == widths.end()) widths.push_back(row.slice_ms);
      if (runs.empty() || runs.back().code != code) runs.push_back({code, 0});
      ++runs.back().count;
    }
    return file_->WriteInt64Runs(column, widths, runs);
  }
  Status WriteLabelSets(uint32_t column) {
    std::vector<std::string_view> sets;  // an empty label set is not NULL
    sets.reserve(rows_.size());
    for (const SeriesRow& row : rows_) {
      const std::string_view packed = row.labels.packed();
      sets.push_back(packed.data() == nullptr ? std::string_view("") : packed);
    }
    return file_->WriteStrings(column, sets);
  }
  Status WriteMoreRows(uint32_t column) {
    return WriteLocators(column, [](const SeriesRow& row) {
      return row.more == nullptr ? std::string() : EncodeMoreRows(row.first, *row.more);
    });
  }
  Status WriteHistograms(uint32_t column, bool more) {
    RETURN_IF_ERROR(WriteInts(column, [](const auto& r) { return r.first_histograms().first; }));
    RETURN_IF_ERROR(
        WriteInts(column + 1, [](const auto& r) { return r.first_histograms().count; }));
    if (!more) return Status::Ok();
    return WriteLocators(column + 2, [](const SeriesRow& row) {
      if (row.histograms == nullptr) return std::string();
      return EncodeMoreRows(row.first_histograms(), std::span(*row.histograms).subspan(1));
    });
  }

 private:
  // No text is NULL.
  template <typename Get>
  Status WriteLocators(uint32_t column, Get get) {
    std::vector<std::string> texts(rows_.size());
    std::vector<std::string_view> views(rows_.size());
    for (size_t i = 0; i < rows_.size(); ++i) {
      texts[i] = get(rows_[i]);
      if (!texts[i].empty()) views[i] = texts[i];
    }
    return file_->WriteStrings(column, views);
  }

  std::span<const SeriesRow> rows_;
  columnar::FileWriter* file_;
  std::vector<int64_t> ints_;
};

BlockFile FileOf(BlockFileKind kind, std::string key, const columnar::FileSummary& summary) {
  return {kind, std::move(key), summary.size_bytes, summary.rows, summary.file_hash, summary.tail};
}

// Inserts in the order of kinds.
void AddFile(BlockEntry* entry, BlockFile file) {
  const auto at = std::find_if(entry->files.begin(), entry->files.end(),
                               [&](const BlockFile& f) { return f.kind > file.kind; });
  entry->files.insert(at, std::move(file));
}

void AddLocators(bool more, columnar::FileSchema* schema) {
  schema->columns.push_back({"first_row", ColumnType::kInt64, ColumnEncoding::kDelta});
  schema->columns.push_back({"row_count", ColumnType::kInt64, ColumnEncoding::kDelta});
  if (!more) return;
  schema->columns.push_back({"more_rows", ColumnType::kBytes, ColumnEncoding::kDeltaStrings});
  schema->columns.back().optional = true;
  schema->columns.back().bounds = false;
}

columnar::FileSchema SeriesSchema(std::span<const SeriesRow> rows,
                                  std::span<const BlockLabel> labels, bool with_histograms) {
  columnar::FileSchema schema;
  schema.columns = LabelColumnSpecs(labels);
  schema.columns.push_back({"label_set", ColumnType::kBytes, ColumnEncoding::kDeltaStrings});
  schema.columns.back().bounds = false;
  schema.columns.push_back({"series_id", ColumnType::kInt64, ColumnEncoding::kPlain});
  schema.columns.push_back({"min_time", ColumnType::kTimestampMs, ColumnEncoding::kDelta});
  schema.columns.push_back({"max_time", ColumnType::kTimestampMs, ColumnEncoding::kDelta});
  schema.columns.push_back({"sample_count", ColumnType::kInt64, ColumnEncoding::kDelta});
  schema.columns.push_back({"slice_ms", ColumnType::kInt64, ColumnEncoding::kDictionary});
  const auto any = [&](auto has) { return std::any_of(rows.begin(), rows.end(), has); };
  AddLocators(any([](const SeriesRow& row) { return row.more != nullptr; }), &schema);
  if (with_histograms) {
    const size_t first = schema.columns.size();
    AddLocators(any([](const SeriesRow& row) {
                  return row.histograms != nullptr && row.histograms->size() > 1;
                }),
                &schema);
    for (size_t i = first; i < schema.columns.size(); ++i) schema.columns[i].groups = {"histogram"};
  }
  schema.sorting.push_back({0, false, true});
  return schema;
}

Status WriteSeries(std::span<const SeriesRow> rows, std::span<const BlockLabel> labels,
                   const LabelRuns& runs, const columnar::KeyValues& keys,
                   const BlockWriterOptions& options, Bucket& bucket, BlockEntry* entry) {
  const bool with_histograms = entry->Find(BlockFileKind::kHistograms) != nullptr;
  columnar::FileSchema schema = SeriesSchema(rows, labels, with_histograms);
  const auto first = static_cast<uint32_t>(runs.column_count());
  const bool more = schema.Find("more_rows").has_value();
  const bool more_histograms = schema.Find("histogram.more_rows").has_value();
  std::string key = BlockFileKey(BlockFileKind::kSeries, entry->id, entry->range.start_ms);
  ASSIGN_OR_RETURN(const std::unique_ptr<ObjectWriter> sink, bucket.NewWriter(key));
  ASSIGN_OR_RETURN(
      const std::unique_ptr<columnar::FileWriter> file,
      columnar::FileWriter::Open(sink.get(), std::move(schema), FileOptions(options, rows.size())));
  for (uint64_t row = 0; row < rows.size();) {
    const uint64_t count = std::min<uint64_t>(options.row_group_rows, rows.size() - row);
    RETURN_IF_ERROR(file->BeginRowGroup(count));
    for (uint32_t i = 0; i < first; ++i) {
      const std::vector<CodeRun> slice = LabelRuns::Slice(runs.column(i), row, count);
      RETURN_IF_ERROR(file->WriteStringRuns(i, runs.column(i).dictionary, slice));
    }
    RowGroup group(rows.subspan(row, count), file.get());
    uint32_t column = first;
    RETURN_IF_ERROR(group.WriteLabelSets(column++));
    RETURN_IF_ERROR(group.WriteInts(column++, [](const auto& r) { return r.id.number; }));
    RETURN_IF_ERROR(group.WriteInts(column++, [](const auto& r) { return r.range.start_ms; }));
    RETURN_IF_ERROR(group.WriteInts(column++, [](const auto& r) { return r.range.end_ms; }));
    RETURN_IF_ERROR(group.WriteInts(column++, [](const auto& r) { return r.samples; }));
    RETURN_IF_ERROR(group.WriteSlices(column++));
    RETURN_IF_ERROR(group.WriteInts(column++, [](const auto& r) { return r.first.first; }));
    RETURN_IF_ERROR(group.WriteInts(column++, [](const auto& r) { return r.first.count; }));
    if (more) RETURN_IF_ERROR(group.WriteMoreRows(column++));
    if (with_histograms) RETURN_IF_ERROR(group.WriteHistograms(column, more_histograms));
    RETURN_IF_ERROR(file->EndRowGroup());
    row += count;
  }
  ASSIGN_OR_RETURN(const columnar::FileSummary summary, file->Finish(keys));
  RETURN_IF_ERROR(sink->Finish());
  AddFile(entry, FileOf(BlockFileKind::kSeries, std::move(key), summary));
  return Status::Ok();
}

// Columns whose values need an index of their own, by label.
std::vector<size_t> IndexedColumns(const LabelRuns& runs, const BlockWriterOptions& options) {
  std::vector<size_t> indexed;
  for (size_t i = 1; i + 1 < runs.column_count(); ++i) {
    const LabelColumnRuns& column = runs.column(i);
    if (column.dictionary.size() > options.dictionary_max_values ||
        column.dictionary_bytes > options.dictionary_max_bytes) {
      indexed.push_back(i);
    }
  }
  std::sort(indexed.begin(), indexed.end(),
            [&](size_t a, size_t b) { return runs.label(a) < runs.label(b); });
  return indexed;
}

// Rows of the `labels` table of one label: (value, series row), sorted.
struct LabelPostings {
  std::vector<std::string_view> values;
  std::vector<uint32_t> series_rows;
};

LabelPostings PostingsOf(const LabelColumnRuns& column) {
  std::vector<uint32_t> by_value(column.dictionary.size());
  std::iota(by_value.begin(), by_value.end(), 0);
  std::sort(by_value.begin(), by_value.end(),
            [&](uint32_t a, uint32_t b) { return column.dictionary[a] < column.dictionary[b]; });
  std::vector<uint32_t> counts(column.dictionary.size(), 0);
  uint64_t total = 0;
  for (const CodeRun& run : column.runs) {
    if (run.code == columnar::kNullCode) continue;
    counts[run.code] += run.count;
    total += run.count;
  }
  LabelPostings postings;
  postings.values.reserve(total);
  postings.series_rows.resize(total);
  std::vector<uint64_t> next(column.dictionary.size());
  for (const uint32_t code : by_value) {
    next[code] = postings.values.size();
    postings.values.insert(postings.values.end(), counts[code], column.dictionary[code]);
  }
  uint32_t row = 0;
  for (const CodeRun& run : column.runs) {
    if (run.code != columnar::kNullCode) {
      for (uint32_t i = 0; i < run.count; ++i) postings.series_rows[next[run.code]++] = row + i;
    }
    row += run.count;
  }
  return postings;
}

// One row group or more of one label.
Status WritePostings(std::string_view label, const LabelPostings& postings,
                     std::span<const SeriesRow> rows, uint64_t row_group_rows,
                     columnar::FileWriter* file) {
  for (uint64_t at = 0; at < postings.values.size();) {
    const uint64_t count = std::min<uint64_t>(row_group_rows, postings.values.size() - at);
    const std::span<const uint32_t> series = std::span(postings.series_rows).subspan(at, count);
    const std::array<std::string_view, 1> names = {label};
    const std::array<CodeRun, 1> run = {CodeRun{0, static_cast<uint32_t>(count)}};
    std::vector<int64_t> ints;
    const auto write = [&](uint32_t column, auto get) {
      ints.clear();
      for (const uint32_t row : series) ints.push_back(static_cast<int64_t>(get(row)));
      return file->WriteInt64(column, ints);
    };
    RETURN_IF_ERROR(file->BeginRowGroup(count));
    RETURN_IF_ERROR(file->WriteStringRuns(0, names, run));
    RETURN_IF_ERROR(file->WriteStrings(1, std::span(postings.values).subspan(at, count)));
    RETURN_IF_ERROR(write(2, [&](uint32_t row) { return rows[row].id.number; }));
    RETURN_IF_ERROR(write(3, [&](uint32_t row) { return rows[row].first.first; }));
    RETURN_IF_ERROR(write(4, [&](uint32_t row) { return rows[row].first.count; }));
    RETURN_IF_ERROR(write(5, [&](uint32_t row) { return row; }));
    RETURN_IF_ERROR(file->EndRowGroup());
    at += count;
  }
  return Status::Ok();
}

Status WriteLabels(std::span<const SeriesRow> rows, const LabelRuns& runs,
                   const std::vector<size_t>& indexed, const LabelColumns& columns,
                   const BlockWriterOptions& options, Bucket& bucket, BlockEntry* entry) {
  columnar::FileSchema schema;
  schema.columns.push_back({"name", ColumnType::kString, ColumnEncoding::kDictionary});
  schema.columns.push_back({"value", ColumnType::kString, ColumnEncoding::kDeltaStrings});
  schema.columns.push_back({"series_id", ColumnType::kInt64, ColumnEncoding::kPlain});
  schema.columns.push_back({"first_row", ColumnType::kInt64, ColumnEncoding::kDelta});
  schema.columns.push_back({"row_count", ColumnType::kInt64, ColumnEncoding::kDelta});
  schema.columns.push_back({"series_row", ColumnType::kInt64, ColumnEncoding::kDelta});
  schema.sorting = {{0, false, true}, {1, false, true}};
  std::string key = BlockFileKey(BlockFileKind::kLabels, entry->id, entry->range.start_ms);
  ASSIGN_OR_RETURN(const std::unique_ptr<ObjectWriter> sink, bucket.NewWriter(key));
  ASSIGN_OR_RETURN(
      const std::unique_ptr<columnar::FileWriter> file,
      columnar::FileWriter::Open(sink.get(), std::move(schema), FileOptions(options, rows.size())));
  for (const size_t column : indexed) {
    RETURN_IF_ERROR(WritePostings(runs.label(column), PostingsOf(runs.column(column)), rows,
                                  options.row_group_rows, file.get()));
  }
  ASSIGN_OR_RETURN(const columnar::FileSummary summary,
                   file->Finish(BlockKeyValues(*entry, BlockFileKind::kLabels, columns)));
  RETURN_IF_ERROR(sink->Finish());
  AddFile(entry, FileOf(BlockFileKind::kLabels, std::move(key), summary));
  return Status::Ok();
}

Status WriteFilter(std::span<const SeriesRow> rows, const LabelRuns& runs, Bucket& bucket,
                   BlockEntry* entry) {
  uint64_t keys = 0;
  for (size_t i = 0; i + 1 < runs.column_count(); ++i) {
    keys += 1 + runs.column(i).dictionary.size();
  }
  // Labels without a column are rare; counting them as one key each is near enough.
  keys += runs.column(runs.column_count() - 1).dictionary.size();
  BlockFilter filter(keys);
  for (size_t i = 0; i + 1 < runs.column_count(); ++i) {
    const std::string_view label = i == 0 ? kMetricNameLabel : runs.label(i);
    if (!runs.column(i).dictionary.empty()) filter.Add(label, "");
    for (const std::string_view value : runs.column(i).dictionary) filter.Add(label, value);
  }
  if (!runs.column(runs.column_count() - 1).dictionary.empty()) {
    for (const SeriesRow& row : rows) {
      for (const LabelPair& pair : row.labels) {
        filter.Add(pair.name, "");
        filter.Add(pair.name, pair.value);
      }
    }
  }
  const std::string bytes = filter.Encode();
  std::string key = BlockFileKey(BlockFileKind::kFilter, entry->id, entry->range.start_ms);
  RETURN_IF_ERROR(bucket.Put(key, bytes));
  AddFile(entry, {BlockFileKind::kFilter, std::move(key), bytes.size(), keys, Hash64(bytes), {}});
  return Status::Ok();
}

}  // namespace

std::string EncodeMoreRows(RowRange first, std::span<const RowRange> more) {
  std::string out;
  ByteWriter writer(&out);
  uint64_t before = first.end();
  for (const RowRange& rows : more) {
    writer.Varint(rows.first - before);
    writer.Varint(rows.count);
    before = rows.end();
  }
  return out;
}

Status DecodeMoreRows(std::string_view bytes, uint64_t limit, std::vector<RowRange>* rows) {
  ByteReader in(bytes);
  while (in.ok() && !in.done()) {
    const uint64_t before = rows->back().end();
    const uint64_t gap = in.Varint();
    const uint64_t count = in.Varint();
    if (!in.ok() || count == 0 || before > limit || gap > limit - before ||
        count > limit - before - gap) {
      return Status::Corruption(
          fmt::format("row locators: {} rows after {} with {} in the file", count, before, limit));
    }
    rows->push_back({before + gap, count});
  }
  return in.ok() ? Status::Ok() : Status::Corruption("row locators: cut");
}

Status WriteSeriesFiles(std::span<const SeriesRow> rows, std::span<const BlockLabel> labels,
                        const LabelColumns& columns, const BlockWriterOptions& options,
                        Bucket& bucket, BlockEntry* entry) {
  LabelRuns runs = MakeLabelRuns(labels);
  for (const SeriesRow& row : rows) runs.Add(row.labels, 1);
  runs.Finish();
  const std::vector<size_t> indexed = IndexedColumns(runs, options);
  if (!indexed.empty()) {
    RETURN_IF_ERROR(WriteLabels(rows, runs, indexed, columns, options, bucket, entry));
  }
  RETURN_IF_ERROR(WriteFilter(rows, runs, bucket, entry));
  std::vector<std::string> names;
  names.reserve(indexed.size());
  for (const size_t column : indexed) names.emplace_back(runs.label(column));
  return WriteSeries(rows, labels, runs, SeriesKeyValues(*entry, columns, names), options, bucket,
                     entry);
}

}  // namespace thermocline
