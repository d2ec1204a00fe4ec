#include "columnar/delta.h"

#include <immintrin.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "columnar/machine.h"

namespace thermocline::columnar {

namespace {

constexpr size_t kBlock = 128;
constexpr size_t kMiniblocks = 4;
constexpr size_t kMini = kBlock / kMiniblocks;
// Kernels decode this many values at a time.
constexpr size_t kStep = 32;
constexpr uint64_t kLowBytes = 0x0101010101010101ull;

int WidthOf(uint64_t bits) { return bits == 0 ? 0 : 64 - __builtin_clzll(bits); }

// Packs 32 values of 1 .. 64 bits into 4 * width bytes; writes up to 8 bytes more.
void Pack(const uint64_t* values, int width, uint8_t* out) {
  uint64_t gathered = 0;
  int bits = 0;
  for (size_t i = 0; i < kMini; ++i) {
    gathered |= values[i] << bits;
    if (bits + width >= 64) {
      std::memcpy(out, &gathered, 8);
      out += 8;
      gathered = bits == 0 ? 0 : values[i] >> (64 - bits);
      bits += width - 64;
    } else {
      bits += width;
    }
  }
  std::memcpy(out, &gathered, 8);
}

struct Range {
  int64_t least = INT64_MAX;
  int64_t greatest = INT64_MIN;
};

// Deltas of up to 128 values.
Range BlockDeltas(const int64_t* values, size_t count, uint64_t* deltas) {
  Range range;
  for (size_t i = 0; i < count; ++i) {
    deltas[i] = static_cast<uint64_t>(values[i + 1]) - static_cast<uint64_t>(values[i]);
    range.least = std::min(range.least, static_cast<int64_t>(deltas[i]));
    range.greatest = std::max(range.greatest, static_cast<int64_t>(deltas[i]));
  }
  return range;
}

// Four deltas a step; least and greatest by signed compare and blend.
__attribute__((target("avx2"))) Range FullBlockDeltasAvx2(const int64_t* values, uint64_t* deltas) {
  __m256i least = _mm256_set1_epi64x(INT64_MAX);
  __m256i greatest = _mm256_set1_epi64x(INT64_MIN);
  for (size_t i = 0; i < kBlock; i += 4) {
    const __m256i from = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(values + i));
    const __m256i to = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(values + i + 1));
    const __m256i delta = _mm256_sub_epi64(to, from);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(deltas + i), delta);
    least = _mm256_blendv_epi8(least, delta, _mm256_cmpgt_epi64(least, delta));
    greatest = _mm256_blendv_epi8(greatest, delta, _mm256_cmpgt_epi64(delta, greatest));
  }
  int64_t lanes[4];
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(lanes), least);
  Range range;
  range.least = *std::min_element(lanes, lanes + 4);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(lanes), greatest);
  range.greatest = *std::max_element(lanes, lanes + 4);
  return range;
}

// The value that most of them have, if any has more than half of them (Boyer and Moore's vote).
int64_t Majority(std::span<const uint64_t> deltas) {
  uint64_t candidate = 0;
  size_t votes = 0;
  for (const uint64_t delta : deltas) {
    if (votes == 0) candidate = delta;
    votes = delta == candidate ? votes + 1 : votes - 1;
  }
  return static_cast<int64_t>(candidate);
}

// What a block's deltas are stored above. The format calls it the minimum, and readers only add it,
// so it may be lower: half a byte's (or two, three ... bytes') range below the usual delta. Then
// the undisturbed deltas of a jittered clock are the same bytes all over the page, in blocks where
// the next series begins, too, and zstd makes little of them.
class Base {
 public:
  int64_t Next(const Range& range, std::span<const uint64_t> deltas) {
    if (range.least == range.greatest) return range.least;
    if (Fits(range, 8)) return Below(8);
    usual_ = Majority(deltas);
    const int needed =
        WidthOf(static_cast<uint64_t>(range.greatest) - static_cast<uint64_t>(range.least));
    const int width = (needed + 7) / 8 * 8;
    return width < 64 && Fits(range, width) ? Below(width) : range.least;
  }

 private:
  bool Fits(const Range& range, int width) const {
    const __int128 half = __int128{1} << (width - 1);
    return range.least >= usual_ - half && range.greatest < usual_ + half &&
           usual_ - half >= INT64_MIN;
  }
  int64_t Below(int width) const { return usual_ - (int64_t{1} << (width - 1)); }

  int64_t usual_ = 0;
};

uint64_t OrAll(const uint64_t* values) {
  uint64_t lanes[4] = {0, 0, 0, 0};
  for (size_t i = 0; i < kMini; i += 4) {
    for (size_t k = 0; k < 4; ++k) lanes[k] |= values[i + k];
  }
  return lanes[0] | lanes[1] | lanes[2] | lanes[3];
}

