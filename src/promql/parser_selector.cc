// Vector selectors: metric names and label matchers.
#include "promql/parser_state.h"

namespace thermocline::promql {
namespace {

using T = TokenType;

MatchType MatchTypeOf(TokenType op) {
  switch (op) {
    case T::kNotEqual: return MatchType::kNotEqual;
    case T::kEqualRegex: return MatchType::kRegex;
    case T::kNotEqualRegex: return MatchType::kNotRegex;
    default: return MatchType::kEqual;
  }
}

}  // namespace

bool ParserState::ParseSelector(const Token* name, Operand* operand) {
  auto selector = std::make_unique<VectorSelector>();
  if (name != nullptr) {
    selector->span = name->span;
    selector->name = std::string(name->text);
  }
  if (PeekIs(T::kLeftBrace)) {
    const Token brace = Take();
    if (name == nullptr) selector->span = brace.span;
    if (!ParseMatchers(selector.get())) return false;
    selector->span.end = last_closing_;
  }
  if (!selector->name.empty()) {
    selector->matchers.push_back(Matcher::Equal(std::string(kMetricNameLabel), selector->name));
  }
  *operand = {std::move(selector), 1};
  return Grow(1, operand->expr->span);
}

// After the opening brace, through the closing one.
bool ParserState::ParseMatchers(VectorSelector* selector) {
  if (PeekIs(T::kRightBrace)) {
    Take();
    return true;
  }
  while (true) {
    if (!ParseMatcher(selector)) return false;
    if (!PeekIs(T::kComma) && !PeekIs(T::kRightBrace)) {
      Unexpected("label matching", "\",\" or \"}\"");
      return false;
    }
    if (Take().type == T::kRightBrace) return true;
    if (PeekIs(T::kRightBrace)) {
      Take();
      return true;
    }
  }
}

bool ParserState::ParseMatcher(VectorSelector* selector) {
  if (!PeekIs(T::kIdentifier) && !PeekIs(T::kString)) {
    Unexpected("label matching", "identifier or \"}\"");
    return false;
  }
  const Token label = Take();
  const bool quoted = label.type == T::kString;
  std::string name = quoted ? Unquote(label.text) : std::string(label.text);
  if (!IsMatchOperator(Peek().type)) {
    if (!quoted) {
      Unexpected("label matching", "label matching operator");
      return false;
    }
    selector->matchers.push_back(Matcher::Equal(std::string(kMetricNameLabel), std::move(name)));
    return true;
  }
  const T op = Take().type;
  if (!PeekIs(T::kString)) {
    Unexpected("label matching", "string");
    return false;
  }
  AddMatcher(label, std::move(name), op, Take(), selector);
  return true;
}

void ParserState::AddMatcher(const Token& label, std::string name, TokenType op, const Token& value,
                             VectorSelector* selector) {
  Result<Matcher> matcher = Matcher::Make(MatchTypeOf(op), std::move(name), Unquote(value.text));
  if (matcher.ok()) {
    selector->matchers.push_back(*std::move(matcher));
  } else {
    AddError({label.span.start, value.span.end}, std::string(matcher.status().message()));
  }
}

}  // namespace thermocline::promql
