// Sequences of 64-bit integers as constant, linear, frame-of-reference, delta or second-delta
// blocks with outliers patched: the common ground of time and float blocks. Bytes: FORMAT.md.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/status.h"

namespace thermocline {

// No block of any kind holds more items: decoders keep their scratch on the stack.
inline constexpr size_t kMaxBlockItems = 1024;

// Stored on disk: never renumber.
enum class IntForm : uint8_t {
  kConstant = 0,
  kLinear = 1,
  kFrame = 2,
  kDelta = 3,
  kSecondDelta = 4
};

// Appends the smallest of the forms; `values` has 1 to kMaxBlockItems items. Returns the form.
IntForm EncodeIntBlock(std::span<const int64_t> values, std::string* out);

// Reads `out.size()` (1 to kMaxBlockItems) items and leaves `reader` behind the block. Corruption
// when the bytes are malformed.
Status DecodeIntBlock(ByteReader& reader, std::span<int64_t> out);

}  // namespace thermocline
