// Integers of a fixed width, packed LSB first without gaps.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace thermocline {

constexpr uint64_t PackedSize(uint64_t items, int width) {
  return (items * static_cast<uint64_t>(width) + 7) / 8;
}

// Appends the low `width` (0-64) bits of every item.
void PackBits(std::span<const uint64_t> items, int width, std::string* out);

// Reads `out.size()` items; `packed` has exactly PackedSize(out.size(), width) bytes.
void UnpackBits(std::string_view packed, int width, std::span<uint64_t> out);

}  // namespace thermocline
