#include "codec/xor_chunk.h"

#include <bit>

#include "codec/chunk_bits.h"
#include "codec/start_times.h"
#include "model/sample.h"

namespace thermocline {
namespace {

// Deltas below this, 65,535 of them, cannot wrap a timestamp around.
constexpr uint64_t kPlainDelta = uint64_t{1} << 47;

// Whether times ascend: each delta is looked at when it changes; only unusual ones make the final
// pass over all times necessary.
struct Ascent {
  bool odd = false;
  void Delta(uint64_t delta) { odd |= delta - 1 >= kPlainDelta; }
  bool Holds(std::span<const TimestampMs> times) const {
    if (!odd) return times.size() < 2 || times.back() > times.front();
    for (size_t i = 1; i < times.size(); ++i) {
      if (times[i] <= times[i - 1]) return false;
    }
    return true;
  }
};

int64_t Advance(int64_t t, uint64_t delta) {
  return static_cast<int64_t>(static_cast<uint64_t>(t) + delta);
}

// The state of an XOR chunk between samples.
struct XorCursor {
  int64_t t = 0;
  uint64_t delta = 0;
  XorState value;
};

// Samples 2 .. of an XOR chunk, the hot loop of every scan. One load gives everything up to the
// significant bits (at most 4 + 20 + 2 + 11 of 57); reuse and new window share one path without a
// branch, because which of the two comes is what a predictor cannot know.
bool DecodeXorTail(BitReader* bits, XorCursor* at, std::span<TimestampMs> times,
                   std::span<double> values, Ascent* ascent) {
  static constexpr uint8_t kDodWidth[4] = {0, 14, 17, 20};
  const uint8_t* const data = bits->data();
  const uint64_t end = bits->end();
  uint64_t position = bits->position();
  int64_t t = at->t;
  uint64_t delta = at->delta;
  uint64_t value = at->value.bits;
  uint64_t leading = at->value.leading;
  uint64_t width = 64u - at->value.leading - at->value.trailing;
  uint64_t bad = 0;
  for (size_t i = 2; i < times.size(); ++i) {
    if (position >= end) [[unlikely]]
      return false;
    uint64_t word = LoadBigEndian64(data + (position >> 3)) << (position & 7);
    if (static_cast<int64_t>(word) >= 0) {
      word <<= 1;
      position += 1;
    } else if ((word >> 62) == 2) {
      // Scrapes that jitter: a branch of its own, so that the predictor, not the load, tells where
      // the value begins.
      delta += static_cast<uint64_t>(AsymmetricSign((word << 2) >> 50, 14));
      word <<= 16;
      position += 16;
      ascent->Delta(delta);
    } else {
      const int ones = std::countl_one(word);
      if (ones >= 4) [[unlikely]] {
        bits->set_position(position + 4);
        delta += bits->Bits(64);
        position = bits->position();
        if (position >= end) return false;
        word = LoadBigEndian64(data + (position >> 3)) << (position & 7);
      } else {
        const int size = kDodWidth[ones];
        delta += static_cast<uint64_t>(AsymmetricSign((word << (ones + 1)) >> (64 - size), size));
        word <<= ones + 1 + size;
        position += static_cast<uint64_t>(ones + 1 + size);
      }
      ascent->Delta(delta);
    }
    t = Advance(t, delta);
    if (static_cast<int64_t>(word) >= 0) {
      position += 1;
    } else {
      const uint64_t fields = word >> 51;
      const bool opens = (word & (uint64_t{1} << 62)) != 0;
      const uint64_t new_leading = (fields >> 6) & 31;
      const uint64_t new_width = ((fields - 1) & 63) + 1;
      leading = opens ? new_leading : leading;
      width = opens ? new_width : width;
      position += opens ? 13 : 2;
      const uint8_t* p = data + (position >> 3);
      const uint64_t shift = position & 7;
      const uint64_t wide = (LoadBigEndian64(p) << shift) | (uint64_t{p[8]} >> (8 - shift));
      bad |= 64 - leading - width;  // above 64 when they do not fit
      value ^= (wide >> (64 - width)) << ((64 - leading - width) & 63);
      position += width;
    }
    times[i] = t;
    values[i] = std::bit_cast<double>(value);
  }
  return position <= end && bad < 64;
}

// `word` holds the value code of XOR2 in its top bits: `0` same, `10` the window again, `110` a new
// window, `111` stale. Returns false for stale.
bool ReadXor2Value(BitReader* bits, XorState* value) {
  if (bits->Bit() == 0) return true;
  if (bits->Bit() == 0) {
    bits->WindowBits(value);
    return true;
  }
  if (bits->Bit() != 0) return false;
  bits->NewWindow(bits->Bits(11), value);
  bits->WindowBits(value);
  return true;
}

// The joint code of time and value from sample 2 on. Returns false when the sample is stale.
bool ReadXor2Joint(BitReader* bits, uint64_t* delta, XorState* value, Ascent* ascent) {
  const uint64_t word = bits->position() < bits->end() ? bits->Peek() : 0;
  if (static_cast<int64_t>(word) >= 0) {
    bits->Bits(1);
    return true;
  }
  const int ones = std::countl_one(word);
  if (ones == 1) {
    bits->set_position(bits->position() + 2);
    if ((word >> 61) & 1) {
      bits->NewWindow((word >> 50) & 0x7ff, value);
      bits->set_position(bits->position() + 12);
    } else {
      bits->set_position(bits->position() + 1);
    }
    bits->WindowBits(value);
    return true;
  }
  if (ones >= 5) {
    bits->set_position(bits->position() + 5);
    return false;
  }
  bits->set_position(bits->position() + static_cast<uint64_t>(ones + 1));
  const int size = ones == 2 ? 13 : ones == 3 ? 20 : 64;
  // Unlike all other fields these are in two's complement.
  const uint64_t raw = bits->Bits(size) << (64 - size);
  *delta += static_cast<uint64_t>(static_cast<int64_t>(raw) >> (64 - size));
  ascent->Delta(*delta);
  return ReadXor2Value(bits, value);
}

void WriteXor2Value(uint64_t delta, XorState* value, BitWriter* bits) {
  if (delta == 0) return bits->Bit(false);
  if (BitWriter::ReusesWindow(delta, *value)) {
    bits->Bits(2, 2);
  } else {
    bits->Bits(6, 3);
    bits->OpenWindow(delta, value);
  }
  bits->WindowBits(delta, *value);
}

void WriteXor2Joint(int64_t dod, uint64_t delta, bool stale, XorState* value, BitWriter* bits) {
  if (dod == 0) {
    if (stale) return bits->Bits(0x1f, 5);
    if (delta == 0) return bits->Bit(false);
    if (BitWriter::ReusesWindow(delta, *value)) {
      bits->Bits(4, 3);
    } else {
      bits->Bits(5, 3);
      bits->OpenWindow(delta, value);
    }
    return bits->WindowBits(delta, *value);
  }
  if (dod >= -(1 << 12) && dod < 1 << 12) {
    bits->Bits((uint64_t{6} << 13) | (static_cast<uint64_t>(dod) & 0x1fff), 16);
  } else if (dod >= -(1 << 19) && dod < 1 << 19) {
    bits->Bits((uint64_t{14} << 20) | (static_cast<uint64_t>(dod) & 0xfffff), 24);
  } else {
    bits->Bits(0x1e, 5);
    bits->Bits(static_cast<uint64_t>(dod), 64);
  }
  if (stale) return bits->Bits(7, 3);
  WriteXor2Value(delta, value, bits);
}

void PutCount(size_t count, std::string* out) {
  out->push_back(static_cast<char>(count >> 8));
  out->push_back(static_cast<char>(count));
}

}  // namespace

bool DecodeXor(std::string_view bytes, std::span<TimestampMs> times, std::span<double> values,
               bool any_order) {
  if (times.empty()) return true;
  const PaddedChunk padded(bytes);
  BitReader bits(padded, 2);
  XorCursor at;
  Ascent ascent;
  at.t = bits.Varint();
  at.value.bits = bits.Bits(64);
  times[0] = at.t;
  values[0] = std::bit_cast<double>(at.value.bits);
  if (times.size() == 1) return bits.ok();
  at.delta = bits.Uvarint();
  bits.Xor(&at.value);
  at.t = Advance(at.t, at.delta);
  ascent.Delta(at.delta);
  times[1] = at.t;
  values[1] = std::bit_cast<double>(at.value.bits);
  return bits.ok() && DecodeXorTail(&bits, &at, times, values, &ascent) &&
         (any_order || ascent.Holds(times));
}

bool DecodeXor2(std::string_view bytes, std::span<TimestampMs> times, std::span<double> values,
                std::span<TimestampMs> starts, bool* any_start) {
  *any_start = false;
  if (times.empty()) return true;
  const PaddedChunk padded(bytes);
  BitReader bits(padded, 3);
  StartTimeReader start(static_cast<uint8_t>(bytes[2]));
  const bool starts_follow = start.any();
  int64_t seen_starts = 0;
  Ascent ascent;
  XorState value;
  int64_t t = 0;
  uint64_t delta = 0;
  for (size_t i = 0; i < times.size(); ++i) {
    const int64_t previous = t;
    bool stale = false;
    if (i == 0) {
      t = bits.Varint();
      const uint64_t first = bits.Bits(64);
      stale = first == kStaleBits;
      if (!stale) value.bits = first;
    } else if (i == 1) {
      delta = bits.Uvarint();
      ascent.Delta(delta);
      stale = !ReadXor2Value(&bits, &value);
    } else {
      stale = !ReadXor2Joint(&bits, &delta, &value, &ascent);
    }
    if (i > 0) t = Advance(t, delta);
    times[i] = t;
    // A stale marker leaves the value that later samples refer to untouched.
    values[i] = std::bit_cast<double>(stale ? kStaleBits : value.bits);
    if (starts_follow) {
      starts[i] = start.Next(static_cast<uint32_t>(i), t, previous, &bits);
      seen_starts |= starts[i];
    }
    if (!bits.ok()) [[unlikely]]
      return false;
  }
  *any_start = seen_starts != 0;
  return ascent.Holds(times);
}

void EncodeXor(std::span<const TimestampMs> times, std::span<const double> values,
               std::string* out) {
  PutCount(times.size(), out);
  BitWriter bits(out);
  bits.Varint(times[0]);
  XorState value{std::bit_cast<uint64_t>(values[0]), XorState::kNoWindow, 0};
  bits.Bits(value.bits, 64);
  uint64_t delta = 0;
  for (size_t i = 1; i < times.size(); ++i) {
    const uint64_t step = static_cast<uint64_t>(times[i]) - static_cast<uint64_t>(times[i - 1]);
    const auto dod = static_cast<int64_t>(step - delta);
    delta = step;
    if (i == 1) {
      bits.Uvarint(step);
    } else if (dod == 0) {
      bits.Bit(false);
    } else if (FitsAsymmetric(dod, 14)) {
      bits.Bits((uint64_t{2} << 14) | (static_cast<uint64_t>(dod) & 0x3fff), 16);
    } else if (FitsAsymmetric(dod, 17)) {
      bits.Bits((uint64_t{6} << 17) | (static_cast<uint64_t>(dod) & 0x1ffff), 20);
    } else if (FitsAsymmetric(dod, 20)) {
      bits.Bits((uint64_t{14} << 20) | (static_cast<uint64_t>(dod) & 0xfffff), 24);
    } else {
      bits.Bits(15, 4);
      bits.Bits(static_cast<uint64_t>(dod), 64);
    }
    bits.Xor(values[i], &value);
  }
  bits.Finish();
}

void EncodeXor2(std::span<const TimestampMs> times, std::span<const double> values,
                std::span<const TimestampMs> starts, std::string* out) {
  PutCount(times.size(), out);
  const size_t header = out->size();
  out->push_back(0);
  BitWriter bits(out);
  StartTimeWriter start;
  XorState value{0, XorState::kNoWindow, 0};
  uint64_t step = 0;
  for (size_t i = 0; i < times.size(); ++i) {
    const bool stale = IsStale(values[i]);
    const auto raw = std::bit_cast<uint64_t>(values[i]);
    const uint64_t delta = stale ? 0 : raw ^ value.bits;
    const TimestampMs previous = i == 0 ? 0 : times[i - 1];
    if (i == 0) {
      bits.Varint(times[0]);
      bits.Bits(raw, 64);
    } else {
      const uint64_t new_step = static_cast<uint64_t>(times[i]) - static_cast<uint64_t>(previous);
      if (i > 1) {
        WriteXor2Joint(static_cast<int64_t>(new_step - step), delta, stale, &value, &bits);
      } else {
        bits.Uvarint(new_step);
        stale ? bits.Bits(7, 3) : WriteXor2Value(delta, &value, &bits);
      }
      step = new_step;
    }
    value.bits ^= delta;
    start.Next(static_cast<uint32_t>(i), times[i], previous, starts.empty() ? 0 : starts[i], &bits);
  }
  bits.Finish();
  (*out)[header] = static_cast<char>(start.header());
}

}  // namespace thermocline
