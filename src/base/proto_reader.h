// A bounded reader of the protobuf wire format: no generated classes, no allocation, views into the
// input.
#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace thermocline {

enum class WireType : uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

// Walks the fields of one message. Usage: while (reader.Next()) switch (reader.field()) { case 1:
// reader.Bytes(); ... default: } A field whose value was not taken is skipped by the next Next().
// Groups, field number 0 and truncated input make ok() false.
class ProtoReader {
 public:
  explicit ProtoReader(std::string_view message) : in_(message) {}

  // Moves to the next field; false at the end or on the first error (see ok()).
  bool Next();
  uint32_t field() const { return field_; }
  WireType wire_type() const { return type_; }

  // Each takes the current field's value; a wire type that does not match makes ok() false.
  uint64_t Varint();
  int64_t Int64() { return static_cast<int64_t>(Varint()); }
  uint64_t Fixed64();
  double Double() { return std::bit_cast<double>(Fixed64()); }
  std::string_view Bytes();

  bool ok() const { return in_.ok(); }
  size_t offset() const { return in_.offset(); }

 private:
  bool Take(WireType type);
  void Skip();

  ByteReader in_;
  uint32_t field_ = 0;
  WireType type_ = WireType::kVarint;
  bool pending_ = false;
};

}  // namespace thermocline
