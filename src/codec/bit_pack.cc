#include "codec/bit_pack.h"

#include <array>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace thermocline {
namespace {

// Eight items of W bits are W bytes, so within a group every item has a constant byte and shift.
constexpr size_t kGroup = 8;

inline uint64_t Load64(const char* p) {
  uint64_t v;
  std::memcpy(&v, p, sizeof(v));
  return v;
}

template <int W, int I>
inline uint64_t Item(const char* group) {
  constexpr int kBit = W * I;
  constexpr int kShift = kBit % 8;
  constexpr uint64_t kMask = W == 64 ? ~0ull : (1ull << (W % 64)) - 1;
  uint64_t v = Load64(group + kBit / 8) >> kShift;
  if constexpr (kShift + W > 64) {
    v |= static_cast<uint64_t>(static_cast<uint8_t>(group[kBit / 8 + 8])) << (64 - kShift);
  }
  return v & kMask;
}

template <int W, size_t... I>
inline void UnpackGroup(const char* group, uint64_t* out, std::index_sequence<I...>) {
  ((out[I] = Item<W, static_cast<int>(I)>(group)), ...);
}

// Loads reach up to 8 bytes past a group's end; groups too near to the end are read from a copy.
template <int W>
void Unpack(const char* packed, size_t size, uint64_t* out, size_t items) {
  if constexpr (W == 0) {
    std::memset(out, 0, items * sizeof(uint64_t));
  } else {
    using Indexes = std::make_index_sequence<kGroup>;
    size_t i = 0;
    size_t at = 0;
    for (; i + kGroup <= items && at + W + 8 <= size; i += kGroup, at += W) {
      UnpackGroup<W>(packed + at, out + i, Indexes());
    }
    while (i < items) {
      char copy[64 + 16] = {};
      std::memcpy(copy, packed + at, std::min<size_t>(W, size - at));
      uint64_t group[kGroup];
      UnpackGroup<W>(copy, group, Indexes());
      const size_t take = std::min(kGroup, items - i);
      std::memcpy(out + i, group, take * sizeof(uint64_t));
      i += take;
      at += W;
    }
  }
}

using UnpackFunction = void (*)(const char*, size_t, uint64_t*, size_t);

template <size_t... W>
constexpr std::array<UnpackFunction, sizeof...(W)> MakeTable(std::index_sequence<W...>) {
  return {&Unpack<static_cast<int>(W)>...};
}

constexpr std::array<UnpackFunction, 65> kUnpack = MakeTable(std::make_index_sequence<65>());

}  // namespace

void PackBits(std::span<const uint64_t> items, int width, std::string* out) {
  CHECK(width >= 0 && width <= 64);
  if (width == 0) return;
  const size_t start = out->size();
  out->resize(start + PackedSize(items.size(), width) + 8);
  char* to = out->data() + start;
  const uint64_t mask = width == 64 ? ~0ull : (1ull << width) - 1;
  uint64_t buffer = 0;  // `filled` (< 64) bits wait here
  int filled = 0;
  for (uint64_t item : items) {
    item &= mask;
    buffer |= item << filled;
    filled += width;
    if (filled >= 64) {
      std::memcpy(to, &buffer, 8);
      to += 8;
      filled -= 64;
      buffer = filled == 0 ? 0 : item >> (width - filled);
    }
  }
  std::memcpy(to, &buffer, 8);
  out->resize(start + PackedSize(items.size(), width));
}

void UnpackBits(std::string_view packed, int width, std::span<uint64_t> out) {
  CHECK(width >= 0 && width <= 64 && packed.size() == PackedSize(out.size(), width));
  kUnpack[static_cast<size_t>(width)](packed.data(), packed.size(), out.data(), out.size());
}

}  // namespace thermocline
