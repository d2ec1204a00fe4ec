// Writes one Parquet file: row group by row group, column by column, pages cut at the same row in
// every column. Run-aware: a column given as runs costs O(runs), not O(rows).
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "bucket/object.h"
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
  Status Validate() const;
};

// What was written; the manifest keeps it.
struct FileSummary {
  uint64_t size_bytes = 0;
  uint64_t rows = 0;
  uint64_t row_groups = 0;
  uint64_t file_hash = 0;  // Hash64 of the whole file
  FileTail tail;
};

// Use: Open; per row group BeginRowGroup, then exactly one Write call per column in schema order,
// EndRowGroup; Finish. Row groups should have about 1 Mi rows (one column's pages are encoded at a
// time; the caller holds a row group's values). One thread.
// Errors: InvalidArgument (wrong column, type, order or row count: a fault of the caller's), and
// what the sink returns. After an error the writer is spent; the caller aborts the sink.
class FileWriter {
 public:
  // `sink` outlives the writer; Finish does not publish it: the caller calls sink->Finish().
  static Result<std::unique_ptr<FileWriter>> Open(ObjectWriter* sink, FileSchema schema,
                                                  FileWriterOptions options = {});
  virtual ~FileWriter() = default;

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
  // Strings and bytes, one per row; data() == nullptr is NULL. For kDictionary the writer finds
  // the distinct values itself (one hash look-up per row).
  virtual Status WriteStrings(uint32_t column, std::span<const std::string_view> values) = 0;
  virtual Status EndRowGroup() = 0;
  // Page indexes and footer. Keys beginning with "thermocline.page" are the writer's own.
  virtual Result<FileSummary> Finish(const KeyValues& key_values) = 0;
};

}  // namespace thermocline::columnar
