// BYTE_STREAM_SPLIT of 8-byte values: byte k of every value, then byte k+1 of every value.
#pragma once

#include <cstddef>
#include <cstdint>

namespace thermocline::columnar {

// `values` and `planes` are 8 * count bytes and do not overlap.
void SplitBytes(const uint8_t* values, size_t count, uint8_t* planes);
void UnsplitBytes(const uint8_t* planes, size_t count, uint8_t* values);

// Byte by byte: the oracles.
void SplitBytesPortable(const uint8_t* values, size_t begin, size_t count, uint8_t* planes);
void UnsplitBytesPortable(const uint8_t* planes, size_t begin, size_t count, uint8_t* values);

}  // namespace thermocline::columnar
