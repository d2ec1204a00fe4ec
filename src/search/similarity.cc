#include "search/similarity.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "search/runes.h"

namespace thermocline {
namespace {

// So that a match that is not exact stays below 1 when it is rounded.
constexpr double kNotExact = 0.999;
constexpr double kPrefixScale = 0.1;
constexpr size_t kMostPrefix = 4;

double Square(size_t length) { return static_cast<double>(length * length); }

// The score of placing `pattern` from text[start] on, which is its first character; nullopt when
// the rest does not follow.
template <typename Char>
std::optional<double> ScoreFrom(std::basic_string_view<Char> pattern,
                                std::basic_string_view<Char> text, size_t start) {
  const double per_character = 1.0 / static_cast<double>(text.size());
  double score = 0;
  size_t placed = 0;    // of the pattern
  size_t gap_from = 0;  // after the run before
  for (size_t at = start;;) {
    if (at > gap_from) score -= static_cast<double>(at - gap_from) * per_character;
    const size_t run_from = at;
    while (placed < pattern.size() && at < text.size() && text[at] == pattern[placed]) {
      ++at;
      ++placed;
    }
    score += Square(at - run_from);
    gap_from = at;
    if (placed == pattern.size()) break;
    at = text.find(pattern[placed], at);
    if (at == text.npos) return std::nullopt;
  }
  // What is left behind costs half of what gaps do.
  const size_t behind = text.size() - gap_from;
  if (behind > 0) score -= static_cast<double>(behind) * per_character * 0.5;
  return score;
}

template <typename Char>
double Subsequence(std::basic_string_view<Char> pattern, std::basic_string_view<Char> text) {
  double best = -1;
  for (size_t start = 0; start + pattern.size() <= text.size(); ++start) {
    start = text.find(pattern[0], start);
    if (start == text.npos || start + pattern.size() > text.size()) break;
    const std::optional<double> score = ScoreFrom(pattern, text, start);
    // What does not follow from here does not from later on.
    if (!score) break;
    best = std::max(best, *score);
  }
  return best < 0 ? 0 : best / Square(pattern.size()) * kNotExact;
}

template <typename Char>
double JaroWinkler(std::basic_string_view<Char> a, std::basic_string_view<Char> b) {
  if (a.size() > b.size()) std::swap(a, b);
  const size_t reach = b.size() / 2 < 2 ? 0 : b.size() / 2 - 1;
  std::vector<bool> in_a(a.size());
  std::vector<bool> in_b(b.size());
  double matches = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const size_t end = std::min(i + reach + 1, b.size());
    for (size_t j = i > reach ? i - reach : 0; j < end; ++j) {
      if (in_b[j] || a[i] != b[j]) continue;
      in_a[i] = in_b[j] = true;
      ++matches;
      break;
    }
  }
  if (matches == 0) return 0;
  double transposed = 0;
  size_t k = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!in_a[i]) continue;
    while (!in_b[k]) ++k;
    if (a[i] != b[k]) ++transposed;
    ++k;
  }
  const double per_a = 1.0 / static_cast<double>(a.size());
  const double per_b = 1.0 / static_cast<double>(b.size());
  const double jaro =
      (matches * per_a + matches * per_b + (matches - transposed * 0.5) / matches) / 3.0;
  size_t prefix = 0;
  while (prefix < std::min(kMostPrefix, a.size()) && a[prefix] == b[prefix]) ++prefix;
  return jaro + static_cast<double>(prefix) * kPrefixScale * (1.0 - jaro);
}

size_t Characters(std::string_view text) {
  return IsAscii(text) ? text.size() : RunesOf(text).size();
}

}  // namespace

std::optional<double> SubstringScore(std::string_view term, std::string_view text) {
  const size_t at = text.find(term);
  if (at == text.npos) return std::nullopt;
  if (at == 0) return 1.0;
  const auto position = static_cast<double>(Characters(text.substr(0, at)));
  const size_t length = Characters(text);
  const size_t taken = Characters(term);
  if (length <= taken) return 1.0;
  return 1.0 - 0.9 * position / static_cast<double>(length - taken);
}

double SubsequenceScore(std::string_view pattern, std::string_view text) {
  if (pattern == text || pattern.empty()) return 1;
  if (pattern.size() > text.size()) return 0;
  if (!IsAscii(text)) return Subsequence<char32_t>(RunesOf(pattern), RunesOf(text));
  return IsAscii(pattern) ? Subsequence<char>(pattern, text) : 0;
}

double JaroWinklerScore(std::string_view a, std::string_view b) {
  if (a == b) return 1;
  if (a.empty() || b.empty()) return 0;
  if (IsAscii(a) && IsAscii(b)) return JaroWinkler<char>(a, b);
  return JaroWinkler<char32_t>(RunesOf(a), RunesOf(b));
}

}  // namespace thermocline
