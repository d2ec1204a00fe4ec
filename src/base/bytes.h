// Reading and writing of little-endian bytes and varints. The reader remembers its first error:
// decode a whole record, then test ok() once.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace thermocline {

static_assert(std::endian::native == std::endian::little,
              "persisted integers are little-endian; a big-endian port swaps here");

// Appends to a string owned by the caller.
class ByteWriter {
 public:
  explicit ByteWriter(std::string* out) : out_(out) {}

  void U8(uint8_t v) { out_->push_back(static_cast<char>(v)); }
  void U16(uint16_t v) { Fixed(v); }
  void U32(uint32_t v) { Fixed(v); }
  void U64(uint64_t v) { Fixed(v); }
  void I64(int64_t v) { Fixed(static_cast<uint64_t>(v)); }
  // The IEEE 754 bits: every NaN payload survives.
  void F64(double v) { Fixed(std::bit_cast<uint64_t>(v)); }
  // LEB128, at most 10 bytes.
  void Varint(uint64_t v) {
    while (v >= 0x80) {
      U8(static_cast<uint8_t>(v | 0x80));
      v >>= 7;
    }
    U8(static_cast<uint8_t>(v));
  }
  // Zigzag, then LEB128.
  void SignedVarint(int64_t v) {
    Varint((static_cast<uint64_t>(v) << 1) ^ static_cast<uint64_t>(v >> 63));
  }
  void Bytes(std::string_view v) { out_->append(v); }
  // Varint length, then the bytes.
  void LengthPrefixed(std::string_view v) {
    Varint(v.size());
    Bytes(v);
  }
  size_t size() const { return out_->size(); }

 private:
  template <typename T>
  void Fixed(T v) {
    char buffer[sizeof(T)];
    std::memcpy(buffer, &v, sizeof(T));
    out_->append(buffer, sizeof(T));
  }
  std::string* out_;
};

// Reads from bytes owned by the caller, which must outlive every view it returns. After the first
// short or malformed read, ok() is false, everything reads as zero or empty, and offset() stays
// where the fault was found.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}

  uint8_t U8() { return Fixed<uint8_t>(); }
  uint16_t U16() { return Fixed<uint16_t>(); }
  uint32_t U32() { return Fixed<uint32_t>(); }
  uint64_t U64() { return Fixed<uint64_t>(); }
  int64_t I64() { return static_cast<int64_t>(Fixed<uint64_t>()); }
  double F64() { return std::bit_cast<double>(Fixed<uint64_t>()); }
  uint64_t Varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (!ok_ || offset_ >= bytes_.size()) break;
      const uint8_t byte = static_cast<uint8_t>(bytes_[offset_]);
      if (shift == 63 && byte > 1) break;
      ++offset_;
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    ok_ = false;
    return 0;
  }
  int64_t SignedVarint() {
    const uint64_t v = Varint();
    return static_cast<int64_t>((v >> 1) ^ (~(v & 1) + 1));
  }
  std::string_view Bytes(uint64_t size) {
    if (!ok_ || size > remaining()) {
      ok_ = false;
      return {};
    }
    const std::string_view view = bytes_.substr(offset_, size);
    offset_ += size;
    return view;
  }
  std::string_view LengthPrefixed() { return Bytes(Varint()); }
  // Marks the input as bad for a reason the caller found (a count out of bounds, an unknown tag).
  void Fail() { ok_ = false; }

  bool ok() const { return ok_; }
  bool done() const { return offset_ == bytes_.size(); }
  size_t offset() const { return offset_; }
  size_t remaining() const { return bytes_.size() - offset_; }

 private:
  template <typename T>
  T Fixed() {
    const std::string_view view = Bytes(sizeof(T));
    if (!ok_) return T{};
    T value;
    std::memcpy(&value, view.data(), sizeof(T));
    return value;
  }
  std::string_view bytes_;
  size_t offset_ = 0;
  bool ok_ = true;
};

}  // namespace thermocline
