// The levels of a column of lists: required lists of required elements, so both levels are 0 or 1.
// One entry per element, and one per empty list, which has no element. Repetition 0 begins a row;
// definition 0 is an empty list.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "columnar/byte_buffer.h"
#include "columnar/chunk_writer.h"
#include "columnar/schema.h"

namespace thermocline::columnar {

// Entries of a page: refused beyond by writer and reader alike.
inline constexpr uint64_t kMaxListEntries = kMaxPageBytes / 8;

struct ListLevels {
  uint64_t entries = 0;
  uint64_t empty = 0;             // lists
  uint32_t repetition_bytes = 0;  // of the bytes appended; definition levels follow
};

// Appends the levels of the lists between `offsets` (rows + 1, ascending).
ListLevels EncodeListLevels(std::span<const uint32_t> offsets, ByteBuffer* out);

// The other way. At least 8 bytes beyond both spans may be read. Fills `offsets` with rows + 1
// entries, the first of them 0. False for malformed levels, another number of rows or entries.
// Time and memory are bounded by `rows` and the levels' runs, not by what `entries` claims.
struct ListLevelScratch {
  std::vector<CodeRun> repetition;
  std::vector<CodeRun> definition;
};
bool DecodeListLevels(std::span<const uint8_t> repetition, std::span<const uint8_t> definition,
                      uint64_t entries, uint64_t rows, ListLevelScratch* scratch,
                      std::vector<uint32_t>* offsets);

}  // namespace thermocline::columnar
