// A small table of groups and lists for tests, in plain vectors, and ways to write and read it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bucket/local_bucket.h"
#include "columnar/file_reader.h"
#include "columnar/file_writer.h"
#include "columnar/schema.h"

namespace thermocline::columnar {

// Column ordinals of the table.
enum ListColumn : uint32_t {
  kListTime,    // timestamp, top level
  kListSchema,  // histogram.schema: int64
  kListZero,    // histogram.zero: optional double
  kSpanOffset,  // histogram.spans.list.element.offset: int64, delta
  kSpanLength,  // histogram.spans.list.element.length: int64, plain
  kListCounts,  // histogram.counts.list.element: int64, delta
  kListEmpty,   // histogram.empty.list.element: int64, delta; every list is empty
  kListBounds,  // bounds.list.element: double, split or plain
  kListDeep,    // other.deep.values.list.element: double, plain, no bounds
  kListNote,    // other.note: optional string, dictionary
  kListColumns,
};

inline constexpr uint64_t kListNull = 0x7ff8000000000777ull;

struct ListTable {
  size_t rows = 0;
  // Of columns with one value a row: offsets are empty.
  struct Column {
    std::vector<uint32_t> offsets;
    std::vector<int64_t> int64s;
    std::vector<double> doubles;
    std::vector<std::string> strings;  // "" = NULL
  };
  Column columns[kListColumns];
};

FileSchema ListSchema();

// Lists of 0 to 11 elements, long stretches of empty ones, and one of `rows` elements.
ListTable MakeListTable(uint64_t seed, size_t rows);

Result<FileSummary> WriteListTable(const ListTable& table, const FileWriterOptions& options,
                                   uint64_t group_rows, Bucket& bucket, const std::string& key);

std::vector<FetchColumn> ListColumns();

// Compares `got` (from ListColumns) with rows [first, first + count) of the table: "" when equal,
// else the first difference.
std::string Difference(const ListTable& table, uint64_t first, uint64_t count,
                       const std::vector<ColumnVector>& got);

}  // namespace thermocline::columnar
