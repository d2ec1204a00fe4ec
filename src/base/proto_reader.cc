#include "base/proto_reader.h"

namespace thermocline {

bool ProtoReader::Next() {
  if (pending_) Skip();
  if (!in_.ok() || in_.done()) return false;
  const uint64_t key = in_.Varint();
  if (!in_.ok()) return false;
  const uint64_t field = key >> 3;
  const auto type = static_cast<uint8_t>(key & 7);
  const bool known = type == 0 || type == 1 || type == 2 || type == 5;
  if (field == 0 || field > 0x1fffffff || !known) {
    in_.Fail();
    return false;
  }
  field_ = static_cast<uint32_t>(field);
  type_ = static_cast<WireType>(type);
  pending_ = true;
  return true;
}

bool ProtoReader::Take(WireType type) {
  if (!pending_ || type_ != type) {
    in_.Fail();
    return false;
  }
  pending_ = false;
  return true;
}

uint64_t ProtoReader::Varint() { return Take(WireType::kVarint) ? in_.Varint() : 0; }
uint64_t ProtoReader::Fixed64() { return Take(WireType::kFixed64) ? in_.U64() : 0; }
std::string_view ProtoReader::Bytes() {
  return Take(WireType::kBytes) ? in_.LengthPrefixed() : std::string_view{};
}

void ProtoReader::Skip() {
  pending_ = false;
  switch (type_) {
    case WireType::kVarint: in_.Varint(); break;
    case WireType::kFixed64: in_.Bytes(8); break;
    case WireType::kBytes: in_.LengthPrefixed(); break;
    case WireType::kFixed32: in_.Bytes(4); break;
  }
}

}  // namespace thermocline
