// Reads Parquet files at page grain: which pages hold given rows or values (FileIndex, no IO),
// their bytes in one vectored request (FileReader::Fetch), their rows (PageSet::Decode).
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bucket/object.h"
#include "columnar/schema.h"

namespace thermocline::columnar {

// What reading cost; the caller adds them up. Plain counters: one thread at a time.
struct ReadStats {
  uint64_t pages_considered = 0;  // data pages of the asked columns in the asked files
  uint64_t pages_skipped = 0;     // of those, not fetched
  uint64_t pages_read = 0;        // data pages fetched
  uint64_t requests = 0;          // byte ranges after merging
  uint64_t bytes_read = 0;        // with gaps, dictionaries and footers
  uint64_t rows_decoded = 0;      // by ReadRows; after Decode the caller adds batch.rows.count
  void Add(const ReadStats& other);
};

// One data page of a column.
struct PageInfo {
  uint64_t offset = 0;  // in the file, header included
  uint32_t size_bytes = 0;
  uint32_t row_count = 0;
  uint64_t first_row = 0;  // in the file
  uint32_t row_group = 0;
  uint32_t null_count = 0;  // of a list column: rows with an empty list
  bool all_null = false;
};

// The footer and page indexes of one file in compact form. Immutable; shared between readers and
// kept in a FileIndexCache.
class FileIndex {
 public:
  virtual ~FileIndex() = default;
  virtual uint64_t file_size_bytes() const = 0;
  virtual uint64_t rows() const = 0;
  virtual uint32_t row_groups() const = 0;
  // Names, types and optional flags as the file has them. `encoding` is what the first row group's
  // pages have and `null_bits` is 0: set it with Fetch options.
  virtual const FileSchema& schema() const = 0;
  virtual const KeyValues& key_values() const = 0;
  virtual const std::string& created_by() const = 0;
  // nullptr when the key is absent.
  const std::string* FindKey(std::string_view key) const;
  // Every column is cut into pages at the same rows.
  virtual bool aligned() const = 0;
  // These two columns are: they can be fetched together.
  virtual bool CutAlike(uint32_t a, uint32_t b) const = 0;
  virtual size_t page_count(uint32_t column) const = 0;
  virtual PageInfo page(uint32_t column, size_t i) const = 0;
  // Bytes of memory it holds.
  virtual uint64_t memory_bytes() const = 0;
  // Bytes of all pages and dictionaries of a column in the file.
  virtual uint64_t column_bytes(uint32_t column) const = 0;

  // Rows of the pages that may hold a value in [min, max] (inclusive), ascending, adjacent ones
  // joined; pages without bounds are kept, all-null pages are not. Types must match the column.
  virtual std::vector<RowRange> RowsWhereInt64(uint32_t column, int64_t min, int64_t max) const = 0;
  // Strings compare by unsigned bytes; bounds in the file may be cut, which keeps a page too many
  // at most.
  virtual std::vector<RowRange> RowsWhereString(uint32_t column, std::string_view min,
                                                std::string_view max) const = 0;
  virtual std::vector<RowRange> RowsWithPrefix(uint32_t column, std::string_view prefix) const = 0;
  // Rows of the pages that hold a NULL. None of a list column: an empty list is not NULL.
  virtual std::vector<RowRange> RowsWhereNull(uint32_t column) const = 0;
  // Rows of the pages that may hold a non-NULL value (an element of a list).
  virtual std::vector<RowRange> RowsWherePresent(uint32_t column) const = 0;
};

// Rows in both; inputs and output ascending and disjoint.
std::vector<RowRange> IntersectRows(std::span<const RowRange> a, std::span<const RowRange> b);
// Sorts and joins overlapping and adjacent ranges.
std::vector<RowRange> NormalizeRows(std::vector<RowRange> ranges);

// One column of the rows of one page (or of ReadRows' ranges).
struct ColumnVector {
  ColumnType type = ColumnType::kInt64;
  uint64_t rows = 0;
  // Of a list column: rows + 1; row i has the elements [offsets[i], offsets[i + 1]) of int64s or
  // doubles, and offsets[0] is 0. Of any other column: empty.
  std::vector<uint32_t> offsets;
  size_t element_count() const { return offsets.empty() ? rows : offsets.back(); }
  // Integers, one per row (of a list column, one per element); NULL is the column's null_bits.
  std::vector<int64_t> int64s;
  std::span<const int64_t> int64_values() const { return {int64s.data(), element_count()}; }
  // Doubles, in the same way.
  std::vector<double> doubles;
  std::span<const double> double_values() const { return {doubles.data(), element_count()}; }
  // Strings and bytes: runs of codes into `values`. Views into the PageSet, or into `arena`.
  std::vector<CodeRun> runs;
  std::span<const std::string_view> values;
  // Calls visit(first_row, count, value) per run; NULL has data() == nullptr. Rows count from 0.
  template <typename Visit>
  void ForEachString(Visit&& visit) const {
    uint64_t row = 0;
    for (const CodeRun& run : runs) {
      visit(row, run.count, run.code == kNullCode ? std::string_view() : values[run.code]);
      row += run.count;
    }
  }

