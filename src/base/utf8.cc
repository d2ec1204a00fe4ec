#include "base/utf8.h"

#include <algorithm>

namespace thermocline {
namespace {

// The smallest code point that needs so many bytes.
constexpr int32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};

bool IsSurrogate(int32_t value) { return value >= 0xD800 && value < 0xE000; }

}  // namespace

CodePoint DecodeUtf8(std::string_view text) {
  constexpr CodePoint kInvalid{0xFFFD, 1};
  if (text.empty()) return {};
  const auto lead = static_cast<uint8_t>(text[0]);
  if (lead < 0x80) return {lead, 1};
  if (lead < 0xC0 || lead >= 0xF8) return kInvalid;
  const int32_t bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (text.size() < static_cast<size_t>(bytes)) return kInvalid;
  int32_t value = lead & (0xFF >> (bytes + 1));
  for (const char c : text.substr(1, static_cast<size_t>(bytes) - 1)) {
    const auto byte = static_cast<uint8_t>(c);
    if ((byte & 0xC0) != 0x80) return kInvalid;
    value = value << 6 | (byte & 0x3F);
  }
  if (value < kSmallest[bytes] || value > 0x10FFFF || IsSurrogate(value)) return kInvalid;
  return {value, bytes};
}

void AppendUtf8(uint32_t code_point, std::string* out) {
  const auto tail = [&](int shift) {
    *out += static_cast<char>(0x80 | (code_point >> shift & 0x3F));
  };
  if (code_point < 0x80) {
    *out += static_cast<char>(code_point);
  } else if (code_point < 0x800) {
    *out += static_cast<char>(0xC0 | code_point >> 6);
    tail(0);
  } else if (code_point < 0x10000) {
    *out += static_cast<char>(0xE0 | code_point >> 12);
    tail(6);
    tail(0);
  } else {
    *out += static_cast<char>(0xF0 | code_point >> 18);
    tail(12);
    tail(6);
    tail(0);
  }
}

}  // namespace thermocline
