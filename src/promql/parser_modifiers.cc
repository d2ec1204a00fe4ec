// What follows an operand (ranges, offset, @, anchored, smoothed) or an operator (bool, on,
// group_left, fill).
#include <cmath>

#include "promql/parser_state.h"
#include "promql/text.h"

namespace thermocline::promql {
namespace {

using T = TokenType;

// Whole milliseconds of a literal: rounded to nanoseconds as Prometheus stores it, then cut.
int64_t LiteralMs(const Expr& literal) {
  const double nanoseconds = std::round(As<NumberLiteral>(literal).value * 1e9);
  if (!(std::fabs(nanoseconds) < 9.2e18)) return nanoseconds > 0 ? INT64_MAX : INT64_MIN;
  return static_cast<int64_t>(nanoseconds) / 1'000'000;
}

// Stores a literal in `ms`, anything else in `expr`.
void StoreDuration(Operand duration, int64_t* ms, ExprPtr* expr) {
  if (!duration) return;
  if (duration.expr->kind == ExprKind::kNumber) {
    *ms = LiteralMs(*duration.expr);
  } else {
    *expr = std::move(duration.expr);
  }
}

// The modifiers that `expr` carries; null when it can carry none.
TimeModifiers* ModifiersOf(Expr* expr) {
  switch (expr->kind) {
    case ExprKind::kVectorSelector: return &As<VectorSelector>(*expr).time;
    case ExprKind::kMatrixSelector: {
      Expr& selector = *As<MatrixSelector>(*expr).selector;
      return selector.kind == ExprKind::kVectorSelector ? &As<VectorSelector>(selector).time
                                                        : nullptr;
    }
    case ExprKind::kSubquery: return &As<SubqueryExpr>(*expr).time;
    default: return nullptr;
  }
}

std::string NoModifiers(const Expr& expr, std::string_view modifier) {
  if (expr.kind == ExprKind::kMatrixSelector) return "ranges only allowed for vector selectors";
  return std::string(modifier) +
         " modifier must be preceded by an instant vector selector or range vector selector or a "
         "subquery";
}

}  // namespace

bool ParserState::ParsePostfix(Operand* operand) {
  while (true) {
    switch (Peek().type) {
      case T::kLeftBracket:
        if (!ParseBrackets(operand)) return false;
        break;
      case T::kOffset:
        if (!ParseOffset(operand)) return false;
        break;
      case T::kAt:
        if (!ParseAt(operand)) return false;
        break;
      case T::kAnchored:
        Take();
        SetExtension(operand->expr.get(), Extension::kAnchored, "anchored");
        break;
      case T::kSmoothed:
        Take();
        SetExtension(operand->expr.get(), Extension::kSmoothed, "smoothed");
        break;
      default: return true;
    }
  }
}

bool ParserState::ParseBrackets(Operand* operand) {
  const Token open = Take();
  Operand range;
  if (!ParsePositiveDuration(&range)) {
    Unexpected("subquery or range selector", "number, duration, step(), or range()");
    return false;
  }
  if (PeekIs(T::kRightBracket)) return MakeMatrix(operand, open, std::move(range));
  if (!PeekIs(T::kColon)) {
    Unexpected("subquery or range", "\":\" or \"]\"");
    return false;
  }
  Take();
  Operand step;
  if (!PeekIs(T::kRightBracket)) {
    if (!ParsePositiveDuration(&step)) {
      Unexpected("subquery selector", "number, duration, step(), range(), or \"]\"");
      return false;
    }
    if (!PeekIs(T::kRightBracket)) {
      Unexpected("subquery selector", "\"]\"");
      return false;
    }
  }
  return MakeSubquery(operand, std::move(range), std::move(step));
}

bool ParserState::MakeMatrix(Operand* operand, const Token& open, Operand range) {
  const Span brackets = {open.span.start, Take().span.end};
  if (operand->expr->kind != ExprKind::kVectorSelector) {
    AddError(brackets, "ranges only allowed for vector selectors");
  } else if (As<VectorSelector>(*operand->expr).time.offset_ms != 0) {
    AddError(brackets, "no offset modifiers allowed before range");
  } else if (As<VectorSelector>(*operand->expr).time.at == AtKind::kTimestamp) {
    AddError(brackets, "no @ modifiers allowed before range");
  }
  auto matrix = std::make_unique<MatrixSelector>();
  matrix->span = {operand->expr->span.start, brackets.end};
  matrix->selector = std::move(operand->expr);
  StoreDuration(std::move(range), &matrix->range_ms, &matrix->range_expr);
  *operand = {std::move(matrix), operand->height + 1};
  return Grow(operand->height, brackets);
}

bool ParserState::MakeSubquery(Operand* operand, Operand range, Operand step) {
  auto subquery = std::make_unique<SubqueryExpr>();
  subquery->span = {operand->expr->span.start, Take().span.end};
  subquery->expr = std::move(operand->expr);
  subquery->has_step = static_cast<bool>(step);
  StoreDuration(std::move(range), &subquery->range_ms, &subquery->range_expr);
  StoreDuration(std::move(step), &subquery->step_ms, &subquery->step_expr);
  *operand = {std::move(subquery), operand->height + 1};
  return Grow(operand->height, operand->expr->span);
}

bool ParserState::ParseOffset(Operand* operand) {
  Take();
  Operand offset;
  if (!ParseOffsetDuration(&offset)) {
    Unexpected("offset", "number, duration, step(), or range()");
    return false;
  }
  SetOffset(operand->expr.get(), std::move(offset));
  return true;
}

void ParserState::SetOffset(Expr* expr, Operand offset) {
  TimeModifiers* time = ModifiersOf(expr);
  if (time == nullptr) return AddError(expr->span, NoModifiers(*expr, "offset"));
  if (time->offset_ms != 0 || time->offset_expr != nullptr) {
    AddError(expr->span, "offset may not be set multiple times");
  } else {
    StoreDuration(std::move(offset), &time->offset_ms, &time->offset_expr);
  }
  expr->span.end = last_closing_;
}

bool ParserState::ParseAt(Operand* operand) {
  Take();
  const T type = Peek().type;
  if (type == T::kStart || type == T::kEnd) {
    Take();
    for (const T wanted : {T::kLeftParen, T::kRightParen}) {
      if (!PeekIs(wanted)) {
        Unexpected("@", "timestamp");
        return false;
      }
      Take();
    }
    SetAt(operand->expr.get(), type == T::kStart ? AtKind::kStart : AtKind::kEnd, 0);
    return true;
  }
  double seconds = 0;
  if (!ParseAtValue(&seconds)) {
    Unexpected("@", "timestamp");
    return false;
  }
  SetAt(operand->expr.get(), AtKind::kTimestamp, seconds);
  return true;
}

bool ParserState::ParseAtValue(double* seconds) {
  const bool negative = PeekIs(T::kSub);
  if (IsSign(Peek().type)) Take();
  if (!PeekIs(T::kNumber) && !PeekIs(T::kDuration)) return false;
  const Token token = Take();
  *seconds = token.type == T::kNumber ? NumberValue(token) : DurationSeconds(token);
  if (negative) *seconds = -*seconds;
  return true;
}

void ParserState::SetAt(Expr* expr, AtKind kind, double seconds) {
  constexpr double kBound = 9223372036854775808.0;  // of int64
  const bool in_bounds = std::isfinite(seconds) && std::fabs(seconds) < kBound;
  if (!in_bounds) {
    AddError(expr->span, "timestamp out of bounds for @ modifier: " + FormatFixed(seconds, 6));
  }
  TimeModifiers* time = ModifiersOf(expr);
  if (time == nullptr) return AddError(expr->span, NoModifiers(*expr, "@"));
  if (time->at != AtKind::kNone) {
    return AddError(expr->span, "@ <timestamp> may not be set multiple times");
  }
  const double ms = std::round(seconds * 1000);
  time->at = kind;
  if (in_bounds && std::fabs(ms) < kBound) {
    time->at_ms = static_cast<int64_t>(ms);
  } else {
    time->at_ms = ms > 0 ? kMaxTimestampMs : kMinTimestampMs;
  }
  expr->span.end = last_closing_;
}

void ParserState::SetExtension(Expr* expr, Extension extension, std::string_view word) {
  const std::string name(word);
  if (!options_.extended_range_selectors) {
    return AddError(expr->span, name + " modifier is experimental and not enabled");
  }
  if (expr->kind == ExprKind::kSubquery) {
    return AddError(expr->span, name + " modifier is not supported for subqueries");
  }
  Expr* target = expr;
  if (expr->kind == ExprKind::kMatrixSelector) target = As<MatrixSelector>(*expr).selector.get();
  if (target->kind != ExprKind::kVectorSelector) {
    // A range over something else is an error of its own, listed before.
    if (target == expr) AddError(expr->span, name + " modifier not implemented");
    return;
  }
  auto& selector = As<VectorSelector>(*target);
  if (selector.extension != Extension::kNone && selector.extension != extension) {
    AddError(expr->span, "anchored and smoothed modifiers cannot be used together");
  }
  selector.extension = extension;
}

bool ParserState::ParseBinaryModifiers(BinaryExpr* node) {
  VectorMatching& matching = node->matching;
  if (PeekIs(T::kBool)) {
    Take();
    node->return_bool = true;
  }
  if (PeekIs(T::kOn) || PeekIs(T::kIgnoring)) {
    matching.on = Take().type == T::kOn;
    if (!ParseGroupingLabels(&matching.labels)) return false;
    if (PeekIs(T::kGroupLeft) || PeekIs(T::kGroupRight)) {
      const bool left = Take().type == T::kGroupLeft;
      matching.card = left ? Cardinality::kManyToOne : Cardinality::kOneToMany;
      // A parenthesis is always taken for the labels. What cannot be an operand either is taken
      // for an error in them.
      const bool labels = PeekIs(T::kLeftParen) || !CanStartOperand(Peek().type);
      if (labels && !ParseGroupingLabels(&matching.include)) return false;
    }
  }
  return ParseFill(&matching);
}

bool ParserState::ParseFill(VectorMatching* matching) {
  double value = 0;
  if (PeekIs(T::kFill)) {
    Take();
    if (!ParseFillValue(&value)) return false;
    matching->fill_left = value;
    matching->fill_right = value;
    return true;
  }
  while ((PeekIs(T::kFillLeft) && !matching->fill_left) ||
         (PeekIs(T::kFillRight) && !matching->fill_right)) {
    const bool left = Take().type == T::kFillLeft;
    if (!ParseFillValue(&value)) return false;
    (left ? matching->fill_left : matching->fill_right) = value;
  }
  return true;
}

bool ParserState::ParseFillValue(double* value) {
  if (!PeekIs(T::kLeftParen)) {
    UnexpectedInExpression();
    return false;
  }
  Take();
  if (!ParseAtValue(value)) {
    UnexpectedInExpression();
    return false;
  }
  if (!PeekIs(T::kRightParen)) {
    UnexpectedInExpression();
    return false;
  }
  Take();
  return true;
}

bool ParserState::ParseGroupingLabels(std::vector<std::string>* labels) {
  if (!PeekIs(T::kLeftParen)) {
    Unexpected("grouping opts", "\"(\"");
    return false;
  }
  Take();
  if (PeekIs(T::kRightParen)) {
    Take();
    return true;
  }
  while (true) {
    if (!ParseGroupingLabel(labels)) return false;
    if (!PeekIs(T::kComma) && !PeekIs(T::kRightParen)) {
      Unexpected("grouping opts", "\",\" or \")\"");
      return false;
    }
    if (Take().type == T::kRightParen) return true;
    if (PeekIs(T::kRightParen)) {
      Take();
      return true;
    }
  }
}

bool ParserState::ParseGroupingLabel(std::vector<std::string>* labels) {
  const T type = Peek().type;
  if (type != T::kString && !CanBeLabelName(type)) {
    Unexpected("grouping opts", "label");
    return false;
  }
  const Token token = Take();
  std::string name = type == T::kString ? Unquote(token.text) : std::string(token.text);
  if (name.empty() || !IsValidUtf8(name)) {
    AddError(token.span, "invalid label name for grouping: " + GoQuote(name));
  }
  labels->push_back(std::move(name));
  return true;
}

}  // namespace thermocline::promql
