#include "cold/samples_writer.h"

#include <algorithm>

#include "model/sample.h"

namespace thermocline {

using columnar::ColumnEncoding;
using columnar::ColumnSpec;
using columnar::ColumnType;

std::vector<ColumnSpec> LabelColumnSpecs(std::span<const BlockLabel> labels) {
  std::vector<ColumnSpec> columns;
  const auto add = [&](std::string_view name) {
    ColumnSpec& spec = columns.emplace_back();
    spec.name = name;
    spec.type = ColumnType::kString;
    spec.encoding = ColumnEncoding::kDictionary;
    spec.optional = true;
  };
  add("metric");
  for (const BlockLabel& label : labels) add(label.column);
  add("labels");
  return columns;
}

LabelRuns MakeLabelRuns(std::span<const BlockLabel> labels) {
  std::vector<std::string_view> names;
  for (const BlockLabel& label : labels) names.push_back(label.label);
  return LabelRuns(std::move(names));
}

SamplesWriter::SamplesWriter(std::span<const BlockLabel> labels, bool with_starts,
                             const BlockWriterOptions& options)
    : with_starts_(with_starts),
      row_group_rows_(options.row_group_rows),
      labels_(MakeLabelRuns(labels)) {}

Result<std::unique_ptr<SamplesWriter>> SamplesWriter::Open(ObjectWriter* sink,
                                                           std::span<const BlockLabel> labels,
                                                           bool with_starts,
                                                           const BlockWriterOptions& options) {
  columnar::FileSchema schema;
  schema.columns = LabelColumnSpecs(labels);
  schema.columns.push_back({"series_id", ColumnType::kInt64, ColumnEncoding::kDictionary});
  schema.columns.push_back({"timestamp", ColumnType::kTimestampMs, ColumnEncoding::kDelta});
  ColumnSpec value{
      "value", ColumnType::kDouble,
      options.smallest_values ? ColumnEncoding::kSplitSmallest : ColumnEncoding::kSplitSampled};
  value.optional = true;
  value.null_bits = kStaleBits;
  schema.columns.push_back(value);
  if (with_starts) {
    ColumnSpec start{"start_timestamp", ColumnType::kTimestampMs, ColumnEncoding::kDelta};
    start.optional = true;  // 0 = none
    schema.columns.push_back(start);
  }
  schema.sorting.push_back({0, false, true});
  columnar::FileWriterOptions file_options;
  file_options.zstd_level = options.zstd_level;
  file_options.page_rows = options.page_rows;
  file_options.dictionary_max_values = options.dictionary_max_values;
  file_options.dictionary_max_bytes = options.dictionary_max_bytes;
  std::unique_ptr<SamplesWriter> writer(new SamplesWriter(labels, with_starts, options));
  ASSIGN_OR_RETURN(writer->file_,
                   columnar::FileWriter::Open(sink, std::move(schema), file_options));
  return writer;
}

Status SamplesWriter::Add(SeriesId id, LabelsView labels, std::span<const TimestampMs> times,
                          std::span<const double> values, std::span<const TimestampMs> starts) {
  CHECK(times.size() == values.size() && (starts.empty() || starts.size() == times.size()));
  CHECK(with_starts_ || starts.empty());
  while (!times.empty()) {
    const size_t count = std::min<size_t>(times.size(), row_group_rows_ - timestamps_.size());
    timestamps_.insert(timestamps_.end(), times.begin(), times.begin() + count);
    values_.insert(values_.end(), values.begin(), values.begin() + count);
    if (with_starts_) {
      starts_.insert(starts_.end(), starts.begin(),
                     starts.empty() ? starts.begin() : starts.begin() + count);
      starts_.resize(timestamps_.size(), 0);
    }
    AddRows(id, labels, static_cast<uint32_t>(count));
    times = times.subspan(count);
    values = values.subspan(count);
    if (!starts.empty()) starts = starts.subspan(count);
    if (timestamps_.size() == row_group_rows_) RETURN_IF_ERROR(WriteRowGroup());
  }
  return Status::Ok();
}

void SamplesWriter::AddRows(SeriesId id, LabelsView labels, uint32_t count) {
  labels_.Add(labels, count);
  const auto [it, added] = id_codes_.emplace(id.number, static_cast<uint32_t>(ids_.size()));
  if (added) ids_.push_back(static_cast<int64_t>(id.number));
  if (!id_runs_.empty() && id_runs_.back().code == it->second) {
    id_runs_.back().count += count;
  } else {
    id_runs_.push_back({it->second, count});
  }
}

Status SamplesWriter::WriteRowGroup() {
  if (timestamps_.empty()) return Status::Ok();
  labels_.Finish();
  RETURN_IF_ERROR(file_->BeginRowGroup(timestamps_.size()));
  uint32_t column = 0;
  for (size_t i = 0; i < labels_.column_count(); ++i) {
    const LabelColumnRuns& runs = labels_.column(i);
    RETURN_IF_ERROR(file_->WriteStringRuns(column++, runs.dictionary, runs.runs));
  }
  RETURN_IF_ERROR(file_->WriteInt64Runs(column++, ids_, id_runs_));
  RETURN_IF_ERROR(file_->WriteInt64(column++, timestamps_));
  RETURN_IF_ERROR(file_->WriteDoubles(column++, values_));
  if (with_starts_) RETURN_IF_ERROR(file_->WriteInt64(column++, starts_));
  RETURN_IF_ERROR(file_->EndRowGroup());
  finished_rows_ += timestamps_.size();
  labels_.Clear();
  ids_.clear();
  id_codes_.clear();
  id_runs_.clear();
  timestamps_.clear();
  values_.clear();
  starts_.clear();
  return Status::Ok();
}

Result<columnar::FileSummary> SamplesWriter::Finish(const columnar::KeyValues& key_values) {
  RETURN_IF_ERROR(WriteRowGroup());
  return file_->Finish(key_values);
}

}  // namespace thermocline
