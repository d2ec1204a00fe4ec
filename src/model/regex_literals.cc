#include "model/regex_literals.h"

#include <algorithm>

namespace thermocline {
namespace {

constexpr size_t kMaxLiterals = 256;
constexpr int kMaxDepth = 32;
constexpr std::string_view kMeta = "\\.+*?()|[]{}^$";

using Set = std::vector<std::string>;

bool IsAsciiPunctuation(char c) {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') ||
         (c >= '{' && c <= '~');
}

// Recursive descent over the part of the syntax that denotes finite sets. Gives up (failed_) on
// anything else, so it needs to be right only about what it accepts.
class Expander {
 public:
  explicit Expander(std::string_view pattern) : rest_(pattern) {}

  std::optional<Set> Run() {
    Set set = Alternation(0);
    if (!rest_.empty()) failed_ = true;
    if (failed_) return std::nullopt;
    std::sort(set.begin(), set.end());
    set.erase(std::unique(set.begin(), set.end()), set.end());
    return set;
  }

 private:
  Set Alternation(int depth) {
    if (depth > kMaxDepth) failed_ = true;
    Set all = Concatenation(depth);
    while (!failed_ && TakeChar('|')) {
      Set more = Concatenation(depth);
      all.insert(all.end(), more.begin(), more.end());
      if (all.size() > kMaxLiterals) failed_ = true;
    }
    return all;
  }

  Set Concatenation(int depth) {
    Set all = {""};
    while (!failed_ && !rest_.empty() && rest_[0] != '|' && rest_[0] != ')') {
      Set next = Piece(depth);
      if (TakeChar('?')) next.emplace_back();
      // A further operator, or the ? of a lazy one, is not ours to judge.
      if (!rest_.empty() && std::string_view("*+?{").find(rest_[0]) != std::string_view::npos) {
        failed_ = true;
      }
      if (failed_ || all.size() * next.size() > kMaxLiterals) {
        failed_ = true;
        break;
      }
      if (next.size() == 1) {
        for (std::string& text : all) text += next[0];
        continue;
      }
      Set product;
      product.reserve(all.size() * next.size());
      for (const std::string& head : all) {
        for (const std::string& tail : next) product.push_back(head + tail);
      }
      all = std::move(product);
    }
    return all;
  }

  Set Piece(int depth) {
    if (TakeChar('(')) {
      if (TakeChar('?') && !TakeChar(':')) failed_ = true;
      if (failed_) return {};
      Set inner = Alternation(depth + 1);
      if (!TakeChar(')')) failed_ = true;
      return inner;
    }
    if (TakeChar('[')) return CharacterClass();
    return {Character()};
  }

  // Enumerated ASCII members only: [abc].
  Set CharacterClass() {
    Set members;
    while (!failed_ && !TakeChar(']')) {
      if (rest_.empty() || std::string_view("^-[\\").find(rest_[0]) != std::string_view::npos ||
          static_cast<unsigned char>(rest_[0]) >= 0x80) {
        failed_ = true;
        break;
      }
      members.emplace_back(1, rest_[0]);
      rest_.remove_prefix(1);
    }
    if (members.empty()) failed_ = true;  // "[]a]" starts with a literal bracket
    return members;
  }

  // One character: itself, or escaped punctuation.
  std::string Character() {
    if (rest_.size() >= 2 && rest_[0] == '\\' && IsAsciiPunctuation(rest_[1])) {
      std::string c(1, rest_[1]);
      rest_.remove_prefix(2);
      return c;
    }
    if (rest_.empty() || kMeta.find(rest_[0]) != std::string_view::npos) {
      failed_ = true;
      return {};
    }
    size_t length = 1;
    while (length < rest_.size() && (static_cast<unsigned char>(rest_[length]) & 0xc0) == 0x80) {
      ++length;
    }
    std::string c(rest_.substr(0, length));
    rest_.remove_prefix(length);
    return c;
  }

  bool TakeChar(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::string_view rest_;
  bool failed_ = false;
};

// True unless it is evident that no alternation stands outside of parentheses.
bool MayAlternateAtTop(std::string_view pattern) {
  int depth = 0;
  for (size_t i = 0; i < pattern.size(); ++i) {
    switch (pattern[i]) {
      case '\\':
        // Inside \Q...\E nothing means what it says.
        if (i + 1 < pattern.size() && pattern[i + 1] == 'Q') return true;
        ++i;
        break;
      case '[':
        // Classes have their own rules for brackets; only a pattern with alternation cares.
        if (pattern.find('|', i) != std::string_view::npos) return true;
        return false;
      case '(': ++depth; break;
      case ')': --depth; break;
      case '|':
        if (depth <= 0) return true;
        break;
      default: break;
    }
  }
  return false;
}

}  // namespace

std::optional<std::vector<std::string>> ExpandLiterals(std::string_view pattern) {
  return Expander(pattern).Run();
}

std::string LiteralPrefix(std::string_view pattern) {
  if (MayAlternateAtTop(pattern)) return {};
  std::string prefix;
  size_t last_start = 0;  // where the last character of `prefix` starts
  size_t i = 0;
  while (i < pattern.size()) {
    const bool escaped =
        pattern[i] == '\\' && i + 1 < pattern.size() && IsAsciiPunctuation(pattern[i + 1]);
    if (!escaped && kMeta.find(pattern[i]) != std::string_view::npos) break;
    if (escaped) ++i;
    last_start = prefix.size();
    prefix += pattern[i++];
    while (i < pattern.size() && (static_cast<unsigned char>(pattern[i]) & 0xc0) == 0x80) {
      prefix += pattern[i++];
    }
  }
  // Flags are not an operand: in "ab(?i)*" the star binds the b.
  const std::string_view rest = pattern.substr(i);
  if (rest.starts_with("(?") && !rest.starts_with("(?:")) return {};
  // A repetition operator binds the last character alone; it may occur zero times.
  if (i < pattern.size() && std::string_view("*?{").find(pattern[i]) != std::string_view::npos) {
    prefix.resize(last_start);
  }
  return prefix;
}

}  // namespace thermocline
