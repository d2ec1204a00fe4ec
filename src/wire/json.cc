#include "wire/json.h"

#include <charconv>
#include <cmath>
#include <cstring>

#include "base/check.h"

namespace thermocline {
namespace {

void AppendInteger(std::string* out, int64_t value) {
  char buffer[24];
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), value).ptr;
  out->append(buffer, end);
}

// What is escaped beyond what JSON demands. Prometheus prints labels by an encoder of its own that
// escapes none of it, other texts by jsoniter, and string results by encoding/json.
struct Quoting {
  bool line_ends = true;     // U+2028 and U+2029, line ends to JavaScript
  bool html = false;         // < > &
  bool short_forms = false;  // \b and \f instead of \u0008 and \u000c
};

constexpr bool IsHtml(char c) { return c == '<' || c == '>' || c == '&'; }

// Whether the byte may stand as it is; bytes of UTF-8 sequences need a look.
constexpr bool IsPlain(char c, const Quoting& quoting) {
  const auto byte = static_cast<uint8_t>(c);
  return byte >= 0x20 && byte < 0x80 && c != '"' && c != '\\' && !(quoting.html && IsHtml(c));
}

// The length of the well-formed sequence that `text` starts with, at most 4; 0 when there is none.
size_t Utf8Length(std::string_view text) {
  for (size_t length = 2; length <= 4 && length <= text.size(); ++length) {
    if (IsValidUtf8(text.substr(0, length))) return length;
  }
  return 0;
}

// Writes d.ddde+XX, the shortest digits of an integer, as an integer: digits, then zeros.
void AppendExpanded(std::string* out, std::string_view scientific) {
  const size_t exponent_at = scientific.find('e');
  int exponent = 0;
  const char* digits_end = scientific.data() + scientific.size();
  std::from_chars(scientific.data() + exponent_at + 2, digits_end, exponent);
  for (const char c : scientific.substr(0, exponent_at)) {
    if (c != '.') *out += c;
  }
  const size_t point = scientific.find('.');
  const size_t decimals = point < exponent_at ? exponent_at - point - 1 : 0;
  out->append(static_cast<size_t>(exponent) - decimals, '0');
}

void AppendEscape(std::string* out, char c, const Quoting& quoting) {
  if (quoting.short_forms && (c == '\b' || c == '\f')) {
    *out += c == '\b' ? "\\b" : "\\f";
    return;
  }
  switch (c) {
    case '"': *out += "\\\""; return;
    case '\\': *out += "\\\\"; return;
    case '\n': *out += "\\n"; return;
    case '\r': *out += "\\r"; return;
    case '\t': *out += "\\t"; return;
    default:
      *out += "\\u00";
      *out += "0123456789abcdef"[static_cast<uint8_t>(c) >> 4];
      *out += "0123456789abcdef"[static_cast<uint8_t>(c) & 0xf];
  }
}

void AppendQuoted(std::string* out, std::string_view text, const Quoting& quoting) {
  *out += '"';
  while (!text.empty()) {
    size_t plain = 0;
    while (plain < text.size() && IsPlain(text[plain], quoting)) ++plain;
    out->append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) break;
    if (static_cast<uint8_t>(text[0]) < 0x80) {
      AppendEscape(out, text[0], quoting);
      text.remove_prefix(1);
      continue;
    }
    const size_t length = Utf8Length(text);
    const std::string_view sequence = text.substr(0, length);
    if (length == 0) {
      *out += "\\ufffd";
    } else if (quoting.line_ends && (sequence == "\u2028" || sequence == "\u2029")) {
      *out += sequence.back() == '\xa8' ? "\\u2028" : "\\u2029";
    } else {
      out->append(sequence);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  *out += '"';
}

}  // namespace

void AppendFloat(std::string* out, double value) {
  if (std::isnan(value)) {
    *out += "NaN";
    return;
  }
  if (std::isinf(value)) {
    *out += value > 0 ? "+Inf" : "-Inf";
    return;
  }
  const double size = std::fabs(value);
  const bool fixed = size == 0 || (size >= 1e-6 && size < 1e21);
  // From here on fixed notation would print digits beyond those that tell the doubles apart.
  constexpr double kExactIntegers = 9007199254740992.0;
  const auto format =
      fixed && size < kExactIntegers ? std::chars_format::fixed : std::chars_format::scientific;
  char buffer[48];
  const auto result = std::to_chars(buffer, buffer + sizeof(buffer), value, format);
  CHECK(result.ec == std::errc());
  const std::string_view text(buffer, static_cast<size_t>(result.ptr - buffer));
  if (fixed && size >= kExactIntegers) {
    AppendExpanded(out, text);
  } else {
    *out += text;
  }
}

void AppendJsonString(std::string* out, std::string_view text) { AppendQuoted(out, text, {}); }

void AppendJsonText(std::string* out, std::string_view text) {
  AppendQuoted(out, text, {.html = true});
}

void AppendJsonStringResult(std::string* out, std::string_view text) {
  AppendQuoted(out, text, {.html = true, .short_forms = true});
}

void AppendJsonTimestamp(std::string* out, TimestampMs t_ms) {
  uint64_t size = static_cast<uint64_t>(t_ms);
  if (t_ms < 0) {
    *out += '-';
    size = 0 - size;
  }
  AppendInteger(out, static_cast<int64_t>(size / 1000));
  const uint64_t rest = size % 1000;
  if (rest == 0) return;
  *out += '.';
  for (const uint64_t digit : {rest / 100, rest / 10 % 10, rest % 10}) {
    *out += static_cast<char>('0' + digit);
  }
}

void AppendJsonLabels(std::string* out, LabelsView labels) {
  constexpr Quoting kLabels{.line_ends = false};
  *out += '{';
  bool first = true;
  for (const LabelPair& label : labels) {
    if (!first) *out += ',';
    first = false;
    AppendQuoted(out, label.name, kLabels);
    *out += ':';
    AppendQuoted(out, label.value, kLabels);
  }
  *out += '}';
}

void AppendJsonSample(std::string* out, TimestampMs t_ms, double value) {
  *out += '[';
  AppendJsonTimestamp(out, t_ms);
  *out += ",\"";
  AppendFloat(out, value);
  *out += "\"]";
}

void AppendJsonSamples(std::string* out, std::span<const TimestampMs> times_ms,
                       std::span<const double> values) {
  CHECK(times_ms.size() == values.size());
  *out += '[';
  for (size_t i = 0; i < times_ms.size(); ++i) {
    if (i > 0) *out += ',';
    AppendJsonSample(out, times_ms[i], values[i]);
  }
  *out += ']';
}

void AppendJsonStrings(std::string* out, std::span<const std::string> texts) {
  *out += '[';
  for (size_t i = 0; i < texts.size(); ++i) {
    if (i > 0) *out += ',';
    AppendJsonText(out, texts[i]);
  }
  *out += ']';
}

}  // namespace thermocline
