// Split-block bloom filters (Parquet specification, BloomFilter.md), reading side. A filter pays
// where a value is rare and neither the page index nor a dictionary tells. Its bytes have no
// checksum: what is damaged there may say no to a value that is there.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/result.h"
#include "columnar/file_reader.h"

namespace thermocline::columnar {

// Whether MayContain can tell anything of this column chunk. No IO.
bool HasBloomFilter(const FileIndex& index, uint32_t column, uint32_t row_group);

// Whether the row group may hold one of the values (of integers: their 8 bytes) in the column, as
// its filter says; true when it has none. NULL is no value. One read, and one more where the footer
// does not tell the filter's length. `object` is the file that `index` was read from.
// Errors: InvalidArgument (no such column or row group), Corruption, Io.
Result<bool> MayContain(const Object& object, const FileIndex& index, uint32_t column,
                        uint32_t row_group, std::span<const std::string_view> any_of,
                        ReadStats* stats);

// libparquet's limit of a filter's bits, and room for its header.
inline constexpr uint64_t kMaxBloomBytes = uint64_t{128} << 20;
inline constexpr uint64_t kMaxBloomHeaderBytes = 64;

struct BloomHeader {
  uint32_t header_bytes = 0;
  uint32_t bitset_bytes = 0;  // a multiple of 32, at least 32
};

// False when `bytes` do not begin with the header of an uncompressed split-block filter over
// xxHash64, or its bits are not whole blocks or more than kMaxBloomBytes.
bool ParseBloomHeader(std::span<const uint8_t> bytes, BloomHeader* header);

// Where a filter is: `size_bytes` with its header, or 0 where the file does not say; before
// `limit`. Its CRC32C where the file says it.
struct BloomPlace {
  uint64_t offset = 0;
  uint32_t size_bytes = 0;
  uint64_t limit = 0;
  std::optional<uint32_t> crc = {};
};
Result<bool> AskBloomFilter(const Object& object, const BloomPlace& place,
                            std::span<const std::string_view> any_of, ReadStats* stats);

// `bitset` is of whole blocks, at least one; `hash` is Hash64 of the value's PLAIN bytes (of a
// string without its length). False: no such value was put in.
bool BloomMayContain(std::span<const uint8_t> bitset, uint64_t hash);

}  // namespace thermocline::columnar
