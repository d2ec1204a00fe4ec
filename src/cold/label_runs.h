// The label columns of consecutive rows as dictionaries and runs: what makes labels cost one step
// per series and label, whatever the number of rows.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "columnar/row_group_encoder.h"
#include "columnar/schema.h"
#include "model/labels.h"

namespace thermocline {

// One column being built. Values are views: into the label sets given to LabelRuns::Add, which
// outlive it, or into the LabelRuns itself.
struct LabelColumnRuns {
  std::vector<std::string_view> dictionary;  // distinct
  std::vector<columnar::CodeRun> runs;
  uint64_t rows = 0;  // that the runs cover; the rest is NULL until Finish
  uint64_t dictionary_bytes = 0;

  uint32_t CodeOf(std::string_view value);
  void Append(uint32_t code, uint64_t first_row, uint32_t count);
  void Clear();

 private:
  void Grow();
  std::vector<uint32_t> slots_;  // open addressing; code + 1, 0 = free
};

// Column 0 is the metric name, 1 .. n the labels given, n + 1 all other labels of a row as one JSON
// object. Rows are added in order.
class LabelRuns {
 public:
  // `labels` have a column each, in that order; the views must outlive the object.
  explicit LabelRuns(std::vector<std::string_view> labels);

  // `rows` rows (> 0) of a series. `labels` must outlive the object or the next Clear.
  void Add(LabelsView labels, uint32_t rows);
  // Fills up with NULL. After it only reading and Clear are allowed.
  void Finish();
  void Clear();

  uint64_t rows() const { return rows_; }
  size_t column_count() const { return columns_.size(); }
  const LabelColumnRuns& column(size_t i) const { return columns_[i]; }
  // The label of column 1 .. n.
  std::string_view label(size_t column) const { return labels_[column - 1]; }

  // The runs of rows [first, first + count) of a finished column.
  static std::vector<columnar::CodeRun> Slice(const LabelColumnRuns& column, uint64_t first,
                                              uint64_t count);

 private:
  size_t ColumnOf(size_t position, std::string_view name);

  std::vector<std::string_view> labels_;
  std::unordered_map<std::string_view, size_t> by_name_;
  std::vector<LabelColumnRuns> columns_;
  // Series of one metric have the same label names at the same positions, mostly.
  std::vector<std::pair<std::string_view, size_t>> at_position_;
  std::deque<std::string> texts_;  // values of the last column
  uint64_t rows_ = 0;
};

// What each row of a table of rows begins with: the label columns and `series_id`.
class SeriesColumns {
 public:
  explicit SeriesColumns(LabelRuns labels) : labels_(std::move(labels)) {}

  // As LabelRuns::Add.
  void Add(SeriesId id, LabelsView labels, uint32_t rows);
  // Writes the columns from the first on. After it only Clear is allowed.
  Status Write(columnar::RowGroupColumns* out);
  // The column after them.
  uint32_t column_count() const { return static_cast<uint32_t>(labels_.column_count()) + 1; }
  void Clear();  // keeps the memory

 private:
  LabelRuns labels_;
  std::vector<int64_t> ids_;  // distinct
  std::unordered_map<uint64_t, uint32_t> id_codes_;
  std::vector<columnar::CodeRun> id_runs_;
};

}  // namespace thermocline