  std::vector<std::string_view> own_values;  // what `values` spans when it is not the dictionary
  std::vector<char> arena;
};

// The rows of one page in each fetched column, in the order the columns were asked for. Reuse it:
// its buffers keep their size.
struct PageBatch {
  RowRange rows;
  std::vector<ColumnVector> columns;
};

// Scratch space of decoding: one per thread, reused.
class PageDecoder {
 public:
  PageDecoder();
  ~PageDecoder();
  PageDecoder(PageDecoder&&) noexcept;
  PageDecoder& operator=(PageDecoder&&) noexcept;
  struct State;
  State& state() { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

// Compressed bytes of fetched pages; every CRC and header is checked by Decode. Immutable once
// fetched: threads may decode different pages at once, each with its own PageDecoder.
class PageSet {
 public:
  virtual ~PageSet() = default;
  virtual size_t page_count() const = 0;
  // Rows of page `i`, ascending in i.
  virtual RowRange page_rows(size_t i) const = 0;
  // Whole page: rows outside the asked ranges are there too. String views stay valid as long as
  // the PageSet and `out` live and `out` is not reused. Errors: Corruption (file, column, offset,
  // what).
  virtual Status Decode(size_t i, PageDecoder& decoder, PageBatch* out) const = 0;
  virtual uint64_t memory_bytes() const = 0;
};

struct FetchColumn {
  uint32_t column = 0;
  uint64_t null_bits = 0;  // see ColumnSpec::null_bits
};

struct FetchOptions {
  // Two byte ranges are read as one when the gap between them is at most this.
  uint64_t merge_gap_bytes = 64 << 10;
  // Unavailable work is refused before it is read: ResourceExhausted when the pages' bytes exceed.
  uint64_t limit_bytes = uint64_t{1} << 30;
};

// What Fetch would read.
struct FetchPlan {
  std::vector<FetchColumn> columns;
  std::vector<uint32_t> pages;      // ordinals, the same in each of the columns
  std::vector<ByteRange> requests;  // merged, ascending
  uint64_t page_bytes = 0;          // without the gaps
};

struct OpenOptions {
  std::optional<FileTail> tail;  // from the manifest; checked, Corruption when it differs
  std::string name;              // for messages; empty = the object's key
};

// Threads: safe to call concurrently; ReadStats and PageDecoder belong to the caller.
class FileReader {
 public:
  // Reads the tail in one request when `options.tail` tells its size, in one or two otherwise.
  // Errors: Corruption, Unimplemented (deeper nesting than ColumnSpec has, optional groups or
  // lists, other types, encryption), Io.
  static Result<std::shared_ptr<const FileIndex>> ReadIndex(const Object& object,
                                                            const OpenOptions& options,
                                                            ReadStats* stats);
  // The same from the tail's bytes, without IO.
  static Result<std::shared_ptr<const FileIndex>> ParseIndex(std::string_view tail_bytes,
                                                             uint64_t file_size_bytes,
                                                             const std::string& name);
  // `object` must be the file `index` was read from.
  FileReader(std::shared_ptr<const Object> object, std::shared_ptr<const FileIndex> index);
  static Result<FileReader> Open(std::shared_ptr<const Object> object, const OpenOptions& options,
                                 ReadStats* stats);

  const FileIndex& index() const { return *index_; }

  // Whole pages of `columns` that hold the rows (ascending, disjoint). Unimplemented when the
  // columns' pages are not cut alike: use ReadRows.
  Result<FetchPlan> Plan(std::span<const FetchColumn> columns, std::span<const RowRange> rows,
                         const FetchOptions& options = {}) const;
  // One vectored read. `stats` counts the plan's pages too.
  Result<std::unique_ptr<PageSet>> Fetch(const FetchPlan& plan, ReadStats* stats) const;

  // Plan, Fetch and Decode of exactly the rows asked for, concatenated; works for unaligned files.
  // For small reads and tests. String values are copied into the result.
  Result<std::vector<ColumnVector>> ReadRows(std::span<const FetchColumn> columns,
                                             std::span<const RowRange> rows,
                                             const FetchOptions& options, ReadStats* stats) const;

 private:
  std::shared_ptr<const Object> object_;
  std::shared_ptr<const FileIndex> index_;
};

}  // namespace thermocline::columnar
