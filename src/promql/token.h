// The tokens of PromQL and how error messages name them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "promql/ast.h"

namespace thermocline::promql {

enum class TokenType : uint8_t {
  kEof,
  kError,  // the message is in Lexer::error()
  kIdentifier,
  kMetricIdentifier,  // an identifier with a colon
  kNumber,
  kDuration,
  kString,  // with its quotes
  kLeftParen,
  kRightParen,
  kLeftBrace,
  kRightBrace,
  kLeftBracket,
  kRightBracket,
  kComma,
  kColon,
  kEqual,
  // Operators. kAdd to kUnless stand in the order of BinaryOp.
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMod,
  kPow,
  kAtan2,
  kEqualEqual,
  kNotEqual,
  kGreater,
  kLess,
  kGreaterOrEqual,
  kLessOrEqual,
  kTrimUpper,
  kTrimLower,
  kAnd,
  kOr,
  kUnless,
  kAt,
  kEqualRegex,
  kNotEqualRegex,
  // Aggregations, in the order of AggregateOp.
  kSum,
  kAvg,
  kCount,
  kMin,
  kMax,
  kGroup,
  kStddev,
  kStdvar,
  kTopk,
  kBottomk,
  kCountValues,
  kQuantile,
  kLimitk,
  kLimitRatio,
  // Keywords.
  kBool,
  kBy,
  kGroupLeft,
  kGroupRight,
  kFill,
  kFillLeft,
  kFillRight,
  kIgnoring,
  kOffset,
  kSmoothed,
  kAnchored,
  kOn,
  kWithout,
  // Words that are functions of the query's context.
  kStart,
  kEnd,
  kStep,
  kRange,
  kMaxOf,
  kMinOf
};

struct Token {
  TokenType type = TokenType::kEof;
  Span span;
  std::string_view text;  // of the query
};

constexpr bool IsBinaryOperator(TokenType t) {
  return TokenType::kAdd <= t && t <= TokenType::kUnless;
}
constexpr bool IsAggregator(TokenType t) {
  return TokenType::kSum <= t && t <= TokenType::kLimitRatio;
}
constexpr bool IsSign(TokenType t) { return t == TokenType::kAdd || t == TokenType::kSub; }
constexpr bool IsMatchOperator(TokenType t) {
  return t == TokenType::kEqual || t == TokenType::kNotEqual || t == TokenType::kEqualRegex ||
         t == TokenType::kNotEqualRegex;
}
// start end step range max_of min_of
constexpr bool IsContextWord(TokenType t) { return TokenType::kStart <= t; }
// Keywords are metric names where an operand is expected; these are the exceptions among them.
bool CanBeMetricName(TokenType t);
bool CanStartOperand(TokenType t);
// Whether the word may stand in on(...), by(...) and the like without quotes.
bool CanBeLabelName(TokenType t);
// kIdentifier when `word` is no keyword. Letters of any case match; Inf and NaN are kNumber.
TokenType KeywordType(std::string_view word);

// As errors name it: identifier "x", <op:+>, <aggr:sum>, <by>, "(", end of input.
std::string Describe(const Token& token);

}  // namespace thermocline::promql
