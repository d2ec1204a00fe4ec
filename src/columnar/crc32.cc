#include "columnar/crc32.h"

#include <immintrin.h>

#include <array>
#include <cstring>

#include "columnar/machine.h"

namespace thermocline::columnar {

namespace {

using Tables = std::array<std::array<uint32_t, 256>, 8>;

constexpr Tables MakeTables() {
  Tables tables{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) ? 0xEDB88320u : 0);
    tables[0][i] = crc;
  }
  for (size_t t = 1; t < 8; ++t) {
    for (size_t i = 0; i < 256; ++i) {
      tables[t][i] = (tables[t - 1][i] >> 8) ^ tables[0][tables[t - 1][i] & 0xff];
    }
  }
  return tables;
}
constexpr Tables kTables = MakeTables();

// The register without the inversions at both ends.
uint32_t Advance(uint32_t crc, const uint8_t* at, size_t size) {
  for (; size >= 8; at += 8, size -= 8) {
    uint64_t word;
    std::memcpy(&word, at, 8);
    word ^= crc;
    crc = 0;
    for (size_t i = 0; i < 8; ++i) crc ^= kTables[7 - i][(word >> (8 * i)) & 0xff];
  }
  for (; size > 0; ++at, --size) crc = (crc >> 8) ^ kTables[0][(crc ^ *at) & 0xff];
  return crc;
}

// Carry-less multiplication folds 64 bytes a step; the constants are powers of x modulo the
// polynomial, from Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ
// Instruction" (Intel, 2009).
#define TC_PCLMUL __attribute__((target("pclmul,sse4.1")))

TC_PCLMUL inline __m128i Load(const uint8_t* at) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
}

TC_PCLMUL inline __m128i Fold(__m128i x, __m128i k, __m128i next) {
  const __m128i low = _mm_clmulepi64_si128(x, k, 0x00);
  const __m128i high = _mm_clmulepi64_si128(x, k, 0x11);
  return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

TC_PCLMUL uint32_t AdvancePclmul(uint32_t crc, const uint8_t* at, size_t size) {
  const __m128i by_64 = _mm_set_epi64x(0x01c6e41596, 0x0154442bd4);
  const __m128i by_16 = _mm_set_epi64x(0x00ccaa009e, 0x01751997d0);
  __m128i lanes[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) lanes[i] = Load(at + 16 * i);
  lanes[0] = _mm_xor_si128(lanes[0], _mm_cvtsi32_si128(static_cast<int>(crc)));
  at += 64;
  size -= 64;
  for (; size >= 64; at += 64, size -= 64) {
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) lanes[i] = Fold(lanes[i], by_64, Load(at + 16 * i));
  }
  __m128i folded = lanes[0];
#pragma GCC unroll 4
  for (int i = 1; i < 4; ++i) folded = Fold(folded, by_16, lanes[i]);
  for (; size >= 16; at += 16, size -= 16) folded = Fold(folded, by_16, Load(at));
  uint8_t rest[16];
  _mm_storeu_si128(reinterpret_cast<__m128i*>(rest), folded);
  return Advance(Advance(0, rest, 16), at, size);
}

}  // namespace

uint32_t Crc32Portable(std::span<const uint8_t> bytes) {
  return ~Advance(~0u, bytes.data(), bytes.size());
}

uint32_t Crc32(std::span<const uint8_t> bytes) {
  if (bytes.size() < 64 || !HasPclmul()) return Crc32Portable(bytes);
  return ~AdvancePclmul(~0u, bytes.data(), bytes.size());
}

}  // namespace thermocline::columnar
