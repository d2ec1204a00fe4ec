// From matchers to series and rows: an index of label sets in memory, and the page indexes of
// Parquet files.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <thermocline/export.h>
#include <thermocline/labels.h>
#include <thermocline/samples.h>
#include <thermocline/schema.h>
#include <thermocline/status.h>

namespace thermocline::api {

// Postings: which of the label sets added so far match. Threads: one writer or many readers.
class THERMOCLINE_API LabelIndex {
 public:
  LabelIndex();
  ~LabelIndex();
  LabelIndex(LabelIndex&&) noexcept;
  LabelIndex& operator=(LabelIndex&&) noexcept;

  // The number of the set: 0, 1, 2, ... Equal sets get numbers of their own.
  uint32_t Add(const Labels& labels);
  uint32_t size() const;
  Labels labels(uint32_t number) const;
  // Numbers whose labels all matchers accept, ascending. Each distinct value meets a regex once.
  Result<std::vector<uint32_t>> Match(const std::vector<Matcher>& matchers) const;
  // Ascending.
  std::vector<std::string> LabelNames() const;
  std::vector<std::string> LabelValues(std::string_view name) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Rows [first, first + count) of a file.
struct RowRange {
  uint64_t first = 0;
  uint64_t count = 0;
};

struct Page {
  uint64_t offset = 0;  // in the file, header included
  uint32_t size_bytes = 0;
  uint64_t first_row = 0;
  uint32_t row_count = 0;
  uint32_t row_group = 0;
  uint32_t null_count = 0;
};

// Footer and page index of a Parquet file of flat columns. Immutable; threads: safe.
class THERMOCLINE_API ParquetFile {
 public:
  // Reads the end of the file only. Errors: NotFound, Corruption, Unimplemented, Io.
  static Result<ParquetFile> Open(const std::string& path);

  uint64_t rows() const;
  uint32_t row_groups() const;
  const TableSchema& schema() const;
  const std::vector<std::pair<std::string, std::string>>& key_values() const;
  const std::string& created_by() const;
  // NotFound when there is no such column.
  Result<std::vector<Page>> Pages(std::string_view column) const;
  // Rows of the pages that may hold a value in [min, max], ascending and disjoint, by the bounds of
  // the page index alone. InvalidArgument when the column is of another type.
  Result<std::vector<RowRange>> RowsWhere(std::string_view column, std::string_view min,
                                          std::string_view max) const;
  Result<std::vector<RowRange>> RowsWhere(std::string_view column, int64_t min, int64_t max) const;
  Result<std::vector<RowRange>> RowsWithPrefix(std::string_view column,
                                               std::string_view prefix) const;

  struct State;
  explicit ParquetFile(std::shared_ptr<const State> state);  // of the library

 private:
  std::shared_ptr<const State> state_;
};

// One shard of the parquet-common layout, or a day of the gateway: a labels file and a chunks file
// with the same rows. Threads: safe.
class THERMOCLINE_API ShardIndex {
 public:
  // Shard `number` in `folder`: <number>.labels.parquet and <number>.chunks.parquet. `day` is the
  // time a gateway's shard covers (its meta.pb), which its files do not say.
  static Result<ShardIndex> Open(const std::string& folder, uint32_t number = 0,
                                 TimeRange day = {});

  uint64_t rows() const;
  TimeRange range() const;
  // Columns of the chunks file that may hold samples of `range`: [first, second).
  std::pair<uint32_t, uint32_t> DataColumns(TimeRange range) const;
  // Rows whose labels all matchers accept, ascending and disjoint. Reads only the pages of the
  // named labels that the page index does not rule out.
  Result<std::vector<RowRange>> Match(const std::vector<Matcher>& matchers) const;
  // Labels of rows, ascending and distinct.
  Result<std::vector<Labels>> ReadLabels(const std::vector<uint64_t>& rows) const;

  struct State;
  explicit ShardIndex(std::shared_ptr<const State> state);  // of the library

 private:
  std::shared_ptr<const State> state_;
};

}  // namespace thermocline::api
