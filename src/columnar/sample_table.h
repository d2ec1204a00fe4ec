// A small table of every column kind for tests, in plain vectors, and ways to write and read it.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "bucket/local_bucket.h"
#include "columnar/file_reader.h"
#include "columnar/file_writer.h"
#include "columnar/schema.h"

namespace thermocline::columnar {

inline constexpr uint64_t kStaleBits = 0x7ff0000000000002ull;
inline constexpr uint64_t kNoStart = 0x8000000000000000ull;

// Column ordinals of the table.
enum SampleColumn : uint32_t {
  kMetric,    // optional string, dictionary runs, sorted
  kPod,       // optional string, dictionary runs, with NULLs and empty strings
  kNever,     // optional string, always NULL
  kSeriesId,  // required int64, dictionary runs
  kTime,      // required timestamp, delta
  kValue,     // optional double, NULL = stale marker
  kStart,     // optional int64, delta, NULL = kNoStart
  kRequest,   // optional string, front coding
  kPacked,    // required bytes, delta lengths, no bounds
  kNote,      // required string, plain
  kSampleColumns,
};

struct SampleTable {
  size_t rows = 0;
  std::vector<std::optional<std::string>> strings[kSampleColumns];
  std::vector<int64_t> int64s[kSampleColumns];
  std::vector<double> doubles;
};

FileSchema SampleSchema(ColumnEncoding value_encoding = ColumnEncoding::kSplitSampled);

// `series` series of `samples` samples each; special floats, a series of NaN only, a stale one.
SampleTable MakeSampleTable(uint64_t seed, size_t series, size_t samples);

Result<FileSummary> WriteSampleTable(const SampleTable& table, const FileSchema& schema,
                                     const FileWriterOptions& options, uint64_t group_rows,
                                     const KeyValues& key_values, Bucket& bucket,
                                     const std::string& key);

// All columns with their null patterns.
std::vector<FetchColumn> SampleColumns();

// Compares `got` (from SampleColumns) with rows [first, first + count) of the table: "" when equal,
// else the first difference.
std::string Difference(const SampleTable& table, uint64_t first, uint64_t count,
                       const std::vector<ColumnVector>& got);

}  // namespace thermocline::columnar
