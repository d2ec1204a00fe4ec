// Text as code points, with Go's rules.
#pragma once

#include <string>
#include <string_view>

namespace thermocline {

bool IsAscii(std::string_view text);

// As Go's []rune(text): each byte that is not part of valid UTF-8 becomes U+FFFD.
std::u32string RunesOf(std::string_view text);

// As Go's strings.ToLower: each code point by itself, Unicode 15.
std::string LowerCase(std::string_view text);
char32_t LowerCase(char32_t rune);

}  // namespace thermocline
