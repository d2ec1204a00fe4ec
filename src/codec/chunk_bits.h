// The bit stream of Prometheus' chunks: most significant bit first, reader and writer, with the
// variable-width integers that chunks share.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "model/sample.h"

namespace thermocline {

// A copy of a chunk with zeros behind it, so that eight bytes may be loaded anywhere near its end.
class PaddedChunk {
 public:
  static constexpr size_t kPadding = 64;

  explicit PaddedChunk(std::string_view bytes) : size_(bytes.size()) {
    char* to = inline_;
    if (size_ + kPadding > sizeof(inline_)) {
      large_ = std::make_unique_for_overwrite<char[]>(size_ + kPadding);
      to = large_.get();
    }
    if (size_ != 0) std::memcpy(to, bytes.data(), size_);
    std::memset(to + size_, 0, kPadding);
    data_ = reinterpret_cast<const uint8_t*>(to);
  }
  PaddedChunk(const PaddedChunk&) = delete;
  PaddedChunk& operator=(const PaddedChunk&) = delete;

  const uint8_t* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  const uint8_t* data_;
  size_t size_;
  std::unique_ptr<char[]> large_;
  char inline_[4096];
};

inline uint64_t LoadBigEndian64(const uint8_t* p) {
  uint64_t v;
  std::memcpy(&v, p, sizeof(v));
  return __builtin_bswap64(v);
}

// An n-bit field holds -(2^(n-1) - 1) .. 2^(n-1): the value 2^(n-1) stays positive.
inline int64_t AsymmetricSign(uint64_t bits, int width) {
  const uint64_t half = uint64_t{1} << (width - 1);
  return static_cast<int64_t>(bits > half ? bits - (half << 1) : bits);
}
inline bool FitsAsymmetric(int64_t v, int width) {
  return v >= -((int64_t{1} << (width - 1)) - 1) && v <= int64_t{1} << (width - 1);
}

// The last value of an XOR-coded column and its window of significant bits.
struct XorState {
  static constexpr uint8_t kNoWindow = 0xff;
  uint64_t bits = 0;
  uint8_t leading = 0;  // kNoWindow: an encoder that has not opened one
  uint8_t trailing = 0;
};

inline constexpr uint8_t kVarbitWidths[9] = {0, 3, 6, 9, 12, 18, 25, 56, 64};

// Reads a PaddedChunk. A read that begins at or beyond the end fails and reads as zero; one that
// ends beyond it yields padding: whoever reads tests ok() after each sample.
class BitReader {
 public:
  BitReader(const PaddedChunk& chunk, size_t first_byte)
      : data_(chunk.data()), position_(first_byte * 8), end_(chunk.size() * 8) {}

  bool ok() const { return position_ <= end_; }
  uint64_t position() const { return position_; }
  uint64_t end() const { return end_; }
  const uint8_t* data() const { return data_; }
  void set_position(uint64_t position) { position_ = position; }
  uint64_t remaining_bits() const { return ok() ? end_ - position_ : 0; }

  // At least the next 57 bits, at the top of the word.
  uint64_t Peek() const { return LoadBigEndian64(data_ + (position_ >> 3)) << (position_ & 7); }
  // Makes every later read fail too.
  void Fail() { position_ = end_ + 1; }

  uint64_t Bit() {
    if (position_ >= end_) [[unlikely]]
      return Short();
    const uint64_t bit = (data_[position_ >> 3] >> (7 - (position_ & 7))) & 1;
    ++position_;
    return bit;
  }
  // 1 to 64 bits.
  uint64_t Bits(int width) {
    if (position_ >= end_) [[unlikely]]
      return Short();
    const uint64_t v = Wide(position_) >> (64 - width);
    position_ += static_cast<uint64_t>(width);
    return v;
  }
  uint8_t Byte() { return static_cast<uint8_t>(Bits(8)); }

  // LEB128 at the current bit position; more than 64 bits fail.
  uint64_t Uvarint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const uint64_t byte = Bits(8);
      if (!ok() || (shift == 63 && byte > 1)) break;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return Short();
  }
  int64_t Varint() {
    const uint64_t v = Uvarint();
    return static_cast<int64_t>((v >> 1) ^ (~(v & 1) + 1));
  }

  int64_t VarbitInt() {
    int width = 0;
    const uint64_t bits = Varbit(&width);
    return width % 64 == 0 ? static_cast<int64_t>(bits) : AsymmetricSign(bits, width);
  }
  uint64_t VarbitUint() {
    int width = 0;
    return Varbit(&width);
  }

  // The XOR code of chunk encoding 1.
  void Xor(XorState* state) {
    if (position_ >= end_) [[unlikely]] {
      Short();
      return;
    }
    const uint64_t word = Peek();
    if (static_cast<int64_t>(word) >= 0) {
      ++position_;
      return;
    }
    if ((word >> 62) == 2) {
      position_ += 2;
    } else {
      NewWindow((word >> 51) & 0x7ff, state);
      position_ += 13;
    }
    WindowBits(state);
  }
  // The window's significant bits, applied to the value.
  void WindowBits(XorState* state) {
    const int width = 64 - state->leading - state->trailing;
    if (width <= 0 || position_ >= end_) [[unlikely]] {
      Short();
      return;
    }
    state->bits ^= (Wide(position_) >> (64 - width)) << state->trailing;
    position_ += static_cast<uint64_t>(width);
  }
  // `header`: 5 bits of leading zeros, 6 of width (0 = 64).
  void NewWindow(uint64_t header, XorState* state) {
    const auto leading = static_cast<int>(header >> 6);
    const int width = (header & 63) == 0 ? 64 : static_cast<int>(header & 63);
    if (leading + width > 64) [[unlikely]]
      Fail();
    state->leading = static_cast<uint8_t>(leading);
    state->trailing = static_cast<uint8_t>(leading + width > 64 ? 64 : 64 - leading - width);
  }

