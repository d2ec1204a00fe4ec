// One column chunk encoded and compressed, before it has a place in a file. What stands here does
// not depend on that place, so that row groups can be encoded at once and written one by one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "columnar/byte_buffer.h"
#include "columnar/page_header.h"

namespace thermocline::columnar {

// Encoded bounds (PLAIN without a length for strings). Unset when the page has no values or the
// column wants none.
struct PageBounds {
  std::string min;
  std::string max;
  bool exact_min = true;
  bool exact_max = true;
};

struct EncodedPage {
  PageEncoding encoding = PageEncoding::kPlain;
  uint32_t rows = 0;
  uint32_t nulls = 0;        // of a list column: empty lists
  uint32_t level_bytes = 0;  // never compressed, before the values: repetition, then definition
  uint32_t repetition_bytes = 0;
  uint32_t list_entries = 0;  // of a list column: elements and empty lists
  uint64_t full_bytes = 0;    // levels and values before compression
  uint64_t offset = 0;        // of the body as stored, in EncodedChunk::bodies
  uint64_t stored_bytes = 0;
  bool compressed = false;
  std::optional<PageBounds> bounds;
  std::optional<uint64_t> string_bytes;  // sum of the present strings' lengths
};

struct EncodedChunk {
  bool has_dictionary = false;
  uint64_t dictionary_values = 0;
  ByteBuffer dictionary;  // not compressed
  std::vector<EncodedPage> pages;
  ByteBuffer bodies;
  uint64_t rows = 0;
  uint64_t nulls = 0;
  // What the whole chunk's statistics say.
  std::optional<PageBounds> bounds;
  std::optional<uint64_t> distinct;
  std::vector<uint64_t> bloom_hashes;

  // Keeps the memory.
  void Clear() {
    has_dictionary = false;
    dictionary_values = rows = nulls = 0;
    dictionary.Clear();
    pages.clear();
    bodies.Clear();
    bounds.reset();
    distinct.reset();
    bloom_hashes.clear();
  }
};

}  // namespace thermocline::columnar
