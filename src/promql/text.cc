#include "promql/text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "model/labels.h"
#include "model/number.h"

namespace thermocline::promql {
namespace {

char Lower(char c) { return 'A' <= c && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

int DigitOf(char c) {
  const char lower = Lower(c);
  if ('0' <= c && c <= '9') return c - '0';
  return 'a' <= lower && lower <= 'f' ? lower - 'a' + 10 : 99;
}

// Removes a base prefix and gives the base it means.
int TakeBase(std::string_view* digits) {
  if (digits->size() < 2 || digits->front() != '0') return 10;
  const char kind = Lower((*digits)[1]);
  const int base = kind == 'x' ? 16 : kind == 'b' ? 2 : 8;
  digits->remove_prefix(kind == 'x' || kind == 'b' || kind == 'o' ? 2 : 1);
  return base;
}

// Underscores may stand between digits and after a base prefix.
bool UnderscoresOk(std::string_view text) {
  char before = 'x';  // anything that is neither digit nor underscore
  if (text.size() >= 2 && text[0] == '0' && DigitOf(text[1]) == 99 && text[1] != '_' &&
      text[1] != '.') {
    text.remove_prefix(2);
    before = '0';
  }
  for (const char c : text) {
    if (c == '_' && DigitOf(before) == 99) return false;
    if (before == '_' && DigitOf(c) == 99) return false;
    before = c;
  }
  return before != '_';
}

enum class Parsed { kYes, kNo, kTooLarge };

Parsed ParseInteger(std::string_view digits, double* value) {
  const int base = TakeBase(&digits);
  uint64_t number = 0;
  bool any = base == 8;
  for (const char c : digits) {
    if (c == '_') continue;
    const int digit = DigitOf(c);
    if (digit >= base) return Parsed::kNo;
    any = true;
    if (__builtin_mul_overflow(number, static_cast<uint64_t>(base), &number) ||
        __builtin_add_overflow(number, static_cast<uint64_t>(digit), &number) ||
        number > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
      return Parsed::kTooLarge;
    }
  }
  *value = static_cast<double>(number);
  return any ? Parsed::kYes : Parsed::kNo;
}

std::string SpecialText(double value) {
  if (std::isnan(value)) return "NaN";
  return value > 0 ? "+Inf" : "-Inf";
}

}  // namespace

std::string QuoteCharacter(int32_t code_point) {
  std::string text;
  AppendUtf8(code_point < 0 ? 0xFFFD : static_cast<uint32_t>(code_point), &text);
  if (text == "'") return "'\\''";
  if (text == "\"") return "'\"'";
  const std::string quoted = GoQuote(text);
  return "'" + quoted.substr(1, quoted.size() - 2) + "'";
}

std::string DescribeCharacter(int32_t code_point) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  const uint32_t value = code_point < 0 ? 0xFFFD : static_cast<uint32_t>(code_point);
  std::string digits;
  for (uint32_t rest = value; rest > 0 || digits.size() < 4; rest >>= 4) {
    digits.insert(digits.begin(), kHex[rest & 0xF]);
  }
  std::string character;
  AppendUtf8(value, &character);
  const std::string quoted = GoQuote(character);
  const bool printable = quoted == "\"" + character + "\"" || value == '"' || value == '\\';
  return "U+" + digits + (printable ? " '" + character + "'" : "");
}

// std::to_chars in fixed form writes all digits of large numbers; Go writes the shortest that
// identify them and then zeros.
std::string FormatPlain(double value) {
  if (!std::isfinite(value)) return SpecialText(value);
  char buffer[64];
  const auto end = std::to_chars(buffer, std::end(buffer), value, std::chars_format::scientific);
  const std::string text(buffer, end.ptr);
  const size_t e = text.find('e');
  const int exponent = std::atoi(text.c_str() + e + 1);
  std::string digits;
  for (const char c : std::string_view(text).substr(0, e)) {
    if ('0' <= c && c <= '9') digits += c;
  }
  std::string out = std::signbit(value) ? "-" : "";
  if (exponent < 0) return out + "0." + std::string(-exponent - 1, '0') + digits;
  const size_t whole = static_cast<size_t>(exponent) + 1;
  if (digits.size() <= whole) return out + digits + std::string(whole - digits.size(), '0');
  return out + digits.substr(0, whole) + "." + digits.substr(whole);
}

std::string FormatFixed(double value, int digits) {
  if (!std::isfinite(value)) return SpecialText(value);
  char buffer[512];
  const auto end = std::to_chars(buffer, std::end(buffer), value, std::chars_format::fixed, digits);
  return std::string(buffer, end.ptr);
}

std::string FormatShortest(double value) {
  std::string out;
  AppendFloatG(&out, value);
  return out;
}

bool ParseGoNumber(std::string_view text, double* value, bool* out_of_range) {
  *out_of_range = false;
  if (text.find('_') != std::string_view::npos && !UnderscoresOk(text)) return false;
  if (ParseInteger(text, value) == Parsed::kYes) return true;
  std::string plain;
  for (const char c : text) {
    if (c != '_') plain += c;
  }
  return ParseGoFloat(plain, value, out_of_range);
}

}  // namespace thermocline::promql