// Varints with the first error remembered.
struct Cursor {
  const uint8_t* at;
  const uint8_t* end;
  bool ok = true;

  uint64_t Varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64 && at < end; shift += 7) {
      const uint8_t byte = *at++;
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    ok = false;
    return 0;
  }
  int64_t SignedVarint() {
    const uint64_t v = Varint();
    return static_cast<int64_t>((v >> 1) ^ (~(v & 1) + 1));
  }
};

// `bits` bits at bit position `at`; reads up to 9 bytes from there.
inline uint64_t BitsAt(const uint8_t* bytes, size_t at, int bits, uint64_t mask) {
  uint64_t word;
  std::memcpy(&word, bytes + at / 8, 8);
  const int shift = static_cast<int>(at & 7);
  word >>= shift;
  if (bits + shift > 64) word |= static_cast<uint64_t>(bytes[at / 8 + 8]) << (64 - shift);
  return word & mask;
}

inline void StepScalar(const uint8_t* packed, int width, uint64_t least, uint64_t last,
                       int64_t* out) {
  const uint64_t mask = width == 64 ? ~0ull : (1ull << width) - 1;
  for (size_t i = 0; i < kStep; ++i) {
    const uint64_t delta = width == 0 ? 0 : BitsAt(packed, i * width, width, mask);
    last += delta + least;
    out[i] = static_cast<int64_t>(last);
  }
}

#define TC_AVX2 __attribute__((target("avx2,bmi2")))

// Width 0: an arithmetic progression.
TC_AVX2 inline void StepLinear(uint64_t least, uint64_t last, int64_t* out) {
  const __m256i four = _mm256_set1_epi64x(static_cast<int64_t>(4 * least));
  __m256i x = _mm256_add_epi64(
      _mm256_set1_epi64x(static_cast<int64_t>(last)),
      _mm256_set_epi64x(static_cast<int64_t>(4 * least), static_cast<int64_t>(3 * least),
                        static_cast<int64_t>(2 * least), static_cast<int64_t>(least)));
  for (size_t i = 0; i < kStep; i += 4) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), x);
    x = _mm256_add_epi64(x, four);
  }
}

// Widths 1 .. 8: pdep spreads eight deltas to bytes, prefix sums run in 16 bits (32 deltas of 255
// fit), and the progression of the minimum is added after widening.
TC_AVX2 inline void StepNarrow(const uint8_t* packed, int width, uint64_t least, uint64_t last,
                               int64_t* out) {
  const uint64_t mask = kLowBytes * ((1u << width) - 1);
  const __m256i four = _mm256_set1_epi64x(static_cast<int64_t>(4 * least));
  __m256i line = _mm256_add_epi64(
      _mm256_set1_epi64x(static_cast<int64_t>(last)),
      _mm256_set_epi64x(static_cast<int64_t>(4 * least), static_cast<int64_t>(3 * least),
                        static_cast<int64_t>(2 * least), static_cast<int64_t>(least)));
  __m128i carry = _mm_setzero_si128();
  const __m128i top = _mm_set1_epi16(0x0f0e);
  for (size_t group = 0; group < kStep; group += 8) {
    uint64_t bytes;
    std::memcpy(&bytes, packed, 8);
    packed += width;
    const uint64_t spread = _pdep_u64(bytes, mask);
    __m128i sum = _mm_cvtepu8_epi16(_mm_cvtsi64_si128(static_cast<int64_t>(spread)));
    sum = _mm_add_epi16(sum, _mm_slli_si128(sum, 2));
    sum = _mm_add_epi16(sum, _mm_slli_si128(sum, 4));
    sum = _mm_add_epi16(sum, _mm_slli_si128(sum, 8));
    sum = _mm_add_epi16(sum, carry);
    carry = _mm_shuffle_epi8(sum, top);
    auto* to = reinterpret_cast<__m256i*>(out + group);
    _mm256_storeu_si256(to, _mm256_add_epi64(line, _mm256_cvtepu16_epi64(sum)));
    line = _mm256_add_epi64(line, four);
    const __m128i upper = _mm_srli_si128(sum, 8);
    _mm256_storeu_si256(to + 1, _mm256_add_epi64(line, _mm256_cvtepu16_epi64(upper)));
    line = _mm256_add_epi64(line, four);
  }
}

struct Scalar {
  static void Step(const uint8_t* packed, int width, uint64_t least, uint64_t last, int64_t* out) {
    StepScalar(packed, width, least, last, out);
  }
};

