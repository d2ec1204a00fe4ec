#include "promql/lexer.h"

#include <utility>

#include "promql/text.h"

namespace thermocline::promql {
namespace {

using T = TokenType;

bool IsSpace(int32_t c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool IsDigit(int32_t c) { return '0' <= c && c <= '9'; }
bool IsAlpha(int32_t c) { return c == '_' || ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z'); }
bool IsAlphaNumeric(int32_t c) { return IsAlpha(c) || IsDigit(c); }
// First letters of step, range, max_of, min_of.
bool StartsDurationWord(int32_t c) {
  return c > 0 && std::string_view("sSrRmM").find(static_cast<char>(c)) != std::string_view::npos;
}

}  // namespace

int32_t Lexer::Take() {
  const CodePoint next = DecodeUtf8(input_.substr(pos_));
  width_ = next.bytes;
  pos_ += width_;
  return next.bytes == 0 ? kEnd : next.value;
}

int32_t Lexer::Peek() {
  const int32_t c = Take();
  Back();
  return c;
}

bool Lexer::NextIs(std::string_view set) {
  const int32_t c = Peek();
  return 0 <= c && c < 0x80 && set.find(static_cast<char>(c)) != std::string_view::npos;
}

bool Lexer::Accept(std::string_view set) {
  const bool next = NextIs(set);
  if (next) Take();
  return next;
}

void Lexer::AcceptRun(std::string_view set) {
  while (Accept(set)) {
  }
}

Token Lexer::Emit(TokenType type) {
  const Token token{type, {start_, pos_}, input_.substr(start_, pos_ - start_)};
  start_ = pos_;
  return token;
}

Token Lexer::Fail(std::string message) {
  error_ = std::move(message);
  done_ = true;
  return {T::kError, {start_, static_cast<int32_t>(input_.size())}, {}};
}

Token Lexer::FailAt(std::string_view what, int32_t character) {
  return Fail(std::string(what) + ": " + QuoteCharacter(character));
}

void Lexer::SkipSpace() {
  while (IsSpace(Peek())) Take();
  start_ = pos_;
}

void Lexer::SkipSpaceAndComments() {
  while (true) {
    SkipSpace();
    if (Peek() != '#') return;
    for (int32_t c = Peek(); c != '\n' && c != '\r' && c != kEnd; c = Peek()) Take();
    start_ = pos_;
  }
}

Token Lexer::Next() {
  if (done_) return last_;
  if (mode_ == Mode::kDurationStart && !brace_open_) {
    last_ = NextDurationStart();
  } else {
    SkipSpaceAndComments();
    last_ = brace_open_ ? NextInBraces() : NextPlain();
  }
  if (last_.type == T::kEof) done_ = true;
  return last_;
}

Token Lexer::NextPlain() {
  const int32_t c = Take();
  if (c == kEnd) {
    if (paren_depth_ != 0) return Fail("unclosed left parenthesis");
    if (bracket_open_) return Fail("unclosed left bracket");
    return Emit(T::kEof);
  }
  if (IsDigit(c) || (c == '.' && IsDigit(Peek()))) {
    // Peek changed the width; step back over the ASCII character itself.
    --pos_;
    return NumberOrDuration();
  }
  if (c == '"' || c == '\'') return QuotedString(c);
  if (c == '`') return RawString();
  if (IsAlpha(c) || c == ':') {
    if (bracket_open_) return ColonOrWordInBrackets(c);
    Back();
    return WordOrKeyword();
  }
  return Punctuation(c);
}

Token Lexer::Punctuation(int32_t c) {
  switch (c) {
    case ',': return Emit(T::kComma);
    case '@': return Emit(T::kAt);
    case '(': ++paren_depth_; return Emit(T::kLeftParen);
    case ')': {
      const Token token = Emit(T::kRightParen);
      if (--paren_depth_ < 0) return Fail("unexpected right parenthesis ')'");
      return token;
    }
    case '{': brace_open_ = true; return Emit(T::kLeftBrace);
    case '[': {
      if (bracket_open_) return Fail("unexpected left bracket '['");
      const Token token = Emit(T::kLeftBracket);
      got_colon_ = false;
      bracket_open_ = true;
      mode_ = Mode::kDurationStart;
      return token;
    }
    case ']':
      if (!bracket_open_) return Fail("unexpected right bracket ']'");
      bracket_open_ = false;
      return Emit(T::kRightBracket);
    default: return Operator(c);
  }
}

Token Lexer::Operator(int32_t c) {
  switch (c) {
    case '+': return Emit(T::kAdd);
    case '-': return Emit(T::kSub);
    case '*': return Emit(T::kMul);
    case '/': return Emit(T::kDiv);
    case '%': return Emit(T::kMod);
    case '^': return Emit(T::kPow);
    case '=':
      if (Accept("=")) return Emit(T::kEqualEqual);
      if (NextIs("~")) return FailAt("unexpected character after '='", '~');
      return Emit(T::kEqual);
    case '!': {
      if (const int32_t next = Take(); next != '=') {
        return FailAt("unexpected character after '!'", next);
      }
      return Emit(T::kNotEqual);
    }
    case '<':
      if (Accept("=")) return Emit(T::kLessOrEqual);
      return Emit(Accept("/") ? T::kTrimUpper : T::kLess);
    case '>':
      if (Accept("=")) return Emit(T::kGreaterOrEqual);
      return Emit(Accept("/") ? T::kTrimLower : T::kGreater);
    default: return FailAt("unexpected character", c);
  }
}

Token Lexer::ColonOrWordInBrackets(int32_t c) {
  if (c == ':') {
    if (got_colon_) return Fail("unexpected colon ':'");
    got_colon_ = true;
    return Emit(T::kColon);
  }
  if (StartsDurationWord(c)) {
    if (const T word = ScanDurationWord(); word != T::kIdentifier) return Emit(word);
  }
  return Fail("unexpected character: " + QuoteCharacter(c) + ", expected ':'");
}

Token Lexer::NextInBraces() {
  const int32_t c = Take();
  switch (c) {
    case kEnd: return Fail("unexpected end of input inside braces");
    case ',': return Emit(T::kComma);
    case '"':
    case '\'': return QuotedString(c);
    case '`': return RawString();
    case '=': return Emit(Accept("~") ? T::kEqualRegex : T::kEqual);
    case '!': {
      if (Accept("~")) return Emit(T::kNotEqualRegex);
      if (Accept("=")) return Emit(T::kNotEqual);
      return FailAt("unexpected character after '!' inside braces", Take());
    }
    case '{': return Fail("unexpected left brace '{'");
    case '}': brace_open_ = false; return Emit(T::kRightBrace);
    default:
      if (!IsAlpha(c)) return FailAt("unexpected character inside braces", c);
      Back();
      return Identifier();
  }
}

Token Lexer::NextDurationStart() {
  SkipSpace();
  const int32_t c = Take();
  switch (c) {
    case kEnd: return Fail("unexpected end of input in duration expression");
    case ']':
      bracket_open_ = false;
      got_colon_ = false;
      mode_ = Mode::kPlain;
      return Emit(T::kRightBracket);
    case ':': {
      const Token token = Emit(T::kColon);
      if (!got_duration_) {
        return Fail("unexpected colon before duration in duration expression");
      }
      if (got_colon_) return Fail("unexpected repeated colon in duration expression");
      got_colon_ = true;
      return token;
    }
    case '(':
    case ')':
    case ',': return Punctuation(c);
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
    case '^': return Operator(c);
    default: break;
  }
  if (StartsDurationWord(c)) {
    if (const T word = ScanDurationWord(); word != T::kIdentifier) return Emit(word);
  } else if (IsDigit(c) || (c == '.' && IsDigit(Peek()))) {
    --pos_;
    got_duration_ = true;
    mode_ = Mode::kPlain;
    return NumberOrDuration();
  }
  return FailAt("unexpected character in duration expression", c);
}

TokenType Lexer::ScanDurationWord() {
  while (IsAlpha(Peek())) Take();
  const T type = KeywordType(input_.substr(start_, pos_ - start_));
  const bool allowed =
      type == T::kStep || type == T::kRange || type == T::kMaxOf || type == T::kMinOf;
  return allowed ? type : T::kIdentifier;
}

Token Lexer::Identifier() {
  while (IsAlphaNumeric(Peek())) Take();
  return Emit(T::kIdentifier);
}

Token Lexer::WordOrKeyword() {
  while (IsAlphaNumeric(Peek()) || Peek() == ':') Take();
  const std::string_view word = input_.substr(start_, pos_ - start_);
  const T type = KeywordType(word);
  if (type == T::kFill || type == T::kFillLeft || type == T::kFillRight) {
    return Emit(ParenthesisFollows() ? type : T::kIdentifier);
  }
  if (type != T::kIdentifier) return Emit(type);
  return Emit(word.find(':') == std::string_view::npos ? T::kIdentifier : T::kMetricIdentifier);
}

bool Lexer::ParenthesisFollows() const {
  size_t i = pos_;
  while (i < input_.size() && IsSpace(input_[i])) ++i;
  return i < input_.size() && input_[i] == '(';
}

}  // namespace thermocline::promql
