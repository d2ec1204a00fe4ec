// What a Parquet file of ours looks like: flat columns, required or optional.
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

struct ColumnSpec {
  std::string name;
  ColumnType type = ColumnType::kInt64;
  ColumnEncoding encoding = ColumnEncoding::kPlain;
  bool optional = false;
  // Optional columns of 8-byte values: the bit pattern that stands for NULL in memory. The writer
  // writes NULL for exactly that pattern, the reader puts it where it meets NULL. Strings need
  // none: a string_view with data() == nullptr is NULL, and so is kNullCode in a run.
  uint64_t null_bits = 0;
  bool bloom_filter = false;  // kDictionary strings only; for other engines, our reader skips it
  bool bounds = true;         // min and max in the page index and the chunk statistics
};

struct SortingColumn {
  uint32_t column = 0;
  bool descending = false;
  bool nulls_first = true;
};

struct FileSchema {
  std::vector<ColumnSpec> columns;
  std::vector<SortingColumn> sorting;  // declared as given: the caller's rows must be so sorted

  // InvalidArgument: no columns, empty or equal names, an encoding that the type does not have, a
  // sorting column out of range.
  Status Validate() const;
  std::optional<uint32_t> Find(std::string_view name) const;
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
