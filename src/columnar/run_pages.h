// Column chunks given as runs: a dictionary page and pages of runs, in O(runs).
#pragma once

#include <parquet/bloom_filter.h>

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "columnar/chunk_writer.h"
#include "columnar/file_writer.h"
#include "columnar/schema.h"

namespace thermocline::columnar {

// Checks that the runs make `rows` rows of a column and that codes are inside the dictionary.
Status CheckRuns(const ColumnSpec& spec, std::span<const CodeRun> runs, size_t dictionary_size,
                 uint64_t rows);

// Scratch that is reused from chunk to chunk.
class RunPages {
 public:
  explicit RunPages(const FileWriterOptions& options) : options_(options) {}

  // Writes the pages and closes the chunk, or returns false, with nothing written, when the values
  // in use exceed the dictionary's limits. `bloom` may be null. Runs have been checked.
  Result<bool> WriteStrings(const ColumnSpec& spec, std::span<const std::string_view> dictionary,
                            std::span<const CodeRun> runs, ::parquet::BloomFilter* bloom,
                            ChunkWriter* chunk);
  Result<bool> WriteInt64s(const ColumnSpec& spec, std::span<const int64_t> dictionary,
                           std::span<const CodeRun> runs, ChunkWriter* chunk);

 private:
  // Fills order_ and local_; false above the limits.
  template <typename Value>
  bool AssignCodes(std::span<const Value> dictionary, std::span<const CodeRun> runs);
  template <typename Value>
  Result<bool> Write(const ColumnSpec& spec, std::span<const Value> dictionary,
                     std::span<const CodeRun> runs, ::parquet::BloomFilter* bloom,
                     ChunkWriter* chunk);
  template <typename Value>
  Status WritePages(const ColumnSpec& spec, std::span<const Value> dictionary,
                    std::span<const CodeRun> runs, ChunkWriter* chunk);

  const FileWriterOptions options_;
  // The caller's code -> the chunk's code, valid where stamp_ equals epoch_.
  std::vector<uint32_t> local_;
  std::vector<uint32_t> stamp_;
  uint32_t epoch_ = 0;
  std::vector<uint32_t> order_;  // the chunk's code -> the caller's
  ByteBuffer levels_;
  ByteBuffer values_;
};

}  // namespace thermocline::columnar
