#include "promql/token.h"

#include <algorithm>
#include <utility>

#include "model/labels.h"

namespace thermocline::promql {
namespace {

using T = TokenType;

constexpr std::pair<std::string_view, TokenType> kKeywords[] = {
    {"and", T::kAnd},
    {"or", T::kOr},
    {"unless", T::kUnless},
    {"atan2", T::kAtan2},
    {"sum", T::kSum},
    {"avg", T::kAvg},
    {"count", T::kCount},
    {"min", T::kMin},
    {"max", T::kMax},
    {"group", T::kGroup},
    {"stddev", T::kStddev},
    {"stdvar", T::kStdvar},
    {"topk", T::kTopk},
    {"bottomk", T::kBottomk},
    {"count_values", T::kCountValues},
    {"quantile", T::kQuantile},
    {"limitk", T::kLimitk},
    {"limit_ratio", T::kLimitRatio},
    {"offset", T::kOffset},
    {"smoothed", T::kSmoothed},
    {"anchored", T::kAnchored},
    {"by", T::kBy},
    {"without", T::kWithout},
    {"on", T::kOn},
    {"ignoring", T::kIgnoring},
    {"group_left", T::kGroupLeft},
    {"group_right", T::kGroupRight},
    {"fill", T::kFill},
    {"fill_left", T::kFillLeft},
    {"fill_right", T::kFillRight},
    {"bool", T::kBool},
    {"start", T::kStart},
    {"end", T::kEnd},
    {"step", T::kStep},
    {"range", T::kRange},
    {"max_of", T::kMaxOf},
    {"min_of", T::kMinOf},
    {"inf", T::kNumber},
    {"nan", T::kNumber},
};

char Lower(char c) { return 'A' <= c && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Go's %.10q, with an ellipsis: the first ten characters, quoted.
std::string QuoteStart(std::string_view text) {
  size_t characters = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool starts_character = (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80;
    if (starts_character && ++characters > 10) return GoQuote(text.substr(0, i)) + "...";
  }
  return GoQuote(text) + "...";
}

std::string Shown(const Token& token) {
  const std::string text(token.text);
  if (token.type == T::kIdentifier || token.type == T::kMetricIdentifier) return GoQuote(text);
  if (T::kBool <= token.type && token.type <= T::kWithout) return "<" + text + ">";
  if (T::kAdd <= token.type && token.type <= T::kNotEqualRegex) return "<op:" + text + ">";
  if (IsAggregator(token.type)) return "<aggr:" + text + ">";
  return text.size() > 10 ? QuoteStart(text) : GoQuote(text);
}

}  // namespace

bool CanBeMetricName(TokenType t) {
  switch (t) {
    case T::kIdentifier:
    case T::kMetricIdentifier:
    case T::kAnd:
    case T::kOr:
    case T::kUnless:
    case T::kBy:
    case T::kFill:
    case T::kFillLeft:
    case T::kFillRight:
    case T::kOffset:
    case T::kSmoothed:
    case T::kAnchored:
    case T::kWithout: return true;
    default: return IsAggregator(t) || IsContextWord(t);
  }
}

bool CanStartOperand(TokenType t) {
  return t == T::kLeftParen || t == T::kLeftBrace || t == T::kNumber || t == T::kDuration ||
         t == T::kString || IsSign(t) || CanBeMetricName(t);
}

bool CanBeLabelName(TokenType t) {
  if (t == T::kWithout) return false;  // the one keyword that Prometheus' grammar leaves out
  return CanBeMetricName(t) || t == T::kAtan2 || t == T::kBool || t == T::kGroupLeft ||
         t == T::kGroupRight || t == T::kIgnoring || t == T::kOn;
}

TokenType KeywordType(std::string_view word) {
  for (const auto& [keyword, type] : kKeywords) {
    const bool same =
        word.size() == keyword.size() && std::equal(word.begin(), word.end(), keyword.begin(),
                                                    [](char a, char b) { return Lower(a) == b; });
    if (same) return type;
  }
  return T::kIdentifier;
}

std::string Describe(const Token& token) {
  switch (token.type) {
    case T::kEof: return "end of input";
    case T::kIdentifier: return "identifier " + Shown(token);
    case T::kMetricIdentifier: return "metric identifier " + Shown(token);
    case T::kString: return "string " + Shown(token);
    case T::kNumber: return "number " + Shown(token);
    case T::kDuration: return "duration " + Shown(token);
    default: return Shown(token);
  }
}

}  // namespace thermocline::promql
