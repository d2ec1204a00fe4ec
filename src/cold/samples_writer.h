// The `samples` file of one block: rows of series, gathered into row groups.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "bucket/object.h"
#include "cold/block_writer.h"
#include "cold/label_columns.h"
#include "cold/label_runs.h"
#include "cold/ordered_jobs.h"
#include "columnar/file_writer.h"
#include "env/executor.h"
#include "model/labels.h"

namespace thermocline {

// A label that is a column of the block.
struct BlockLabel {
  std::string_view label;
  std::string_view column;
};

// The row-aligned columns that `samples` and `series` begin with: metric, one per label, `labels`.
std::vector<columnar::ColumnSpec> LabelColumnSpecs(std::span<const BlockLabel> labels);
LabelRuns MakeLabelRuns(std::span<const BlockLabel> labels);

// The columns of one row group while they are gathered, and what becomes of them.
class SamplesRowGroup {
 public:
  static Result<std::unique_ptr<SamplesRowGroup>> Make(std::span<const BlockLabel> labels,
                                                       bool with_starts,
                                                       const columnar::FileSchema& schema,
                                                       const columnar::FileWriterOptions& options,
                                                       uint64_t most_rows);
  // As SamplesWriter::Add; all of it goes into this row group.
  void Add(SeriesId id, LabelsView labels, std::span<const TimestampMs> times,
           std::span<const double> values, std::span<const TimestampMs> starts);
  uint64_t rows() const { return timestamps_.size(); }
  // Other encodings and compression than Make was given; before Encode.
  Status EncodeAs(const columnar::FileSchema& schema, const columnar::FileWriterOptions& options);
  // Fills encoded(), which stays valid until Clear. Touches nothing outside of the object but the
  // label strings.
  Status Encode();
  const columnar::EncodedRowGroup& encoded() const { return encoder_->row_group(); }
  void Clear();  // keeps the memory

 private:
  SamplesRowGroup(std::span<const BlockLabel> labels, bool with_starts)
      : with_starts_(with_starts), series_(MakeLabelRuns(labels)) {}

  const bool with_starts_;
  std::unique_ptr<columnar::RowGroupEncoder> encoder_;
  SeriesColumns series_;
  std::vector<TimestampMs> timestamps_;
  std::vector<double> values_;
  std::vector<TimestampMs> starts_;
};

// The calling thread gathers and writes to the sink; row groups are encoded on it and on the
// executor. The bytes do not depend on the number of threads.
class SamplesWriter {
 public:
  // `sink` and the label strings outlive the writer. `with_starts`: has a start_timestamp column.
  static Result<std::unique_ptr<SamplesWriter>> Open(ObjectWriter* sink,
                                                     std::span<const BlockLabel> labels,
                                                     bool with_starts,
                                                     const BlockWriterOptions& options,
                                                     Executor& executor);

  // Appends rows of one series. `labels` must stay valid until Finish, or the writer is gone.
  // `starts` is empty or parallel to `times`; it must be empty unless `with_starts`.
  Status Add(SeriesId id, LabelsView labels, std::span<const TimestampMs> times,
             std::span<const double> values, std::span<const TimestampMs> starts);
  uint64_t rows() const { return rows_; }
  Result<columnar::FileSummary> Finish(const columnar::KeyValues& key_values);

 private:
  SamplesWriter(std::span<const BlockLabel> labels, bool with_starts,
                const BlockWriterOptions& options, Executor& executor);
  Status NextRowGroup();
  Status EncodeRowGroup();
  Status WriteOldest();

  const std::vector<BlockLabel> labels_;
  const bool with_starts_;
  const uint64_t row_group_rows_;
  const size_t threads_;
  columnar::FileSchema schema_;
  columnar::FileWriterOptions file_options_;
  std::unique_ptr<columnar::FileWriter> file_;
  uint64_t rows_ = 0;
  std::unique_ptr<SamplesRowGroup> gathering_;
  std::deque<std::unique_ptr<SamplesRowGroup>> encoding_;  // as in jobs_
  std::vector<std::unique_ptr<SamplesRowGroup>> free_;
  OrderedJobs jobs_;  // destroyed first: its jobs use the row groups
};

}  // namespace thermocline
