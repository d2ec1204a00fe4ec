// The lexer's numbers, durations and strings.
#include "model/labels.h"
#include "promql/lexer.h"
#include "promql/text.h"

namespace thermocline::promql {
namespace {

using T = TokenType;
constexpr std::string_view kDecimal = "0123456789";
constexpr std::string_view kHexadecimal = "0123456789abcdefABCDEF";

bool IsAlphaNumeric(int32_t c) {
  return c == '_' || ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z') || ('0' <= c && c <= '9');
}

int DigitValue(int32_t c) {
  if ('0' <= c && c <= '9') return c - '0';
  if ('a' <= c && c <= 'f') return c - 'a' + 10;
  if ('A' <= c && c <= 'F') return c - 'A' + 10;
  return 16;
}

}  // namespace

Token Lexer::NumberOrDuration() {
  if (ScanNumber()) return Emit(T::kNumber);
  if (ScanDuration()) return Emit(T::kDuration);
  return Fail("bad number or duration syntax: " + GoQuote(input_.substr(start_, pos_ - start_)));
}

// Digits with at most one dot and one exponent; hexadecimal integers after 0x. What passes may
// still be no number ("1__0"); the parser finds that out. On failure the position stays where the
// trouble is, because the message quotes the text up to there.
bool Lexer::ScanNumber() {
  std::string_view digits = kDecimal;
  if (Accept("0") && Accept("xX")) {
    Accept("_");
    digits = kHexadecimal;
  }
  Accept(".");
  Accept(digits);
  return ScanNumberTail(digits);
}

bool Lexer::ScanNumberTail(std::string_view digits) {
  bool dot = false;
  bool exponent = false;
  const std::string all = std::string(digits) + "._eE";
  while (NextIs(all)) {
    if ((dot && NextIs(".")) || (exponent && NextIs("eE"))) {
      Take();
      return false;
    }
    if (Accept(".")) {
      dot = true;
      if (Accept("_.") || digits == kHexadecimal) return false;
    } else if (Accept("eE")) {
      exponent = true;
      Accept("+-");
      if (Accept("._eE") || Peek() == kEnd) return false;
    } else if (Accept("_")) {
      if (Accept("._eE") || Peek() == kEnd) return false;
    } else {
      AcceptRun(digits);
    }
  }
  return !IsAlphaNumeric(Peek());
}

// Called where the number's digits ended: a unit, then more digits and units.
bool Lexer::ScanDuration() {
  if (!Accept("smhdwy")) return false;
  Accept("s");
  while (NextIs(kDecimal)) {
    AcceptRun(kDecimal);
    if (!Accept("smhdw")) return false;
    Accept("s");
  }
  if (!IsAlphaNumeric(Peek())) return true;
  Take();
  return false;
}

Token Lexer::QuotedString(int32_t quote) {
  while (true) {
    const int32_t c = Take();
    if (c == quote) return Emit(T::kString);
    if (c == kBad) return Fail("invalid UTF-8 rune");
    if (c == kEnd || c == '\n') return Fail("unterminated quoted string");
    if (c == '\\' && !Escape(quote)) return Fail(error_);
  }
}

Token Lexer::RawString() {
  while (true) {
    const int32_t c = Take();
    if (c == '`') return Emit(T::kString);
    if (c == kBad) return Fail("invalid UTF-8 rune");
    if (c == kEnd) return Fail("unterminated raw string");
  }
}

bool Lexer::Escape(int32_t quote) {
  int32_t c = Take();
  if (c == quote ||
      (0 < c && c < 0x80 &&
       std::string_view("abfnrtv\\").find(static_cast<char>(c)) != std::string_view::npos)) {
    return true;
  }
  int count = 3;
  int base = 8;
  if (c == 'x' || c == 'u' || c == 'U') {
    count = c == 'x' ? 2 : c == 'u' ? 4 : 8;
    base = 16;
    c = Take();
  } else if (c == kEnd) {
    error_ = "escape sequence not terminated";
    return false;
  } else if (c < '0' || '7' < c) {
    error_ = "unknown escape sequence " + DescribeCharacter(c);
    return false;
  }
  const uint32_t limit = count < 4 ? 255 : 0x10FFFF;
  uint32_t value = 0;
  for (int i = 0; i < count; ++i) {
    if (i > 0) c = Take();
    const int digit = DigitValue(c);
    if (digit >= base) {
      error_ = c == kEnd ? "escape sequence not terminated"
                         : "illegal character " + DescribeCharacter(c) + " in escape sequence";
      return false;
    }
    value = value * base + digit;
  }
  if (value > limit || (0xD800 <= value && value < 0xE000)) {
    error_ = "escape sequence is an invalid Unicode code point";
    return false;
  }
  return true;
}

std::string Unquote(std::string_view quoted) {
  const char quote = quoted.front();
  std::string_view rest = quoted.substr(1, quoted.size() - 2);
  if (quote == '`') return std::string(rest);
  std::string value;
  const auto number = [&rest](size_t digits, int base) {
    uint32_t parsed = 0;
    for (size_t i = 0; i < digits; ++i) parsed = parsed * base + DigitValue(rest[i]);
    rest.remove_prefix(digits);
    return parsed;
  };
  constexpr std::string_view kNames = "abfnrtv";
  constexpr std::string_view kValues = "\a\b\f\n\r\t\v";
  while (!rest.empty()) {
    const size_t plain = std::min(rest.find('\\'), rest.size());
    value += rest.substr(0, plain);
    rest.remove_prefix(plain);
    if (rest.empty()) break;
    const char c = rest[1];
    rest.remove_prefix('0' <= c && c <= '7' ? 1 : 2);
    if ('0' <= c && c <= '7') {
      value += static_cast<char>(number(3, 8));
    } else if (c == 'x') {
      value += static_cast<char>(number(2, 16));
    } else if (c == 'u' || c == 'U') {
      AppendUtf8(number(c == 'u' ? 4 : 8, 16), &value);
    } else if (const size_t named = kNames.find(c); named != std::string_view::npos) {
      value += kValues[named];
    } else {
      value += c;
    }
  }
  return value;
}

}  // namespace thermocline::promql
