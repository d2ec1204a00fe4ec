#include "columnar/split.h"

#include <immintrin.h>

#include "columnar/machine.h"

namespace thermocline::columnar {

void SplitBytesPortable(const uint8_t* values, size_t begin, size_t count, uint8_t* planes) {
  for (size_t i = begin; i < count; ++i) {
    for (size_t k = 0; k < 8; ++k) planes[k * count + i] = values[8 * i + k];
  }
}

void UnsplitBytesPortable(const uint8_t* planes, size_t begin, size_t count, uint8_t* values) {
  for (size_t i = begin; i < count; ++i) {
    for (size_t k = 0; k < 8; ++k) values[8 * i + k] = planes[k * count + i];
  }
}

namespace {

// Sixteen values are 128 bytes in eight registers. Number a byte by (value: 4 bits, byte: 3 bits);
// in value order its place is vvvvbbb, in plane order bbbvvvv. One round of unpacking register r
// with register r + 4 interleaves the halves of the 128 bytes, which rotates every byte's place
// left by one bit. So four rounds split and three rounds join.
// The loops are unrolled so that the eight registers are registers; the compiler makes an array in
// memory of them otherwise, at five times the time.
#define TC_SPLIT_ROUND(Vector, lo, hi)                                  \
  do {                                                                  \
    Vector next[8];                                                     \
    _Pragma("GCC unroll 4") for (int r = 0; r < 4; ++r) {               \
      next[2 * r] = lo(x[r], x[r + 4]);                                 \
      next[2 * r + 1] = hi(x[r], x[r + 4]);                             \
    }                                                                   \
    _Pragma("GCC unroll 8") for (int r = 0; r < 8; ++r) x[r] = next[r]; \
  } while (false)

size_t SplitSse(const uint8_t* values, size_t begin, size_t count, uint8_t* planes) {
  size_t i = begin;
  for (; i + 16 <= count; i += 16) {
    __m128i x[8];
#pragma GCC unroll 8
    for (int r = 0; r < 8; ++r) {
      x[r] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(values + 8 * i + 16 * r));
    }
#pragma GCC unroll 4
    for (int round = 0; round < 4; ++round) {
      TC_SPLIT_ROUND(__m128i, _mm_unpacklo_epi8, _mm_unpackhi_epi8);
    }
#pragma GCC unroll 8
    for (int r = 0; r < 8; ++r) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(planes + r * count + i), x[r]);
    }
  }
  return i;
}

size_t UnsplitSse(const uint8_t* planes, size_t begin, size_t count, uint8_t* values) {
  size_t i = begin;
  for (; i + 16 <= count; i += 16) {
    __m128i x[8];
#pragma GCC unroll 8
    for (int r = 0; r < 8; ++r) {
      x[r] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(planes + r * count + i));
    }
#pragma GCC unroll 4
    for (int round = 0; round < 3; ++round) {
      TC_SPLIT_ROUND(__m128i, _mm_unpacklo_epi8, _mm_unpackhi_epi8);
    }
#pragma GCC unroll 8
    for (int r = 0; r < 8; ++r) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(values + 8 * i + 16 * r), x[r]);
    }
  }
  return i;
}

// AVX2 unpacks within 128-bit lanes, so the low lanes hold one group of sixteen values and the
// high lanes the next.
#define TC_AVX2 __attribute__((target("avx2")))

TC_AVX2 size_t SplitAvx2(const uint8_t* values, size_t count, uint8_t* planes) {
  size_t i = 0;
  for (; i + 32 <= count; i += 32) {
    __m256i x[8];
#pragma GCC unroll 8
    for (int r = 0; r < 8; ++r) {
      const auto* low = reinterpret_cast<const __m128i*>(values + 8 * i + 16 * r);
      const auto* high = reinterpret_cast<const __m128i*>(values + 8 * i + 128 + 16 * r);
      x[r] = _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128(low)),
                                     _mm_loadu_si128(high), 1);
    }
#pragma GCC unroll 4
    for (int round = 0; round < 4; ++round) {
      TC_SPLIT_ROUND(__m256i, _mm256_unpacklo_epi8, _mm256_unpackhi_epi8);
    }
#pragma GCC unroll 8
    for (int r = 0; r < 8; ++r) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(planes + r * count + i), x[r]);
    }
  }
  return i;
}

TC_AVX2 size_t UnsplitAvx2(const uint8_t* planes, size_t count, uint8_t* values) {
  size_t i = 0;
  for (; i + 32 <= count; i += 32) {
    __m256i x[8];
#pragma GCC unroll 8
    for (int r = 0; r < 8; ++r) {
      x[r] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(planes + r * count + i));
    }
#pragma GCC unroll 4
    for (int round = 0; round < 3; ++round) {
      TC_SPLIT_ROUND(__m256i, _mm256_unpacklo_epi8, _mm256_unpackhi_epi8);
    }
#pragma GCC unroll 8
    for (int r = 0; r < 8; ++r) {
      auto* low = reinterpret_cast<__m128i*>(values + 8 * i + 16 * r);
      auto* high = reinterpret_cast<__m128i*>(values + 8 * i + 128 + 16 * r);
      _mm_storeu_si128(low, _mm256_castsi256_si128(x[r]));
      _mm_storeu_si128(high, _mm256_extracti128_si256(x[r], 1));
    }
  }
  return i;
}

}  // namespace

void SplitBytes(const uint8_t* values, size_t count, uint8_t* planes) {
  const size_t wide = HasAvx2() ? SplitAvx2(values, count, planes) : 0;
  SplitBytesPortable(values, SplitSse(values, wide, count, planes), count, planes);
}

void UnsplitBytes(const uint8_t* planes, size_t count, uint8_t* values) {
  const size_t wide = HasAvx2() ? UnsplitAvx2(planes, count, values) : 0;
  UnsplitBytesPortable(planes, UnsplitSse(planes, wide, count, values), count, values);
}

}  // namespace thermocline::columnar
