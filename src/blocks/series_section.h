// The series entries of a block index.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"
#include "blocks/object_window.h"
#include "blocks/symbol_section.h"

namespace thermocline {

// One chunk as the index lists it. `reference`: segment ordinal << 32 | byte offset.
struct ChunkEntry {
  TimestampMs min_ms = 0;
  TimestampMs max_ms = 0;
  uint64_t reference = 0;

  uint32_t segment() const { return static_cast<uint32_t>(reference >> 32); }
  uint64_t offset() const { return reference & UINT32_MAX; }
};

// Where the entries are; `scale` turns a series number into a file offset.
struct SeriesPlace {
  uint64_t begin = 0;
  uint64_t end = 0;
  uint64_t scale = 16;
};

// Reads entries, best in ascending order. One thread at a time.
class SeriesScanner {
 public:
  // `object` and `symbols` outlive the scanner.
  SeriesScanner(const Object& object, const SymbolSection& symbols, const SeriesPlace& place,
                uint64_t piece_bytes = ObjectWindow::kDefaultPieceBytes)
      : symbols_(symbols), place_(place), window_(object, place.end, piece_bytes) {}

  // Replaces `packed` (the label set, see model/labels.h) and `chunks`; either may be null. The
  // chunks ascend in time. Corruption names the file and the offset.
  Status Read(SeriesRef series, std::string* packed, std::vector<ChunkEntry>* chunks);
  const ObjectWindow& window() const { return window_; }

 private:
  Result<std::string_view> Body(SeriesRef series, uint64_t* offset);
  Status ReadLabels(ByteReader* reader, std::string* packed);
  Status ReadChunks(ByteReader* reader, std::vector<ChunkEntry>* chunks);

  const SymbolSection& symbols_;
  const SeriesPlace place_;
  ObjectWindow window_;
};

}  // namespace thermocline
