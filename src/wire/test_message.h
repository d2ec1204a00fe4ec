// Protobuf written by hand, so that tests can make every shape of message.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"

namespace thermocline {

inline std::string FromHex(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

struct Message {
  std::string bytes;
  Message& Varint(uint32_t field, uint64_t v) {
    ByteWriter out(&bytes);
    out.Varint(uint64_t{field} << 3);
    out.Varint(v);
    return *this;
  }
  Message& Double(uint32_t field, double v) {
    ByteWriter out(&bytes);
    out.Varint(uint64_t{field} << 3 | 1);
    out.F64(v);
    return *this;
  }
  Message& Bytes(uint32_t field, std::string_view v) {
    ByteWriter out(&bytes);
    out.Varint(uint64_t{field} << 3 | 2);
    out.LengthPrefixed(v);
    return *this;
  }
};

}  // namespace thermocline
