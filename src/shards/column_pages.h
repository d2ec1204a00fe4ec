// Columns of one row group to encoded pages. What these layouts ask beyond columnar's own writer:
// pages cut where the caller says, dictionaries whatever their size, bounds of 16 bytes or none.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "columnar/encoded_chunk.h"
#include "columnar/page_codec.h"
#include "columnar/schema.h"
#include "shards/shard_options.h"

namespace thermocline::shards {

// Ends of pages, as row numbers within the row group; the last is the row group's rows.
using PageEnds = std::vector<uint32_t>;

// Appends pages to a chunk. One thread.
class PageWriter {
 public:
  static Result<std::unique_ptr<PageWriter>> Make(int zstd_level);

  // `values` are compressed when that makes them smaller, and tried only where `compress` is set.
  // Returns whether they got at least a twentieth smaller.
  Result<bool> Add(const columnar::EncodedPage& page, std::span<const uint8_t> levels,
                   std::span<const uint8_t> values, bool compress, columnar::EncodedChunk* chunk);

 private:
  std::unique_ptr<columnar::PageCompressor> compressor_;
};

// One label's column: distinct values and runs of their codes. Rows are added in order; rows left
// out are NULL.
class LabelColumnBuffer {
 public:
  void Add(uint32_t row, std::string_view value);
  bool empty() const { return values_.empty(); }
  // Encodes all rows with a sorted dictionary. `bloom`: hashes of the values are listed.
  Status Encode(const PageEnds& ends, bool bloom, PageWriter* pages, columnar::EncodedChunk* out);
  void Clear();

 private:
  Status EncodePage(uint32_t first, uint32_t end, std::span<const uint32_t> codes, int width,
                    PageWriter* pages, columnar::EncodedChunk* out);

  std::vector<std::unique_ptr<std::string>> values_;  // by first appearance
  std::unordered_map<std::string_view, uint32_t> codes_;
  std::vector<columnar::CodeRun> runs_;
  uint32_t rows_ = 0;  // that runs_ cover
  // While encoding: the run that the next page begins in, and its first row.
  size_t next_run_ = 0;
  uint32_t next_row_ = 0;
  columnar::ByteBuffer levels_;
  columnar::ByteBuffer body_;
};

// A required column of bytes, without bounds. Holds the open page only.
class BytesColumnBuffer {
 public:
  void Add(std::string_view value) {
    bytes_.append(value);
    ends_.push_back(bytes_.size());
  }
  // Of the open page.
  uint64_t size_bytes() const { return bytes_.size(); }
  // Appends the open page to the chunk: DELTA_LENGTH_BYTE_ARRAY, or DELTA_BYTE_ARRAY with
  // `front_coded`. Without rows nothing happens.
  Status EndPage(bool front_coded, ChunkCompression compression, PageWriter* pages,
                 columnar::EncodedChunk* out);

 private:
  std::string bytes_;
  std::vector<uint64_t> ends_;
  size_t untried_ = 0;  // pages to store before compression is tried again
  columnar::ByteBuffer body_;
  std::vector<int64_t> lengths_;
  std::vector<std::string_view> values_;
};

// A required column of integers, PLAIN, with bounds.
Status EncodeIntegers(std::span<const int64_t> values, const PageEnds& ends, PageWriter* pages,
                      columnar::EncodedChunk* out);

}  // namespace thermocline::shards
