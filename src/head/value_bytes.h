// How records write integers and the value of a float in few bytes. Bytes: FORMAT.md.
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>

#include "base/bytes.h"
#include "model/sample.h"

namespace thermocline {

inline constexpr std::array<double, 10> kPowersOfTen = {1e0, 1e1, 1e2, 1e3, 1e4,
                                                        1e5, 1e6, 1e7, 1e8, 1e9};
inline constexpr double kMantissaLimit = 9007199254740992.0;  // 2^53

constexpr uint64_t ZigZag(int64_t v) {
  return (static_cast<uint64_t>(v) << 1) ^ static_cast<uint64_t>(v >> 63);
}
constexpr int64_t UnZigZag(uint64_t v) { return static_cast<int64_t>((v >> 1) ^ (~(v & 1) + 1)); }

inline char* PutVarint(char* to, uint64_t v) {
  while (v >= 0x80) {
    *to++ = static_cast<char>(v | 0x80);
    v >>= 7;
  }
  *to++ = static_cast<char>(v);
  return to;
}

// Writes the tag and the `count` low bytes of `bytes`; up to 9 bytes are touched.
inline char* PutTagged(char* to, int nibble, uint64_t bytes, int count) {
  *to = static_cast<char>(nibble << 4 | count);
  std::memcpy(to + 1, &bytes, 8);
  return to + 1 + count;
}

// Up to 16 bytes are touched.
inline char* PutValue(char* to, double value) {
  // Whole numbers and thousandths are nearly all that decimals are used for.
  for (const int exponent : {0, 3}) {
    const double scaled = value * kPowersOfTen[static_cast<size_t>(exponent)];
    if (!(std::fabs(scaled) < kMantissaLimit)) break;
    const auto mantissa = static_cast<int64_t>(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
    const double back = static_cast<double>(mantissa) / kPowersOfTen[static_cast<size_t>(exponent)];
    if (!SameBits(back, value)) continue;
    const uint64_t zigzag = ZigZag(mantissa);
    return PutTagged(to, 1 + exponent, zigzag, (static_cast<int>(std::bit_width(zigzag)) + 7) / 8);
  }
  const auto bits = std::bit_cast<uint64_t>(value);
  const int zero_bytes = bits == 0 ? 8 : std::countr_zero(bits) / 8;
  return PutTagged(to, 0, zero_bytes == 8 ? 0 : bits >> (8 * zero_bytes), 8 - zero_bytes);
}

inline void AppendValue(double value, std::string* out) {
  char buffer[16];
  out->append(buffer, static_cast<size_t>(PutValue(buffer, value) - buffer));
}

// The value whose tag was read already.
inline double ReadTaggedValue(uint8_t tag, ByteReader& reader) {
  const int nibble = tag >> 4;
  const int count = tag & 15;
  if (nibble > 10 || count > 8) {
    reader.Fail();
    return 0;
  }
  const std::string_view bytes = reader.Bytes(static_cast<uint64_t>(count));
  uint64_t v = 0;
  if (!bytes.empty()) std::memcpy(&v, bytes.data(), bytes.size());
  if (nibble == 0) return std::bit_cast<double>(count == 0 ? 0 : v << (8 * (8 - count)));
  return static_cast<double>(UnZigZag(v)) / kPowersOfTen[static_cast<size_t>(nibble - 1)];
}

inline double ReadValue(ByteReader& reader) { return ReadTaggedValue(reader.U8(), reader); }

}  // namespace thermocline
