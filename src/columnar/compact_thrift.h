// Thrift's compact protocol, read without the library, for small structures before untrusted bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace thermocline::columnar {

// Type ids of the protocol.
enum CompactType : int {
  kThriftStop = 0,
  kThriftTrue = 1,
  kThriftFalse = 2,
  kThriftByte = 3,
  kThriftI16 = 4,
  kThriftI32 = 5,
  kThriftI64 = 6,
  kThriftDouble = 7,
  kThriftBinary = 8,
  kThriftList = 9,
  kThriftSet = 10,
  kThriftStruct = 12,
};
// Remembers its first error; everything after it is zero.
class CompactReader {
 public:
  explicit CompactReader(std::span<const uint8_t> bytes)
      : begin_(bytes.data()), at_(begin_), end_(begin_ + bytes.size()) {}

  bool ok() const { return ok_; }
  size_t offset() const { return static_cast<size_t>(at_ - begin_); }

  uint8_t Byte() {
    if (at_ == end_) {
      ok_ = false;
      return 0;
    }
    return *at_++;
  }
  uint64_t Varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64 && ok_; shift += 7) {
      const uint8_t byte = Byte();
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    ok_ = false;
    return 0;
  }
  int64_t Signed() {
    const uint64_t v = Varint();
    return static_cast<int64_t>((v >> 1) ^ (~(v & 1) + 1));
  }
  // A size or count: an i32 field that must not be negative.
  uint32_t Size(int type) {
    const int64_t value = type == kThriftI32 ? Signed() : -1;
    if (value < 0 || value > INT32_MAX) {
      ok_ = false;
      return 0;
    }
    return static_cast<uint32_t>(value);
  }

  // Calls field(id, type) for each field; it must consume the value.
  template <typename Field>
  void Struct(Field&& field) {
    int64_t id = 0;
    while (ok_) {
      const uint8_t head = Byte();
      const int type = head & 15;
      if (!ok_ || type == kThriftStop) {
        // A stop byte has no id; other bits there are damage.
        if (head != 0) ok_ = false;
        return;
      }
      id = (head >> 4) != 0 ? id + (head >> 4) : Signed();
      field(id, type);
    }
  }

  void Skip(int type, int depth = 0) {
    if (depth > kMaxDepth) ok_ = false;
    if (!ok_) return;
    switch (type) {
      case kThriftTrue:
      case kThriftFalse: return;
      case kThriftByte: Byte(); return;
      case kThriftI16:
      case kThriftI32:
      case kThriftI64: Varint(); return;
      case kThriftDouble: Advance(8); return;
      case kThriftBinary: Advance(Varint()); return;
      case kThriftList:
      case kThriftSet: SkipList(depth); return;
      case kThriftStruct: Struct([&](int64_t, int inner) { Skip(inner, depth + 1); }); return;
      default: ok_ = false;
    }
  }

 private:
  void Advance(uint64_t count) {
    if (count > static_cast<uint64_t>(end_ - at_)) {
      ok_ = false;
      return;
    }
    at_ += count;
  }
  void SkipList(int depth) {
    const uint8_t head = Byte();
    const uint64_t count = (head >> 4) == 15 ? Varint() : head >> 4;
    if (count > static_cast<uint64_t>(end_ - at_)) ok_ = false;
    const int type = head & 15;
    for (uint64_t i = 0; ok_ && i < count; ++i) {
      if (type == kThriftTrue || type == kThriftFalse) {
        Byte();
      } else {
        Skip(type, depth + 1);
      }
    }
  }

  static constexpr int kMaxDepth = 8;

  const uint8_t* begin_;
  const uint8_t* at_;
  const uint8_t* end_;
  bool ok_ = true;
};

}  // namespace thermocline::columnar
