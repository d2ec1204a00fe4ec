// DELTA_BINARY_PACKED integers (Parquet specification, Encodings.md): blocks of deltas above the
// block's minimum, bit-packed in miniblocks. Arithmetic wraps, so every value survives.
#pragma once

#include <cstdint>
#include <span>

#include "columnar/byte_buffer.h"

namespace thermocline::columnar {

// Appends to `out`: blocks of 128 in four miniblocks.
void EncodeDelta(std::span<const int64_t> values, ByteBuffer* out);

// Decodes exactly `count` values; `out` has room for count + 32 and at least 8 bytes beyond `bytes`
// may be read. Any block and miniblock size that the specification allows is taken. Returns how
// many bytes were used, or -1 for malformed input or another number of values.
int64_t DecodeDelta(std::span<const uint8_t> bytes, size_t count, int64_t* out);

// Whether so many bytes can hold `count` values: to be asked before room for them is made.
bool DeltaMayHold(std::span<const uint8_t> bytes, size_t count);

// Value by value: the fallback and the oracle.
int64_t DecodeDeltaPortable(std::span<const uint8_t> bytes, size_t count, int64_t* out);

}  // namespace thermocline::columnar
