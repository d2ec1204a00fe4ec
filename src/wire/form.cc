// Decoding of forms, URLs and label names in paths, with the rules of Go's net/url.
#include <algorithm>

#include "base/utf8.h"
#include "model/labels.h"
#include "wire/parameters.h"

namespace thermocline {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<std::string> PercentDecode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out += ' ';
    } else if (text[i] == '%') {
      const int high = i + 1 < text.size() ? HexDigit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? HexDigit(text[i + 2]) : -1;
      if (high < 0 || low < 0) {
        return Status::InvalidArgument("invalid URL escape " + GoQuote(text.substr(i, 3)));
      }
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

// Reads `<hex>_` from the front of `rest`; false when there is no such character.
bool TakeEscapedRune(std::string_view* rest, std::string* out) {
  constexpr size_t kMaxDigits = 6;  // of U+10FFFF
  const size_t digits = rest->find('_');
  if (digits > kMaxDigits) return false;  // npos is
  uint32_t rune = 0;
  for (const char c : rest->substr(0, digits)) {
    const int digit = HexDigit(c);
    if (digit < 0) return false;
    rune = rune * 16 + static_cast<uint32_t>(digit);
  }
  if (rune > 0x10ffff || (rune >= 0xd800 && rune <= 0xdfff)) return false;
  AppendUtf8(rune, out);
  rest->remove_prefix(digits + 1);
  return true;
}

// Prometheus' model.UnescapeName for its "value encoding" escapes.
std::string UnescapeName(const std::string& name) {
  constexpr std::string_view kPrefix = "U__";
  if (!name.starts_with(kPrefix)) return name;
  std::string out;
  std::string_view rest = std::string_view(name).substr(kPrefix.size());
  while (!rest.empty()) {
    const char c = rest[0];
    rest.remove_prefix(1);
    if (c != '_') {
      out += c;
    } else if (rest.starts_with('_')) {
      out += '_';
      rest.remove_prefix(1);
    } else if (!TakeEscapedRune(&rest, &out)) {
      return name;
    }
  }
  return out;
}

}  // namespace

Status Parameters::Add(std::string_view form) {
  while (!form.empty()) {
    const size_t end = std::min(form.find('&'), form.size());
    const std::string_view pair = form.substr(0, end);
    form.remove_prefix(std::min(end + 1, form.size()));
    if (pair.empty()) continue;
    if (pair.find(';') != std::string_view::npos) {
      return Status::InvalidArgument("invalid semicolon separator in query");
    }
    if (pairs_.size() >= kMaxCount) {
      return Status::InvalidArgument("more than " + std::to_string(kMaxCount) + " parameters");
    }
    const size_t split = std::min(pair.find('='), pair.size());
    ASSIGN_OR_RETURN(std::string name, PercentDecode(pair.substr(0, split), true));
    ASSIGN_OR_RETURN(std::string value,
                     PercentDecode(pair.substr(std::min(split + 1, pair.size())), true));
    pairs_.emplace_back(std::move(name), std::move(value));
  }
  return Status::Ok();
}

std::string_view Parameters::Get(std::string_view name) const {
  for (const auto& [key, value] : pairs_) {
    if (key == name) return value;
  }
  return {};
}

bool Parameters::Has(std::string_view name) const {
  return std::any_of(pairs_.begin(), pairs_.end(),
                     [name](const auto& pair) { return pair.first == name; });
}

std::vector<std::string_view> Parameters::GetAll(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const auto& [key, value] : pairs_) {
    if (key == name) values.push_back(value);
  }
  return values;
}

Result<std::string> DecodePathSegment(std::string_view segment) {
  return PercentDecode(segment, false);
}

Result<std::string> LabelNameFromPath(std::string_view segment) {
  ASSIGN_OR_RETURN(const std::string decoded, DecodePathSegment(segment));
  std::string name = UnescapeName(decoded);
  if (name.empty() || !IsValidUtf8(name)) {
    return Status::InvalidArgument("invalid label name: " + GoQuote(name));
  }
  return name;
}

}  // namespace thermocline