struct Avx2 {
  TC_AVX2 static void Step(const uint8_t* packed, int width, uint64_t least, uint64_t last,
                           int64_t* out) {
    if (width == 0) {
      StepLinear(least, last, out);
    } else if (width <= 8) {
      StepNarrow(packed, width, least, last, out);
    } else {
      StepScalar(packed, width, least, last, out);
    }
  }
};

template <typename Kernel>
int64_t Decode(std::span<const uint8_t> bytes, size_t count, int64_t* out) {
  Cursor in{bytes.data(), bytes.data() + bytes.size()};
  const uint64_t block = in.Varint();
  const uint64_t minis = in.Varint();
  const uint64_t total = in.Varint();
  uint64_t last = static_cast<uint64_t>(in.SignedVarint());
  if (!in.ok || block == 0 || block > (1u << 20) || block % 128 != 0 || minis == 0 ||
      minis > block || block % minis != 0 || block / minis % kStep != 0 || total != count) {
    return -1;
  }
  const size_t per_mini = block / minis;
  if (count == 0) return in.at - bytes.data();
  out[0] = static_cast<int64_t>(last);
  size_t done = 1;
  while (done < count) {
    const uint64_t least = static_cast<uint64_t>(in.SignedVarint());
    if (!in.ok || static_cast<size_t>(in.end - in.at) < minis) return -1;
    const uint8_t* widths = in.at;
    in.at += minis;
    for (size_t mini = 0; mini < minis && done < count; ++mini) {
      const int width = widths[mini];
      if (width > 64 || static_cast<size_t>(in.end - in.at) < per_mini / 8 * width) return -1;
      for (size_t step = 0; step < per_mini && done < count; step += kStep) {
        Kernel::Step(in.at + step / 8 * width, width, least, last, out + done);
        last = static_cast<uint64_t>(out[done + kStep - 1]);
        done += kStep;  // surplus of the last step lands in the slack
      }
      in.at += per_mini / 8 * width;
    }
  }
  return in.at - bytes.data();
}

}  // namespace

void EncodeDelta(std::span<const int64_t> values, ByteBuffer* out) {
  out->Varint(kBlock);
  out->Varint(kMiniblocks);
  out->Varint(values.size());
  out->SignedVarint(values.empty() ? 0 : values[0]);
  const bool wide = HasAvx2();
  Base base;
  uint64_t deltas[kBlock];
  for (size_t i = 0; i + 1 < values.size(); i += kBlock) {
    const size_t count = std::min(kBlock, values.size() - 1 - i);
    const int64_t* from = values.data() + i;
    const Range range = wide && count == kBlock ? FullBlockDeltasAvx2(from, deltas)
                                                : BlockDeltas(from, count, deltas);
    const int64_t least = base.Next(range, {deltas, count});
    for (size_t k = 0; k < count; ++k) deltas[k] -= static_cast<uint64_t>(least);
    for (size_t k = count; k < kBlock; ++k) deltas[k] = 0;
    out->SignedVarint(least);
    uint8_t* widths = out->Reserve(kMiniblocks + kBlock * 8);
    uint8_t* packed = widths + kMiniblocks;
    for (size_t mini = 0; mini < kMiniblocks; ++mini) {
      const uint64_t* part = deltas + mini * kMini;
      // Whole bytes for narrow deltas: zstd sees values, not their shifted bits.
      const int needed = WidthOf(OrAll(part));
      const int width = needed > 0 && needed < 8 ? 8 : needed;
      widths[mini] = static_cast<uint8_t>(width);
      if (width == 0) continue;
      if (width == 8) {
        for (size_t k = 0; k < kMini; ++k) packed[k] = static_cast<uint8_t>(part[k]);
      } else {
        Pack(part, width, packed);
      }
      packed += kMini / 8 * static_cast<size_t>(width);
    }
    out->Advance(static_cast<size_t>(packed - widths));
  }
}

int64_t DecodeDelta(std::span<const uint8_t> bytes, size_t count, int64_t* out) {
  return HasAvx2() ? Decode<Avx2>(bytes, count, out) : Decode<Scalar>(bytes, count, out);
}

bool DeltaMayHold(std::span<const uint8_t> bytes, size_t count) {
  Cursor in{bytes.data(), bytes.data() + bytes.size()};
  const uint64_t block = in.Varint();
  const uint64_t minis = in.Varint();
  if (!in.ok || block == 0 || minis == 0 || minis > block) return false;
  // A block has at least a byte of minimum and its widths.
  return count <= 1 || (count - 2) / block < static_cast<size_t>(in.end - in.at) / (1 + minis);
}

int64_t DecodeDeltaPortable(std::span<const uint8_t> bytes, size_t count, int64_t* out) {
  return Decode<Scalar>(bytes, count, out);
}

}  // namespace thermocline::columnar
