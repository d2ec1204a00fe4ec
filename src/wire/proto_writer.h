// Protobuf written field by field, without generated classes.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace thermocline {

// Appends the fields of one message to a string owned by the caller. What proto3 leaves out, a zero
// or an empty string, the methods that end in IfSet leave out too.
class ProtoWriter {
 public:
  explicit ProtoWriter(std::string* out) : out_(out) {}

  void Varint(uint32_t field, uint64_t v) {
    out_.Varint(uint64_t{field} << 3);
    out_.Varint(v);
  }
  void Double(uint32_t field, double v) {
    out_.Varint(uint64_t{field} << 3 | 1);
    out_.F64(v);
  }
  // A string, bytes, a message or packed scalars.
  void Bytes(uint32_t field, std::string_view v) {
    out_.Varint(uint64_t{field} << 3 | 2);
    out_.LengthPrefixed(v);
  }
  void VarintIfSet(uint32_t field, uint64_t v) {
    if (v != 0) Varint(field, v);
  }
  // By its bits: Go's encoders take -0 for zero and lose its sign.
  void DoubleIfSet(uint32_t field, double v) {
    if (std::bit_cast<uint64_t>(v) != 0) Double(field, v);
  }
  void BytesIfSet(uint32_t field, std::string_view v) {
    if (!v.empty()) Bytes(field, v);
  }

 private:
  ByteWriter out_;
};

constexpr uint64_t ZigZag(int64_t v) {
  return (static_cast<uint64_t>(v) << 1) ^ static_cast<uint64_t>(v >> 63);
}

// How many bytes a varint of `v` takes.
constexpr size_t VarintSize(uint64_t v) {
  return v == 0 ? 1 : (static_cast<size_t>(std::bit_width(v)) + 6) / 7;
}

}  // namespace thermocline
