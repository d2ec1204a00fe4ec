// Text rules of names and values: UTF-8, legacy names, Go quoting.
#include <array>
#include <cstring>

#include "model/labels.h"
#include "model/regex.h"

namespace thermocline {
namespace {

constexpr uint8_t kLetter = 1;  // [a-zA-Z_]
constexpr uint8_t kDigit = 2;

constexpr std::array<uint8_t, 256> MakeNameClasses() {
  std::array<uint8_t, 256> classes{};
  for (int c = 'a'; c <= 'z'; ++c) classes[c] = kLetter;
  for (int c = 'A'; c <= 'Z'; ++c) classes[c] = kLetter;
  for (int c = '0'; c <= '9'; ++c) classes[c] = kDigit;
  classes['_'] = kLetter;
  return classes;
}
constexpr std::array<uint8_t, 256> kNameClasses = MakeNameClasses();

bool IsContinuation(uint8_t byte) { return (byte & 0xc0) == 0x80; }

// Bytes of the well-formed sequence at the start of `text` (Unicode table 3-7: no overlong forms,
// no surrogates, nothing above U+10FFFF); 0 when there is none.
size_t SequenceLength(std::string_view text) {
  const auto at = [&text](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = at(0);
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  if (lead < 0xe0) return text.size() >= 2 && IsContinuation(at(1)) ? 2 : 0;
  if (lead < 0xf0) {
    if (text.size() < 3 || !IsContinuation(at(1)) || !IsContinuation(at(2))) return 0;
    if (lead == 0xe0 && at(1) < 0xa0) return 0;
    if (lead == 0xed && at(1) > 0x9f) return 0;
    return 3;
  }
  if (text.size() < 4 || !IsContinuation(at(1)) || !IsContinuation(at(2)) || !IsContinuation(at(3)))
    return 0;
  if (lead == 0xf0 && at(1) < 0x90) return 0;
  if (lead == 0xf4 && at(1) > 0x8f) return 0;
  return 4;
}

uint32_t DecodeSequence(std::string_view sequence) {
  const auto at = [&sequence](size_t i) { return static_cast<uint32_t>(uint8_t(sequence[i])); };
  switch (sequence.size()) {
    case 1: return at(0);
    case 2: return (at(0) & 0x1f) << 6 | (at(1) & 0x3f);
    case 3: return (at(0) & 0x0f) << 12 | (at(1) & 0x3f) << 6 | (at(2) & 0x3f);
    default:
      return (at(0) & 0x07) << 18 | (at(1) & 0x3f) << 12 | (at(2) & 0x3f) << 6 | (at(3) & 0x3f);
  }
}

void AppendHex(std::string* out, std::string_view introducer, uint32_t value, int digits) {
  *out += introducer;
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
    *out += "0123456789abcdef"[value >> shift & 0xf];
  }
}

// The escape of a control character that has a name, or 0.
char NamedEscape(uint32_t rune) {
  constexpr std::string_view kNames = "abtnvfr";  // U+0007 .. U+000D
  return rune >= 7 && rune <= 13 ? kNames[rune - 7] : '\0';
}

void AppendQuotedSequence(std::string* out, std::string_view sequence) {
  const uint32_t rune = DecodeSequence(sequence);
  if (rune == '"' || rune == '\\') {
    *out += '\\';
    *out += static_cast<char>(rune);
  } else if (rune >= 0x20 && rune < 0x7f) {
    *out += static_cast<char>(rune);
  } else if (const char name = NamedEscape(rune); name != '\0') {
    *out += '\\';
    *out += name;
  } else if (rune < 0x20 || rune == 0x7f) {
    AppendHex(out, "\\x", rune, 2);
  } else if (IsPrintableSequence(sequence)) {
    *out += sequence;
  } else if (rune < 0x10000) {
    AppendHex(out, "\\u", rune, 4);
  } else {
    AppendHex(out, "\\U", rune, 8);
  }
}

}  // namespace

bool IsValidUtf8(std::string_view text) {
  while (!text.empty()) {
    if (text.size() >= 8) {
      uint64_t word;
      std::memcpy(&word, text.data(), 8);
      if ((word & 0x8080808080808080ull) == 0) {
        text.remove_prefix(8);
        continue;
      }
    }
    const size_t length = SequenceLength(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

bool IsLegacyLabelName(std::string_view name) {
  if (name.empty() || kNameClasses[static_cast<uint8_t>(name[0])] != kLetter) return false;
  for (const char c : name) {
    if (kNameClasses[static_cast<uint8_t>(c)] == 0) return false;
  }
  return true;
}

bool IsLegacyMetricName(std::string_view name) {
  if (name.empty() || kNameClasses[static_cast<uint8_t>(name[0])] == kDigit) return false;
  for (const char c : name) {
    if (kNameClasses[static_cast<uint8_t>(c)] == 0 && c != ':') return false;
  }
  return true;
}

std::string GoQuote(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  out += '"';
  while (!text.empty()) {
    const size_t length = SequenceLength(text);
    if (length == 0) {
      AppendHex(&out, "\\x", static_cast<uint8_t>(text[0]), 2);
      text.remove_prefix(1);
      continue;
    }
    AppendQuotedSequence(&out, text.substr(0, length));
    text.remove_prefix(length);
  }
  out += '"';
  return out;
}

}  // namespace thermocline
