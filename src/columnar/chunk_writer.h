// One column chunk on its way into the file: takes page bodies, compresses them and hands them to
// libparquet's PageWriter, which adds headers, checksums and index entries.
#pragma once

#include <parquet/column_writer.h>
#include <parquet/metadata.h>
#include <parquet/page_index.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "columnar/byte_buffer.h"
#include "columnar/page_codec.h"
#include "columnar/page_header.h"
#include "columnar/schema.h"
#include "columnar/sink_stream.h"

namespace thermocline::columnar {

// Pages larger than this are refused by writer and reader alike.
inline constexpr uint64_t kMaxPageBytes = uint64_t{256} << 20;

// Encoded bounds (PLAIN without a length for strings). Unset when the page has no values or the
// column wants none.
struct PageBounds {
  std::string min;
  std::string max;
  bool exact_min = true;
  bool exact_max = true;
};

struct PageBody {
  PageEncoding encoding = PageEncoding::kPlain;
  std::span<const uint8_t> levels;  // definition levels, never compressed
  std::span<const uint8_t> values;
  std::span<const uint8_t> compressed;  // of `values`, when they were compressed already
  uint32_t rows = 0;
  uint32_t nulls = 0;
  std::optional<PageBounds> bounds;
  std::optional<uint64_t> string_bytes;  // sum of the present strings' lengths
};

// What a whole chunk's statistics say.
struct ChunkBounds {
  std::optional<PageBounds> bounds;
  std::optional<uint64_t> distinct;
};

class ChunkWriter {
 public:
  struct Place {
    std::shared_ptr<SinkStream> sink;
    ::parquet::ColumnChunkMetaDataBuilder* metadata = nullptr;
    ::parquet::ColumnIndexBuilder* column_index = nullptr;
    ::parquet::OffsetIndexBuilder* offset_index = nullptr;
    int16_t row_group = 0;
    int16_t column = 0;
    int zstd_level = 3;
    PageCompressor* compressor = nullptr;
  };
  explicit ChunkWriter(const Place& place);

  Status WriteDictionary(std::span<const uint8_t> values, uint64_t count);
  Status WritePage(const PageBody& page);
  Status Close(const ChunkBounds& bounds);

  uint64_t rows() const { return rows_; }
  // With headers, uncompressed: what the row group's total counts.
  uint64_t full_bytes() const { return full_bytes_; }
  // Which pages, in order, are PLAIN.
  const std::vector<bool>& plain_pages() const { return plain_pages_; }

 private:
  const Place place_;
  std::unique_ptr<::parquet::PageWriter> writer_;
  ByteBuffer body_;
  uint64_t rows_ = 0;
  uint64_t nulls_ = 0;
  uint64_t full_bytes_ = 0;
  bool has_dictionary_ = false;
  std::vector<bool> plain_pages_;
};

}  // namespace thermocline::columnar
