#include "columnar/plain_pages.h"

#include <fmt/core.h>

#include <charconv>

namespace thermocline::columnar {

namespace {

constexpr std::string_view kDigits = "0123456789abcdef";
constexpr size_t kMaxPages = size_t{1} << 20;

// Cuts `text` at the next `stop` and returns what was before it.
std::optional<std::string_view> Take(std::string_view* text, char stop) {
  const size_t at = text->find(stop);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view part = text->substr(0, at);
  text->remove_prefix(at + 1);
  return part;
}

std::optional<uint32_t> TakeNumber(std::string_view* text) {
  const auto part = Take(text, ':');
  uint32_t number = 0;
  if (!part) return std::nullopt;
  const auto [end, error] = std::from_chars(part->data(), part->data() + part->size(), number);
  if (error != std::errc() || end != part->data() + part->size()) return std::nullopt;
  return number;
}

}  // namespace

std::string FormatPlainPages(const PlainPages& pages) {
  std::string text;
  for (const auto& [place, bits] : pages) {
    text += fmt::format("{}:{}:{}:", place.first, place.second, bits.size());
    for (size_t i = 0; i < bits.size(); i += 4) {
      size_t digit = 0;
      for (size_t k = 0; k < 4 && i + k < bits.size(); ++k) digit |= size_t{bits[i + k]} << k;
      text += kDigits[digit];
    }
    text += ';';
  }
  return text;
}

std::optional<PlainPages> ParsePlainPages(std::string_view text) {
  PlainPages pages;
  while (!text.empty()) {
    const auto group = TakeNumber(&text);
    const auto column = TakeNumber(&text);
    const auto count = TakeNumber(&text);
    const auto digits = Take(&text, ';');
    if (!group || !column || !count || !digits || *count > kMaxPages ||
        digits->size() != (size_t{*count} + 3) / 4) {
      return std::nullopt;
    }
    std::vector<bool>& bits = pages[{*group, *column}];
    bits.resize(*count);
    for (size_t i = 0; i < *count; ++i) {
      const size_t digit = kDigits.find((*digits)[i / 4]);
      if (digit == std::string_view::npos) return std::nullopt;
      bits[i] = (digit >> (i % 4) & 1) != 0;
    }
  }
  return pages;
}

}  // namespace thermocline::columnar
