// Query text to tokens. Which characters are legal depends on braces and brackets, as in
// Prometheus' promql/parser/lex.go, so that errors name the same place.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "promql/token.h"

namespace thermocline::promql {

class Lexer {
 public:
  // `input` is borrowed and outlives the tokens.
  explicit Lexer(std::string_view input) : input_(input) {}

  // The next token; comments and spaces are skipped. After kEof or kError the same again.
  Token Next();

  // Of a kError token: what is wrong; the token spans from the bad token's start to the end.
  const std::string& error() const { return error_; }

 private:
  enum class Mode : uint8_t { kPlain, kDurationStart };

  // One character (a Unicode code point) ahead; kEnd at the end, kBad for invalid UTF-8.
  static constexpr int32_t kEnd = -1;
  static constexpr int32_t kBad = 0xFFFD;
  int32_t Take();
  int32_t Peek();
  void Back() { pos_ -= width_; }
  // Takes the next character if `set` has it.
  bool Accept(std::string_view set);
  bool NextIs(std::string_view set);
  void AcceptRun(std::string_view set);

  Token Emit(TokenType type);
  Token Fail(std::string message);
  Token FailAt(std::string_view what, int32_t character);
  void SkipSpaceAndComments();
  void SkipSpace();

  Token NextPlain();
  Token NextInBraces();
  Token NextDurationStart();
  Token Punctuation(int32_t c);
  Token Operator(int32_t c);
  Token ColonOrWordInBrackets(int32_t c);
  Token WordOrKeyword();
  Token Identifier();
  Token NumberOrDuration();
  Token QuotedString(int32_t quote);
  Token RawString();
  // False after having set error_ for a bad escape.
  bool Escape(int32_t quote);
  bool ScanNumber();
  bool ScanNumberTail(std::string_view digits);
  bool ScanDuration();
  // The token type of a word allowed in brackets, kIdentifier for any other.
  TokenType ScanDurationWord();
  bool ParenthesisFollows() const;

  std::string_view input_;
  int32_t pos_ = 0;
  int32_t start_ = 0;  // of the token being read
  int32_t width_ = 0;  // of the character taken last
  int32_t paren_depth_ = 0;
  bool brace_open_ = false;
  bool bracket_open_ = false;
  bool got_colon_ = false;
  bool got_duration_ = false;
  bool done_ = false;
  Mode mode_ = Mode::kPlain;
  Token last_;
  std::string error_;
};

// The value of a string token. The lexer has checked its escapes.
std::string Unquote(std::string_view quoted);

}  // namespace thermocline::promql
