// The `samples` file of one block: rows of series, gathered into row groups.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "bucket/object.h"
#include "cold/block_writer.h"
#include "cold/label_columns.h"
#include "cold/label_runs.h"
#include "columnar/file_writer.h"
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

class SamplesWriter {
 public:
  // `sink` and the label strings outlive the writer. `with_starts`: has a start_timestamp column.
  static Result<std::unique_ptr<SamplesWriter>> Open(ObjectWriter* sink,
                                                     std::span<const BlockLabel> labels,
                                                     bool with_starts,
                                                     const BlockWriterOptions& options);

  // Appends rows of one series. `labels` must stay valid until Finish. `starts` is empty or
  // parallel to `times`; it must be empty unless `with_starts`.
  Status Add(SeriesId id, LabelsView labels, std::span<const TimestampMs> times,
             std::span<const double> values, std::span<const TimestampMs> starts);
  uint64_t rows() const { return finished_rows_ + timestamps_.size(); }
  Result<columnar::FileSummary> Finish(const columnar::KeyValues& key_values);

 private:
  SamplesWriter(std::span<const BlockLabel> labels, bool with_starts,
                const BlockWriterOptions& options);
  void AddRows(SeriesId id, LabelsView labels, uint32_t count);
  Status WriteRowGroup();

  const bool with_starts_;
  const uint64_t row_group_rows_;
  std::unique_ptr<columnar::FileWriter> file_;
  uint64_t finished_rows_ = 0;

  // The row group being gathered.
  LabelRuns labels_;
  std::vector<int64_t> ids_;
  std::unordered_map<uint64_t, uint32_t> id_codes_;
  std::vector<columnar::CodeRun> id_runs_;
  std::vector<TimestampMs> timestamps_;
  std::vector<double> values_;
  std::vector<TimestampMs> starts_;
};

}  // namespace thermocline