 private:
  uint64_t Short() {
    Fail();
    return 0;
  }
  // All 64 bits from `position` on.
  uint64_t Wide(uint64_t position) const {
    const uint8_t* p = data_ + (position >> 3);
    const auto shift = static_cast<int>(position & 7);
    return (LoadBigEndian64(p) << shift) | (uint64_t{p[8]} >> (8 - shift));
  }
  // A field of a width that a prefix of ones tells, as in kVarbitWidths.
  uint64_t Varbit(int* width) {
    if (position_ >= end_) [[unlikely]]
      return Short();
    const uint64_t word = Peek();
    if (static_cast<int64_t>(word) >= 0) {
      ++position_;
      return 0;
    }
    const int ones = std::min(std::countl_one(word), 8);
    *width = kVarbitWidths[ones];
    if (ones >= 7) [[unlikely]] {
      position_ += 8;
      return Bits(*width);
    }
    position_ += static_cast<uint64_t>(ones + 1 + *width);
    return (word << (ones + 1)) >> (64 - *width);
  }

  const uint8_t* data_;
  uint64_t position_;
  uint64_t end_;
};

// Appends bits to a string; Finish pads the last byte with zeros.
class BitWriter {
 public:
  explicit BitWriter(std::string* out) : out_(out) {}

  // The low `width` bits of `v`, 1 to 64.
  void Bits(uint64_t v, int width) {
    v <<= 64 - width;
    word_ |= v >> used_;
    used_ += width;
    if (used_ < 64) return;
    used_ -= 64;
    PutWord(8);
    word_ = used_ == 0 ? 0 : v << (width - used_);
  }
  void Bit(bool v) { Bits(v ? 1 : 0, 1); }
  void Uvarint(uint64_t v) {
    while (v >= 0x80) {
      Bits((v & 0x7f) | 0x80, 8);
      v >>= 7;
    }
    Bits(v, 8);
  }
  void Varint(int64_t v) {
    Uvarint((static_cast<uint64_t>(v) << 1) ^ static_cast<uint64_t>(v >> 63));
  }
  void VarbitInt(int64_t v) {
    if (v == 0) return Bit(false);
    for (int ones = 1; ones < 8; ++ones) {
      const int width = kVarbitWidths[ones];
      if (FitsAsymmetric(v, width)) return Varbit(static_cast<uint64_t>(v), ones, width);
    }
    Bits(0xff, 8);
    Bits(static_cast<uint64_t>(v), 64);
  }
  void VarbitUint(uint64_t v) {
    if (v == 0) return Bit(false);
    for (int ones = 1; ones < 8; ++ones) {
      const int width = kVarbitWidths[ones];
      if ((v >> width) == 0) return Varbit(v, ones, width);
    }
    Bits(0xff, 8);
    Bits(v, 64);
  }
  void Xor(double value, XorState* state) {
    const uint64_t delta = std::bit_cast<uint64_t>(value) ^ state->bits;
    if (delta == 0) return Bit(false);
    state->bits ^= delta;
    if (ReusesWindow(delta, *state)) {
      Bits(2, 2);
    } else {
      Bits(3, 2);
      OpenWindow(delta, state);
    }
    WindowBits(delta, *state);
  }
  static bool ReusesWindow(uint64_t delta, const XorState& state) {
    return state.leading != XorState::kNoWindow && std::countl_zero(delta) >= state.leading &&
           std::countr_zero(delta) >= state.trailing;
  }
  // Writes 5 bits of leading zeros (at most 31) and 6 of width (64 as 0).
  void OpenWindow(uint64_t delta, XorState* state) {
    const int leading = std::countl_zero(delta);
    state->leading = static_cast<uint8_t>(leading >= 32 ? 31 : leading);
    state->trailing = static_cast<uint8_t>(std::countr_zero(delta));
    const auto width = static_cast<unsigned>(64 - state->leading - state->trailing);
    Bits((static_cast<uint64_t>(state->leading) << 6) | (width & 63), 11);
  }
  void WindowBits(uint64_t delta, const XorState& state) {
    Bits(delta >> state.trailing, 64 - state.leading - state.trailing);
  }
  void Finish() {
    if (used_ != 0) PutWord(static_cast<size_t>(used_ + 7) / 8);
    used_ = 0;
    word_ = 0;
    Flush();
  }

 private:
  void Varbit(uint64_t v, int ones, int width) {
    const uint64_t prefix = (uint64_t{1} << (ones + 1)) - 2;
    const uint64_t mask = (uint64_t{1} << width) - 1;
    if (ones + 1 + width <= 64) return Bits((prefix << width) | (v & mask), ones + 1 + width);
    Bits(prefix, ones + 1);
    Bits(v & mask, width);
  }
  void PutWord(size_t bytes) {
    if (buffered_ + 8 > sizeof(buffer_)) Flush();
    const uint64_t swapped = __builtin_bswap64(word_);
    std::memcpy(buffer_ + buffered_, &swapped, 8);
    buffered_ += bytes;
  }
  void Flush() {
    out_->append(buffer_, buffered_);
    buffered_ = 0;
  }

  std::string* out_;
  uint64_t word_ = 0;  // bits not yet in the buffer, from the top
  int used_ = 0;       // 0 .. 63
  size_t buffered_ = 0;
  char buffer_[512];
};

}  // namespace thermocline
