// What a Parquet file of ours looks like: columns, required or optional, at the top or in required
// groups, and required lists of integers and doubles or of structs of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace thermocline::columnar {

enum class ColumnType {
  kInt64,
  kTimestampMs,  // INT64 with the logical type TIMESTAMP(ms, UTC)
  kDouble,
  kString,  // BYTE_ARRAY with the logical type STRING
  kBytes,   // BYTE_ARRAY without one
};

inline bool IsInt64(ColumnType type) {
  return type == ColumnType::kInt64 || type == ColumnType::kTimestampMs;
}
inline bool IsByteArray(ColumnType type) {
  return type == ColumnType::kString || type == ColumnType::kBytes;
}

// How a column's pages are written. Readers learn it from the pages.
enum class ColumnEncoding {
  kPlain,
  kDictionary,     // RLE_DICTIONARY from runs; strings, bytes and integers
  kDelta,          // DELTA_BINARY_PACKED; integers
  kSplit,          // BYTE_STREAM_SPLIT; doubles
  kSplitSampled,   // per page BYTE_STREAM_SPLIT, or PLAIN where a sample is 10 % smaller; doubles
  kSplitSmallest,  // the same by compressing both; doubles
  kDeltaStrings,   // DELTA_BYTE_ARRAY (front coding); strings and bytes
  kDeltaLengths,   // DELTA_LENGTH_BYTE_ARRAY; strings and bytes
};

// A leaf of the file's schema. Neighbours with the same `groups` and `list` share those nodes.
struct ColumnSpec {
  std::string name;  // empty: the element of `list` itself is the leaf
  ColumnType type = ColumnType::kInt64;
  ColumnEncoding encoding = ColumnEncoding::kPlain;
  bool optional = false;
  // Optional columns of 8-byte values: the bit pattern that stands for NULL in memory. The writer
  // writes NULL for exactly that pattern, the reader puts it where it meets NULL. Strings need
  // none: a string_view with data() == nullptr is NULL, and so is kNullCode in a run.
  uint64_t null_bits = 0;
  bool bloom_filter = false;  // kDictionary strings only; asked by bloom_filter.h, not by Plan
  bool bounds = true;         // min and max in the page index and the chunk statistics
  // Rows a page of runs with a dictionary, where they are not the file's (0): a page of few runs
  // costs more than it tells. Only columns cut at the same rows can be fetched together.
  uint32_t run_page_rows = 0;
  // The required groups (structs) around the leaf, outermost first.
  std::vector<std::string> groups = {};
  // Not empty: the leaf is the element (or, with a name, a field of the element struct) of the
  // required LIST of this name within `groups`. Such a column is neither optional nor has strings
  // or a dictionary. The list's nodes are the standard's: <list>.list.element[.<name>].
  std::string list = {};

  // The nodes' names with dots between, as "spans.list.element.offset". A flat column's is its
  // name, dots and all.
  std::string path() const;
};

struct SortingColumn {
  uint32_t column = 0;
  bool descending = false;
  bool nulls_first = true;
};

struct FileSchema {
  std::vector<ColumnSpec> columns;
  std::vector<SortingColumn> sorting;  // declared as given: the caller's rows must be so sorted

  // InvalidArgument: no columns, empty or equal names or paths, columns of one group or list that
  // are not neighbours, an encoding that the type does not have, a list column of a kind that
  // there is not, a sorting column out of range.
  Status Validate() const;
  // By its path.
  std::optional<uint32_t> Find(std::string_view path) const;
};

// `count` rows of the value with this code. kNullCode: `count` NULLs.
struct CodeRun {
  uint32_t code = 0;
  uint32_t count = 0;
};
inline constexpr uint32_t kNullCode = UINT32_MAX;

// Rows [first, first + count) of a file.
struct RowRange {
  uint64_t first = 0;
  uint64_t count = 0;
  uint64_t end() const { return first + count; }
  friend bool operator==(const RowRange&, const RowRange&) = default;
};

using KeyValues = std::vector<std::pair<std::string, std::string>>;

// The end of a file: page indexes and footer, and the hash of exactly those bytes. A manifest that
// keeps it makes every byte that our reader believes checked: pages by their CRC, page headers
// against the indexes, indexes and footer by this.
struct FileTail {
  uint64_t size_bytes = 0;
  uint64_t hash = 0;  // Hash64
  friend bool operator==(const FileTail&, const FileTail&) = default;
};

}  // namespace thermocline::columnar
