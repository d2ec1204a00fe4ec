// Strings in pages: PLAIN, DELTA_LENGTH_BYTE_ARRAY and DELTA_BYTE_ARRAY (front coding), as the
// Parquet specification's Encodings.md defines them.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "columnar/byte_buffer.h"

namespace thermocline::columnar {

// All three append to `out`. Strings are below 2 GiB.
void EncodePlainStrings(std::span<const std::string_view> values, ByteBuffer* out);
void EncodeDeltaLengths(std::span<const std::string_view> values, ByteBuffer* out);
void EncodeDeltaStrings(std::span<const std::string_view> values, ByteBuffer* out);

// Decode exactly `count` strings, which must use up `bytes`. 8 bytes beyond `bytes` may be read.
// The views point into `bytes`. False for malformed input.
bool DecodePlainStrings(std::span<const uint8_t> bytes, size_t count,
                        std::vector<std::string_view>* values);
bool DecodeDeltaLengths(std::span<const uint8_t> bytes, size_t count,
                        std::vector<std::string_view>* values);
// The views point into `arena`, which is never made larger than `limit_bytes`.
bool DecodeDeltaStrings(std::span<const uint8_t> bytes, size_t count, uint64_t limit_bytes,
                        std::vector<std::string_view>* values, std::vector<char>* arena);

}  // namespace thermocline::columnar
