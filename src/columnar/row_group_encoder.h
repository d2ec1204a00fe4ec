// Encodes and compresses row groups in memory, apart from any file: several encoders work at once
// on several threads, and one FileWriter writes their row groups in order.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "columnar/encoded_chunk.h"
#include "columnar/schema.h"

namespace thermocline::columnar {

struct FileWriterOptions {
  int zstd_level = 3;             // 1 .. 19
  uint32_t page_rows = 32 << 10;  // 64 .. 1 Mi; every page but a row group's last
  // Where a row group's distinct values exceed either, a kDictionary column is written without a
  // dictionary: strings and bytes as DELTA_BYTE_ARRAY, integers as PLAIN.
  uint32_t dictionary_max_values = 64 << 10;
  uint64_t dictionary_max_bytes = 1 << 20;
  std::string created_by = "thermocline";
  // The footer gets a check of itself, of the page indexes and of the bloom filters (tail_check.h):
  // for files that no manifest covers.
  bool tail_check = false;
  Status Validate() const;
};

// Takes the columns of row groups. Use: per row group BeginRowGroup, then exactly one Write call
// per column in schema order, EndRowGroup. One thread.
// Errors: InvalidArgument (wrong column, type, order or row count: a fault of the caller's). After
// an error the object is spent.
class RowGroupColumns {
 public:
  virtual ~RowGroupColumns() = default;
  virtual Status BeginRowGroup(uint64_t rows) = 0;
  // kDictionary strings and bytes. `dictionary` may hold more values than the runs use, and the
  // same one may be passed for every row group; its values must be distinct. The runs' counts add
  // up to the row group's rows. kDeltaStrings, kDeltaLengths and kPlain columns take runs too.
  virtual Status WriteStringRuns(uint32_t column, std::span<const std::string_view> dictionary,
                                 std::span<const CodeRun> runs) = 0;
  // kDictionary integers.
  virtual Status WriteInt64Runs(uint32_t column, std::span<const int64_t> dictionary,
                                std::span<const CodeRun> runs) = 0;
  // kDelta and kPlain integers, one value per row.
  virtual Status WriteInt64(uint32_t column, std::span<const int64_t> values) = 0;
  // Doubles, one value per row; every bit pattern survives.
  virtual Status WriteDoubles(uint32_t column, std::span<const double> values) = 0;
  // List columns (kDelta and kPlain integers; doubles): row i has the elements [offsets[i],
  // offsets[i + 1]) of `values`. `offsets` has rows + 1 entries, ascending, and may begin above 0.
  virtual Status WriteInt64Lists(uint32_t column, std::span<const uint32_t> offsets,
                                 std::span<const int64_t> values) = 0;
  virtual Status WriteDoubleLists(uint32_t column, std::span<const uint32_t> offsets,
                                  std::span<const double> values) = 0;
  // Strings and bytes, one per row; data() == nullptr is NULL. For kDictionary the writer finds
  // the distinct values itself (one hash look-up per row).
  virtual Status WriteStrings(uint32_t column, std::span<const std::string_view> values) = 0;
  virtual Status EndRowGroup() = 0;
};

struct EncodedRowGroup {
  uint64_t rows = 0;
  std::vector<EncodedChunk> chunks;  // one per column of the schema
};

class RowGroupEncoder : public RowGroupColumns {
 public:
  static Result<std::unique_ptr<RowGroupEncoder>> Make(FileSchema schema,
                                                       const FileWriterOptions& options);
  // What was encoded since BeginRowGroup; whole after EndRowGroup. The same bytes for the same
  // columns, whatever the encoder had before. Its memory is used again by the next row group.
  virtual const EncodedRowGroup& row_group() const = 0;
};

}  // namespace thermocline::columnar
