#include "cold/histograms_writer.h"

#include <algorithm>

namespace thermocline {
namespace {

using columnar::ColumnEncoding;
using columnar::ColumnSpec;
using columnar::ColumnType;

// A histogram has some hundred bytes where a float has eight.
constexpr uint32_t kPageRows = 4 << 10;
constexpr uint32_t kRowGroupRows = 64 << 10;
constexpr uint64_t kRowGroupElements = 4 << 20;

}  // namespace

HistogramsWriter::HistogramsWriter(std::string key, std::span<const BlockLabel> labels,
                                   bool with_starts, const BlockWriterOptions& options)
    : key_(std::move(key)),
      with_starts_(with_starts),
      row_group_rows_(std::min(options.row_group_rows, kRowGroupRows)),
      series_(MakeLabelRuns(labels)) {
  schema_.columns = LabelColumnSpecs(labels);
  schema_.columns.push_back({"series_id", ColumnType::kInt64, ColumnEncoding::kDictionary});
  // As in `samples`: only the metric's pages tell what to skip.
  for (size_t i = 1; i < schema_.columns.size(); ++i) {
    schema_.columns[i].run_page_rows = static_cast<uint32_t>(row_group_rows_);
  }
  schema_.columns.push_back({"timestamp", ColumnType::kTimestampMs, ColumnEncoding::kDelta});
  if (with_starts) {
    ColumnSpec start{"start_timestamp", ColumnType::kTimestampMs, ColumnEncoding::kDelta};
    start.optional = true;  // 0 = none
    schema_.columns.push_back(start);
  }
  first_leaf_ = static_cast<uint32_t>(schema_.columns.size());
  for (ColumnSpec& spec : HistogramColumnSpecs(options.smallest_values)) {
    schema_.columns.push_back(std::move(spec));
  }
  schema_.sorting.push_back({0, false, true});
  file_options_.zstd_level = options.zstd_level;
  file_options_.page_rows = std::min(options.page_rows, kPageRows);
  file_options_.dictionary_max_values = options.dictionary_max_values;
  file_options_.dictionary_max_bytes = options.dictionary_max_bytes;
}

Result<std::unique_ptr<HistogramsWriter>> HistogramsWriter::Open(
    Bucket& bucket, std::string key, std::span<const BlockLabel> labels, bool with_starts,
    const BlockWriterOptions& options) {
  std::unique_ptr<HistogramsWriter> writer(
      new HistogramsWriter(std::move(key), labels, with_starts, options));
  ASSIGN_OR_RETURN(writer->sink_, bucket.NewWriter(writer->key_));
  ASSIGN_OR_RETURN(writer->file_, columnar::FileWriter::Open(writer->sink_.get(), writer->schema_,
                                                             writer->file_options_));
  return writer;
}

Status HistogramsWriter::Add(SeriesId id, LabelsView labels, const SeriesBatch& batch,
                             std::span<const uint32_t> samples) {
  uint32_t run = 0;
  for (const uint32_t sample : samples) {
    RETURN_IF_ERROR(histograms_.Add(*batch.histogram(sample)));
    timestamps_.push_back(batch.timestamps_ms[sample]);
    if (with_starts_) {
      starts_.push_back(batch.start_timestamps_ms.empty() ? 0 : batch.start_timestamps_ms[sample]);
    }
    ++run;
    ++rows_;
    if (timestamps_.size() < row_group_rows_ && histograms_.elements() < kRowGroupElements) {
      continue;
    }
    series_.Add(id, labels, run);
    run = 0;
    RETURN_IF_ERROR(WriteRowGroup());
  }
  if (run > 0) series_.Add(id, labels, run);
  return Status::Ok();
}

Status HistogramsWriter::WriteRowGroup() {
  RETURN_IF_ERROR(file_->BeginRowGroup(timestamps_.size()));
  RETURN_IF_ERROR(series_.Write(file_.get()));
  uint32_t column = series_.column_count();
  RETURN_IF_ERROR(file_->WriteInt64(column++, timestamps_));
  if (with_starts_) RETURN_IF_ERROR(file_->WriteInt64(column++, starts_));
  RETURN_IF_ERROR(histograms_.Write(first_leaf_, file_.get()));
  RETURN_IF_ERROR(file_->EndRowGroup());
  series_.Clear();
  timestamps_.clear();
  starts_.clear();
  histograms_.Clear();
  return Status::Ok();
}

Result<BlockFile> HistogramsWriter::Finish(const columnar::KeyValues& key_values) {
  if (!timestamps_.empty()) RETURN_IF_ERROR(WriteRowGroup());
  ASSIGN_OR_RETURN(const columnar::FileSummary summary, file_->Finish(key_values));
  RETURN_IF_ERROR(sink_->Finish());
  return BlockFile{BlockFileKind::kHistograms, key_,        summary.size_bytes, summary.rows,
                   summary.file_hash,          summary.tail};
}

}  // namespace thermocline
