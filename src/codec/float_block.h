// Lossless blocks of doubles: a decimal mantissa per value under one exponent per block where that
// comes back bit for bit, the IEEE bits otherwise. Bytes: FORMAT.md.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "codec/int_block.h"

namespace thermocline {

// What the values of a block look like without decoding them.
enum class FloatShape : uint8_t { kNeither = 0, kConstant = 1, kLinear = 2 };

// Appends a block of 1 to kMaxBlockItems values. Every bit pattern survives. kConstant means equal
// bits, kLinear evenly spaced mantissas.
FloatShape EncodeFloatBlock(std::span<const double> values, std::string* out);

// The number of values in the block. Corruption when the head is malformed.
Result<size_t> FloatBlockCount(std::string_view bytes);

// Decodes a whole block; `out` has exactly its count. Corruption when the bytes are malformed.
Status DecodeFloatBlock(std::string_view bytes, std::span<double> out);

}  // namespace thermocline
