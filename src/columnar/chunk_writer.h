// The last step of a column chunk: page bodies are compressed into an EncodedChunk, and an
// EncodedChunk is handed to libparquet's PageWriter, which adds headers, checksums and index
// entries.
#pragma once

#include <parquet/column_writer.h>
#include <parquet/metadata.h>
#include <parquet/page_index.h>

#include <memory>
#include <optional>
#include <span>

#include "base/result.h"
#include "columnar/encoded_chunk.h"
#include "columnar/page_codec.h"
#include "columnar/sink_stream.h"

namespace thermocline::columnar {

// Pages larger than this are refused by writer and reader alike.
inline constexpr uint64_t kMaxPageBytes = uint64_t{256} << 20;

struct PageBody {
  PageEncoding encoding = PageEncoding::kPlain;
  std::span<const uint8_t> levels;  // never compressed: repetition, then definition
  std::span<const uint8_t> values;
  std::span<const uint8_t> compressed;  // of `values`, when they were compressed already
  uint32_t rows = 0;
  uint32_t nulls = 0;  // of a list column: empty lists
  uint32_t repetition_bytes = 0;
  uint32_t list_entries = 0;  // of a list column: elements and empty lists
  std::optional<PageBounds> bounds;
  std::optional<uint64_t> string_bytes;  // sum of the present strings' lengths
};

// What a whole chunk's statistics say.
struct ChunkBounds {
  std::optional<PageBounds> bounds;
  std::optional<uint64_t> distinct;
};

// Fills an EncodedChunk that is empty.
class ChunkWriter {
 public:
  ChunkWriter(PageCompressor* compressor, EncodedChunk* chunk)
      : compressor_(compressor), chunk_(chunk) {}

  Status WriteDictionary(std::span<const uint8_t> values, uint64_t count);
  Status WritePage(const PageBody& page);
  Status Close(const ChunkBounds& bounds);

 private:
  PageCompressor* const compressor_;
  EncodedChunk* const chunk_;
};

// Where a chunk goes.
struct ChunkPlace {
  std::shared_ptr<SinkStream> sink;
  ::parquet::ColumnChunkMetaDataBuilder* metadata = nullptr;
  ::parquet::ColumnIndexBuilder* column_index = nullptr;
  ::parquet::OffsetIndexBuilder* offset_index = nullptr;
  int16_t row_group = 0;
  int16_t column = 0;
  int zstd_level = 3;  // of the dictionary
};

// Writes the chunk; returns its bytes with headers, uncompressed, which is what a row group's total
// counts. May throw: called within the wall.
uint64_t StoreChunk(const EncodedChunk& chunk, const ChunkPlace& place);

}  // namespace thermocline::columnar
