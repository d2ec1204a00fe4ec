// Column chunks given value by value: integers, doubles, strings.
#pragma once

#include <parquet/bloom_filter.h>

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "columnar/chunk_writer.h"
#include "columnar/file_writer.h"
#include "columnar/page_bounds.h"
#include "columnar/schema.h"

namespace thermocline::columnar {

// Bounds of a chunk of doubles, page by page.
struct ChunkDoubles {
  DoubleBounds bounds;
  bool only_nan_somewhere = false;
  void Add(const DoubleBounds& page);
  // None when a page has nothing but NaN.
  ChunkBounds Total() const;
};

// Scratch that is reused from chunk to chunk. Each Write writes all pages and closes the chunk.
class ValuePages {
 public:
  ValuePages(const FileWriterOptions& options, PageCompressor* compressor)
      : options_(options), compressor_(compressor) {}

  // kDelta, or PLAIN with any other encoding.
  Status WriteInt64s(const ColumnSpec& spec, std::span<const int64_t> values, ChunkWriter* chunk);
  Status WriteDoubles(const ColumnSpec& spec, std::span<const double> values, ChunkWriter* chunk);
  // Row i has the elements [offsets[i], offsets[i + 1]). InvalidArgument: more entries in a page
  // than a reader takes.
  Status WriteInt64Lists(const ColumnSpec& spec, std::span<const uint32_t> offsets,
                         std::span<const int64_t> values, ChunkWriter* chunk);
  Status WriteDoubleLists(const ColumnSpec& spec, std::span<const uint32_t> offsets,
                          std::span<const double> values, ChunkWriter* chunk);
  // PLAIN, kDeltaLengths, or DELTA_BYTE_ARRAY with any other encoding. `bloom` may be null.
  Status WriteStrings(const ColumnSpec& spec, std::span<const std::string_view> values,
                      ::parquet::BloomFilter* bloom, ChunkWriter* chunk);

 private:
  // The values that are not NULL, in `scratch` unless nothing is NULL; levels_ and the page's
  // counts are filled.
  template <typename T>
  std::span<const T> TakePresent(const ColumnSpec& spec, std::span<const T> values,
                                 std::vector<T>* scratch, PageBody* page);
  template <typename Null>
  void EncodeLevels(const ColumnSpec& spec, size_t rows, const Null& is_null, PageBody* page);
  // Calls encode(page, elements) for each page of lists, its levels filled, and writes it.
  template <typename T, typename Encode>
  Status WriteListPages(const ColumnSpec& spec, std::span<const uint32_t> offsets,
                        std::span<const T> values, ChunkWriter* chunk, const Encode& encode);
  // Sets the page's encoding, values and bounds, and extends the chunk's.
  void EncodeInt64s(const ColumnSpec& spec, std::span<const int64_t> present, PageBody* page,
                    Extent<int64_t>* total);
  Status EncodeDoubles(const ColumnSpec& spec, std::span<const double> present, PageBody* page,
                       ChunkDoubles* total);
  // Sets the page's encoding and values (and compressed form when it came about).
  Status EncodeDoubles(ColumnEncoding encoding, std::span<const double> values, PageBody* page);
  Result<bool> SampleSaysPlain(std::span<const double> values);

  const FileWriterOptions options_;
  PageCompressor* const compressor_;
  ByteBuffer levels_;
  ByteBuffer values_;
  ByteBuffer split_;
  ByteBuffer trial_[2];
  std::vector<int64_t> present_int64s_;
  std::vector<double> present_doubles_;
  std::vector<std::string_view> present_strings_;
};

}  // namespace thermocline::columnar
