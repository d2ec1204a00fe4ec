// Writes one Parquet file: row group by row group, column by column, pages cut at the same row in
// every column. Run-aware: a column given as runs costs O(runs), not O(rows).
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "bucket/object.h"
#include "columnar/row_group_encoder.h"
#include "columnar/schema.h"

namespace thermocline::columnar {

// What was written; the manifest keeps it.
struct FileSummary {
  uint64_t size_bytes = 0;
  uint64_t rows = 0;
  uint64_t row_groups = 0;
  uint64_t file_hash = 0;  // Hash64 of the whole file
  FileTail tail;
};

// Use: Open; row groups, each column by column (RowGroupColumns) or encoded beforehand; Finish. Row
// groups should have about 1 Mi rows (one row group's pages are held encoded; the caller holds its
// values). One thread.
// Errors: InvalidArgument (a fault of the caller's), and what the sink returns. After an error the
// writer is spent; the caller aborts the sink.
class FileWriter : public RowGroupColumns {
 public:
  // `sink` outlives the writer; Finish does not publish it: the caller calls sink->Finish().
  static Result<std::unique_ptr<FileWriter>> Open(ObjectWriter* sink, FileSchema schema,
                                                  FileWriterOptions options = {});
  // A whole row group from an encoder of the same schema and options, between row groups.
  virtual Status WriteRowGroup(const EncodedRowGroup& group) = 0;
  // Page indexes and footer. Keys beginning with "thermocline.page" are the writer's own.
  virtual Result<FileSummary> Finish(const KeyValues& key_values) = 0;
};

}  // namespace thermocline::columnar
