// A protobuf walk by pointer for the ingest path: what base/proto_reader.h does, inlined, and
// remembering whether the input ended early or was wrong.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace thermocline {

enum class ProtoFault : uint8_t { kNone, kTruncated, kMalformed };

// After the first fault every read returns zero or empty, and done() is true.
class ProtoCursor {
 public:
  explicit ProtoCursor(std::string_view message)
      : at_(message.data()), end_(message.data() + message.size()) {}

  bool done() const { return at_ == end_; }
  ProtoFault fault() const { return fault_; }
  const char* position() const { return at_; }
  size_t remaining() const { return static_cast<size_t>(end_ - at_); }

  // Field number << 3 | wire type.
  uint32_t Tag() {
    const uint64_t tag = Varint();
    if (tag >> 3 == 0 || tag > UINT32_MAX) Fail(ProtoFault::kMalformed);
    return fault_ == ProtoFault::kNone ? static_cast<uint32_t>(tag) : 0;
  }

  uint64_t Varint() {
    if (at_ != end_ && static_cast<uint8_t>(*at_) < 0x80) return static_cast<uint8_t>(*at_++);
    return LongVarint();
  }

  double Double() {
    double value = 0;
    if (remaining() < sizeof(value)) {
      Fail(ProtoFault::kTruncated);
      return 0;
    }
    std::memcpy(&value, at_, sizeof(value));
    at_ += sizeof(value);
    return value;
  }

  std::string_view Bytes() {
    const uint64_t size = Varint();
    if (size > remaining()) {
      Fail(ProtoFault::kTruncated);
      return {};
    }
    const std::string_view bytes(at_, size);
    at_ += size;
    return bytes;
  }

  // Steps over the value of a field that is not wanted.
  void Skip(uint32_t tag) {
    switch (tag & 7) {
      case 0: Varint(); break;
      case 1: Advance(8); break;
      case 2: Bytes(); break;
      case 5: Advance(4); break;
      default: Fail(ProtoFault::kMalformed);
    }
  }

  void Fail(ProtoFault fault) {
    if (fault_ == ProtoFault::kNone) fault_ = fault;
    at_ = end_;
  }

 private:
  uint64_t LongVarint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 70; shift += 7) {
      if (at_ == end_) {
        Fail(ProtoFault::kTruncated);
        return 0;
      }
      const auto byte = static_cast<uint8_t>(*at_++);
      if (shift == 63 && byte > 1) break;
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    Fail(ProtoFault::kMalformed);
    return 0;
  }
  void Advance(size_t size) {
    if (size > remaining()) {
      Fail(ProtoFault::kTruncated);
    } else {
      at_ += size;
    }
  }

  const char* at_;
  const char* end_;
  ProtoFault fault_ = ProtoFault::kNone;
};

// Tags as they stand on the wire.
constexpr uint32_t VarintField(uint32_t field) { return field << 3; }
constexpr uint32_t Fixed64Field(uint32_t field) { return field << 3 | 1; }
constexpr uint32_t BytesField(uint32_t field) { return field << 3 | 2; }

}  // namespace thermocline
