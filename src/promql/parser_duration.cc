// Durations and their arithmetic, in brackets and after offset.
#include <algorithm>

#include "promql/parser_state.h"

namespace thermocline::promql {
namespace {

using T = TokenType;

// Deeper parentheses within one duration are an error; recursion is bounded by it.
constexpr int kMaxDurationDepth = 64;
constexpr int kSignPrecedence = 2;
constexpr int kPowerPrecedence = 3;
// 2^63 nanoseconds, as seconds.
constexpr double kMaxSeconds = 9223372036.854775808;

// 0 for what is no operator here.
int Precedence(TokenType op) {
  switch (op) {
    case T::kAdd:
    case T::kSub: return 1;
    case T::kMul:
    case T::kDiv:
    case T::kMod: return 2;
    case T::kPow: return kPowerPrecedence;
    default: return 0;
  }
}

DurationOp DurationOpOf(TokenType type) {
  switch (type) {
    case T::kSub: return DurationOp::kSub;
    case T::kMul: return DurationOp::kMul;
    case T::kDiv: return DurationOp::kDiv;
    case T::kMod: return DurationOp::kMod;
    case T::kPow: return DurationOp::kPow;
    case T::kMinOf: return DurationOp::kMinOf;
    case T::kMaxOf: return DurationOp::kMaxOf;
    case T::kStep: return DurationOp::kStep;
    case T::kRange: return DurationOp::kRange;
    default: return DurationOp::kAdd;
  }
}

bool IsNumber(const Operand& operand) { return operand.expr->kind == ExprKind::kNumber; }

Operand Zero() { return {std::make_unique<NumberLiteral>(), 1}; }

std::unique_ptr<DurationExpr> MakeNode(DurationOp op, Span span) {
  auto node = std::make_unique<DurationExpr>();
  node->op = op;
  node->span = span;
  return node;
}

}  // namespace

void ParserState::RequireDurationExpressions(const Expr& expr) {
  if (!options_.duration_expressions) {
    AddError(expr.span, "experimental duration expression is not enabled");
  }
}

bool ParserState::BoundDuration(Span span, Operand* duration) {
  const double seconds = As<NumberLiteral>(*duration->expr).value;
  if (seconds <= kMaxSeconds && seconds >= -kMaxSeconds) return true;
  AddError(span, "duration out of range");
  *duration = Zero();
  return false;
}

// False after a syntax error that is not listed yet: callers know the context.
bool ParserState::ParseDuration(int min_precedence, int depth, Operand* duration) {
  if (!ParseDurationOperand(depth, duration)) return false;
  while (true) {
    const int precedence = Precedence(Peek().type);
    if (precedence == 0 || precedence < min_precedence) return true;
    const Token op = Take();
    Operand rhs;
    const int rhs_min = precedence == kPowerPrecedence ? precedence : precedence + 1;
    if (!ParseDuration(rhs_min, depth + 1, &rhs)) return false;
    if (!JoinDurations(op, std::move(rhs), duration)) return false;
  }
}

bool ParserState::ParseDurationOperand(int depth, Operand* duration) {
  const Token& next = Peek();
  if (depth > kMaxDurationDepth) {
    AddError(next.span,
             "duration is nested deeper than " + std::to_string(kMaxDurationDepth) + " levels");
    return false;
  }
  switch (next.type) {
    case T::kNumber:
    case T::kDuration:
      *duration = NumberOperand(Take());
      BoundDuration(duration->expr->span, duration);
      return Grow(1, duration->expr->span);
    case T::kAdd:
    case T::kSub: {
      const Token sign = Take();
      // The operand takes powers and no more: -1^2 is -(1^2).
      if (!ParseDuration(kSignPrecedence + 1, depth + 1, duration)) return false;
      NegateDuration(sign, false, duration);
      return Grow(duration->height, sign.span);
    }
    case T::kLeftParen: {
      Take();
      if (!ParseDuration(0, depth + 1, duration) || !PeekIs(T::kRightParen)) return false;
      Take();
      RequireDurationExpressions(*duration->expr);
      if (!IsNumber(*duration)) As<DurationExpr>(*duration->expr).wrapped = true;
      return true;
    }
    default: return ParseDurationCall(depth, duration);
  }
}

// step() range() min_of(d, d) max_of(d, d)
bool ParserState::ParseDurationCall(int depth, Operand* duration) {
  const T type = Peek().type;
  const bool has_arguments = type == T::kMinOf || type == T::kMaxOf;
  if (!has_arguments && type != T::kStep && type != T::kRange) return false;
  const Token name = Take();
  if (!PeekIs(T::kLeftParen)) return false;
  Take();
  auto node = MakeNode(DurationOpOf(type), name.span);
  int height = 1;
  if (has_arguments) {
    Operand lhs;
    Operand rhs;
    if (!ParseDuration(0, depth + 1, &lhs) || !PeekIs(T::kComma)) return false;
    Take();
    if (!ParseDuration(0, depth + 1, &rhs)) return false;
    height = std::max(lhs.height, rhs.height) + 1;
    node->lhs = std::move(lhs.expr);
    node->rhs = std::move(rhs.expr);
  }
  if (!PeekIs(T::kRightParen)) return false;
  node->span.end = Take().span.end;
  RequireDurationExpressions(*node);
  *duration = {std::move(node), height};
  return Grow(height, name.span);
}

bool ParserState::JoinDurations(const Token& op, Operand rhs, Operand* duration) {
  RequireDurationExpressions(*duration->expr);
  const bool divides = op.type == T::kDiv || op.type == T::kMod;
  if (divides && IsNumber(rhs) && As<NumberLiteral>(*rhs.expr).value == 0) {
    AddError(op.span, op.type == T::kDiv ? "division by zero" : "modulo by zero");
    *duration = Zero();
    return true;
  }
  const Span span = {duration->expr->span.start, rhs.expr->span.end};
  auto node = MakeNode(DurationOpOf(op.type), span);
  const int height = std::max(duration->height, rhs.height) + 1;
  node->lhs = std::move(duration->expr);
  node->rhs = std::move(rhs.expr);
  *duration = {std::move(node), height};
  return Grow(height, op.span);
}

void ParserState::NegateDuration(const Token& sign, bool wrapped, Operand* duration) {
  const bool negative = sign.type == T::kSub;
  if (IsNumber(*duration)) {
    auto& number = As<NumberLiteral>(*duration->expr);
    if (negative) number.value = -number.value;
    if (BoundDuration(sign.span, duration)) duration->expr->span.start = sign.span.start;
    return;
  }
  if (wrapped) As<DurationExpr>(*duration->expr).wrapped = true;
  if (!negative) return;
  auto node = MakeNode(DurationOp::kSub, {sign.span.start, duration->expr->span.end});
  node->rhs = std::move(duration->expr);
  *duration = {std::move(node), duration->height + 1};
}

// In brackets. A literal must be above zero; an expression is checked when the query runs.
bool ParserState::ParsePositiveDuration(Operand* duration) {
  if (!ParseDuration(0, 0, duration)) return false;
  Peek();  // the token that ends the duration is read before the duration is judged
  if (IsNumber(*duration) && !(As<NumberLiteral>(*duration->expr).value > 0)) {
    AddError(duration->expr->span, "duration must be greater than 0");
    *duration = Zero();
  }
  return true;
}

// After offset: arithmetic only inside parentheses, so that `foo offset -2^2` is (foo offset -2)^2.
bool ParserState::ParseOffsetDuration(Operand* duration) {
  if (PeekIs(T::kLeftParen)) return ParseDuration(0, 0, duration);
  if (!IsSign(Peek().type)) return ParseDurationOperand(0, duration);
  const Token sign = Take();
  if (IsSign(Peek().type)) {
    if (!ParseDurationOperand(0, duration)) return false;
    NegateDuration(sign, false, duration);
    return true;
  }
  const bool wrapped = PeekIs(T::kLeftParen);
  const bool leaf = PeekIs(T::kNumber) || PeekIs(T::kDuration);
  if (leaf) {
    *duration = NumberOperand(Take());
    NegateDuration(sign, false, duration);
    return Grow(1, sign.span);
  }
  if (!wrapped) {
    if (!ParseDurationOperand(0, duration)) return false;
    const Span span = {sign.span.start, duration->expr->span.end};
    auto node = MakeNode(DurationOpOf(sign.type), span);
    node->rhs = std::move(duration->expr);
    *duration = {std::move(node), duration->height + 1};
    return true;
  }
  Take();
  if (!ParseDuration(0, 1, duration) || !PeekIs(T::kRightParen)) return false;
  Take();
  NegateDuration(sign, true, duration);
  return true;
}

}  // namespace thermocline::promql
