#include "cold/samples_writer.h"

#include <algorithm>

#include "model/sample.h"

namespace thermocline {

using columnar::ColumnEncoding;
using columnar::ColumnSpec;
using columnar::ColumnType;

// A block of one row group, as small installations make, costs little to compress harder.
constexpr int kSmallBlockLevel = 7;
constexpr uint64_t kMostReserved = 1 << 20;  // rows

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

Result<std::unique_ptr<SamplesRowGroup>> SamplesRowGroup::Make(
    std::span<const BlockLabel> labels, bool with_starts, const columnar::FileSchema& schema,
    const columnar::FileWriterOptions& options, uint64_t most_rows) {
  std::unique_ptr<SamplesRowGroup> group(new SamplesRowGroup(labels, with_starts));
  // Memory that is never touched costs nothing; growing would copy all rows twice.
  most_rows = std::min(most_rows, kMostReserved);
  group->timestamps_.reserve(most_rows);
  group->values_.reserve(most_rows);
  ASSIGN_OR_RETURN(group->encoder_, columnar::RowGroupEncoder::Make(schema, options));
  return group;
}

Status SamplesRowGroup::EncodeAs(const columnar::FileSchema& schema,
                                 const columnar::FileWriterOptions& options) {
  ASSIGN_OR_RETURN(encoder_, columnar::RowGroupEncoder::Make(schema, options));
  return Status::Ok();
}

void SamplesRowGroup::Add(SeriesId id, LabelsView labels, std::span<const TimestampMs> times,
                          std::span<const double> values, std::span<const TimestampMs> starts) {
  const auto count = static_cast<uint32_t>(times.size());
  timestamps_.insert(timestamps_.end(), times.begin(), times.end());
  values_.insert(values_.end(), values.begin(), values.end());
  if (with_starts_) {
    starts_.insert(starts_.end(), starts.begin(), starts.end());
    starts_.resize(timestamps_.size(), 0);
  }
  series_.Add(id, labels, count);
}

Status SamplesRowGroup::Encode() {
  RETURN_IF_ERROR(encoder_->BeginRowGroup(rows()));
  RETURN_IF_ERROR(series_.Write(encoder_.get()));
  uint32_t column = series_.column_count();
  RETURN_IF_ERROR(encoder_->WriteInt64(column++, timestamps_));
  RETURN_IF_ERROR(encoder_->WriteDoubles(column++, values_));
  if (with_starts_) RETURN_IF_ERROR(encoder_->WriteInt64(column++, starts_));
  return encoder_->EndRowGroup();
}

void SamplesRowGroup::Clear() {
  series_.Clear();
  timestamps_.clear();
  values_.clear();
  starts_.clear();
}

SamplesWriter::SamplesWriter(std::span<const BlockLabel> labels, bool with_starts,
                             const BlockWriterOptions& options, Executor& executor)
    : labels_(labels.begin(), labels.end()),
      with_starts_(with_starts),
      row_group_rows_(options.row_group_rows),
      threads_(std::min<size_t>(options.threads, static_cast<size_t>(executor.parallelism()))),
      jobs_(executor, threads_) {
  schema_.columns = LabelColumnSpecs(labels);
  schema_.columns.push_back({"series_id", ColumnType::kInt64, ColumnEncoding::kDictionary});
  // The rows are sorted by metric: pages of the others tell no reader what to skip, and ours takes
  // labels and ids from `series`.
  for (size_t i = 1; i < schema_.columns.size(); ++i) {
    schema_.columns[i].run_page_rows = std::min<uint32_t>(options.row_group_rows, 1 << 20);
  }
  schema_.columns.push_back({"timestamp", ColumnType::kTimestampMs, ColumnEncoding::kDelta});
  ColumnSpec value{
      "value", ColumnType::kDouble,
      options.smallest_values ? ColumnEncoding::kSplitSmallest : ColumnEncoding::kSplitSampled};
  value.optional = true;
  value.null_bits = kStaleBits;
  schema_.columns.push_back(value);
  if (with_starts) {
    ColumnSpec start{"start_timestamp", ColumnType::kTimestampMs, ColumnEncoding::kDelta};
    start.optional = true;  // 0 = none
    schema_.columns.push_back(start);
  }
  schema_.sorting.push_back({0, false, true});
  file_options_.zstd_level = options.zstd_level;
  file_options_.page_rows = options.page_rows;
  file_options_.dictionary_max_values = options.dictionary_max_values;
  file_options_.dictionary_max_bytes = options.dictionary_max_bytes;
}

Result<std::unique_ptr<SamplesWriter>> SamplesWriter::Open(ObjectWriter* sink,
                                                           std::span<const BlockLabel> labels,
                                                           bool with_starts,
                                                           const BlockWriterOptions& options,
                                                           Executor& executor) {
  std::unique_ptr<SamplesWriter> writer(new SamplesWriter(labels, with_starts, options, executor));
  ASSIGN_OR_RETURN(writer->file_,
                   columnar::FileWriter::Open(sink, writer->schema_, writer->file_options_));
  RETURN_IF_ERROR(writer->NextRowGroup());
  return writer;
}

Status SamplesWriter::NextRowGroup() {
  if (free_.empty()) {
    ASSIGN_OR_RETURN(gathering_, SamplesRowGroup::Make(labels_, with_starts_, schema_,
                                                       file_options_, row_group_rows_));
    return Status::Ok();
  }
  gathering_ = std::move(free_.back());
  free_.pop_back();
  return Status::Ok();
}

Status SamplesWriter::Add(SeriesId id, LabelsView labels, std::span<const TimestampMs> times,
                          std::span<const double> values, std::span<const TimestampMs> starts) {
  CHECK(times.size() == values.size() && (starts.empty() || starts.size() == times.size()));
  CHECK(with_starts_ || starts.empty());
  while (!times.empty()) {
    const size_t count = std::min<size_t>(times.size(), row_group_rows_ - gathering_->rows());
    gathering_->Add(id, labels, times.first(count), values.first(count),
                    starts.empty() ? starts : starts.first(count));
    rows_ += count;
    times = times.subspan(count);
    values = values.subspan(count);
    if (!starts.empty()) starts = starts.subspan(count);
    if (gathering_->rows() == row_group_rows_) {
      RETURN_IF_ERROR(EncodeRowGroup());
      RETURN_IF_ERROR(NextRowGroup());
    }
  }
  return Status::Ok();
}

Status SamplesWriter::EncodeRowGroup() {
  SamplesRowGroup* const group = gathering_.get();
  encoding_.push_back(std::move(gathering_));
  jobs_.Start([group] { return group->Encode(); });
  // One row group is gathered while the others are encoded or wait.
  while (jobs_.size() >= (threads_ == 1 ? 1 : threads_ + 1)) RETURN_IF_ERROR(WriteOldest());
  return Status::Ok();
}

Status SamplesWriter::WriteOldest() {
  RETURN_IF_ERROR(jobs_.FinishOldest());
  std::unique_ptr<SamplesRowGroup> group = std::move(encoding_.front());
  encoding_.pop_front();
  RETURN_IF_ERROR(file_->WriteRowGroup(group->encoded()));
  group->Clear();
  free_.push_back(std::move(group));
  return Status::Ok();
}

Result<columnar::FileSummary> SamplesWriter::Finish(const columnar::KeyValues& key_values) {
  if (gathering_->rows() > 0 && gathering_->rows() == rows_) {
    columnar::FileSchema schema = schema_;
    for (ColumnSpec& column : schema.columns) {
      if (column.encoding == ColumnEncoding::kSplitSampled) {
        column.encoding = ColumnEncoding::kSplitSmallest;
      }
    }
    columnar::FileWriterOptions options = file_options_;
    options.zstd_level = std::max(options.zstd_level, kSmallBlockLevel);
    RETURN_IF_ERROR(gathering_->EncodeAs(schema, options));
  }
  if (gathering_->rows() > 0) RETURN_IF_ERROR(EncodeRowGroup());
  while (jobs_.size() > 0) RETURN_IF_ERROR(WriteOldest());
  return file_->Finish(key_values);
}

}  // namespace thermocline
