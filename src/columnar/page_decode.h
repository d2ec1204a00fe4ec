// One page's bytes to rows, with every claim of its header checked against the file's index.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "columnar/byte_buffer.h"
#include "columnar/file_index.h"
#include "columnar/file_reader.h"
#include "columnar/list_levels.h"
#include "columnar/page_codec.h"
#include "columnar/page_header.h"

namespace thermocline::columnar {

// A chunk's dictionary: integers, or strings that point into `bytes`.
struct Dictionary {
  std::vector<int64_t> int64s;
  std::vector<std::string_view> strings;
  ByteBuffer bytes;
  size_t size() const { return int64s.size() + strings.size(); }
  uint64_t memory_bytes() const {
    return bytes.capacity() + 16 * strings.capacity() + 8 * int64s.capacity();
  }
};

// What the index says about a page, and what the caller wants.
struct PageTask {
  const PagedFileIndex* index = nullptr;
  uint32_t column = 0;
  size_t page = 0;
  uint64_t null_bits = 0;
  // Null when the chunk has none.
  const Dictionary* dictionary = nullptr;
  std::string_view dictionary_page;  // its bytes as stored, header included
};

struct PageDecoder::State {
  PageDecompressor decompressor;
  ByteBuffer body;  // decompressed, or copied to where kernels may read beyond the end
  ByteBuffer levels;
  ByteBuffer planes;  // present values before NULLs are put between them
  std::vector<CodeRun> level_runs;
  std::vector<CodeRun> code_runs;
  ListLevelScratch list_levels;
};

// Decodes the dictionary page `bytes` (header included) to at most `limit_bytes`. Columns of
// doubles are left to the stock reader: nothing is decoded.
Status DecodeDictionary(ColumnType type, PageCodec codec, std::string_view bytes,
                        uint64_t limit_bytes, PageDecoder::State& state, Dictionary* out);

// Decodes the data page `bytes` (header included) into `out`, all its rows. Corruption says what
// was wrong; the caller adds file, column and offset.
Status DecodePage(const PageTask& task, std::string_view bytes, PageDecoder::State& state,
                  ColumnVector* out);

}  // namespace thermocline::columnar
