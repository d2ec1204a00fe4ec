// UTF-8, a code point at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace thermocline {

struct CodePoint {
  int32_t value = 0;  // U+FFFD for invalid UTF-8
  int32_t bytes = 0;  // 0 at the end of the text, 1 for an invalid byte
};
// The first character of `text`, as Go's utf8.DecodeRuneInString.
CodePoint DecodeUtf8(std::string_view text);
void AppendUtf8(uint32_t code_point, std::string* out);

}  // namespace thermocline
