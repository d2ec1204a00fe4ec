#include "promql/parser.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/duration.h"
#include "promql/parser_state.h"
#include "promql/text.h"

namespace thermocline::promql {
namespace {

using T = TokenType;

constexpr int kSignPrecedence = 5;
constexpr int kPowerPrecedence = 6;

int Precedence(TokenType op) {
  switch (op) {
    case T::kOr: return 1;
    case T::kAnd:
    case T::kUnless: return 2;
    case T::kAdd:
    case T::kSub: return 4;
    case T::kMul:
    case T::kDiv:
    case T::kMod:
    case T::kAtan2: return 5;
    case T::kPow: return kPowerPrecedence;
    default: return 3;  // comparisons and trims
  }
}

BinaryOp BinaryOpOf(TokenType type) {
  return static_cast<BinaryOp>(static_cast<int>(type) - static_cast<int>(T::kAdd));
}
AggregateOp AggregateOpOf(TokenType type) {
  return static_cast<AggregateOp>(static_cast<int>(type) - static_cast<int>(T::kSum));
}

bool Closes(TokenType t) {
  return t == T::kRightBrace || t == T::kRightParen || t == T::kRightBracket || t == T::kDuration ||
         t == T::kNumber;
}

int TallestOf(const std::vector<Operand>& operands) {
  int height = 0;
  for (const Operand& operand : operands) height = std::max(height, operand.height);
  return height;
}

}  // namespace

const Token& ParserState::Peek() {
  if (!has_peeked_) {
    peeked_ = lexer_.Next();
    has_peeked_ = true;
    if (peeked_.type == T::kError) AddError(peeked_.span, lexer_.error());
  }
  return peeked_;
}

Token ParserState::Take() {
  const Token token = Peek();
  has_peeked_ = false;
  if (Closes(token.type)) last_closing_ = token.span.end;
  return token;
}

void ParserState::AddError(Span span, std::string message) {
  errors_->push_back({span, std::move(message)});
}

void ParserState::Unexpected(std::string_view context, std::string_view expected) {
  const Token& token = Peek();
  if (token.type == T::kError) return;  // already listed
  std::string message = "unexpected " + Describe(token);
  if (!context.empty()) message.append(" in ").append(context);
  if (!expected.empty()) message.append(", expected ").append(expected);
  AddError(token.span, std::move(message));
}

void ParserState::UnexpectedInExpression() {
  const auto aggregate = std::find_if(open_.rbegin(), open_.rend(), [](const OpenConstruct& open) {
    return open.kind == OpenConstruct::kAggregate;
  });
  if (aggregate == open_.rend()) return Unexpected("", "");
  Unexpected("aggregation", "");
  const int32_t end = Closes(Peek().type) ? Peek().span.end : last_closing_;
  AddError({aggregate->token.span.start, end}, "no arguments for aggregate expression provided");
}

bool ParserState::Grow(int height, Span span) {
  if (height > kMaxTreeDepth || open_.size() > kMaxTreeDepth) {
    AddError(span, "expression is nested deeper than " + std::to_string(kMaxTreeDepth) + " levels");
    return false;
  }
  if (++nodes_ > kMaxTreeNodes) {
    AddError(span, "expression has more than " + std::to_string(kMaxTreeNodes) + " parts");
    return false;
  }
  return true;
}

ExprPtr ParserState::ParseExpression() {
  if (PeekIs(T::kEof)) {
    AddError({0, 0}, "no expression found in input");
    return nullptr;
  }
  Operand operand;
  bool need_operand = true;
  bool finished = false;
  while (!finished) {
    const bool ok = need_operand ? ParseOperand(&operand, &need_operand)
                                 : ContinueAfterOperand(&operand, &need_operand, &finished);
    if (!ok) return nullptr;
  }
  return std::move(operand.expr);
}

ExprPtr ParserState::ParseSelectorOnly() {
  Operand operand;
  if (CanBeMetricName(Peek().type)) {
    const Token name = Take();
    if (!ParseSelector(&name, &operand)) return nullptr;
  } else if (!PeekIs(T::kLeftBrace)) {
    Unexpected("", "");
    return nullptr;
  } else if (!ParseSelector(nullptr, &operand)) {
    return nullptr;
  }
  if (!PeekIs(T::kEof)) Unexpected("", "");
  return std::move(operand.expr);
}

// Reads one operand, or opens a construct (`*opened`) that needs one.
bool ParserState::ParseOperand(Operand* operand, bool* opened) {
  *opened = false;
  const Token& next = Peek();
  if (next.type == T::kLeftParen || IsSign(next.type)) {
    OpenConstruct open;
    open.kind = next.type == T::kLeftParen ? OpenConstruct::kParen : OpenConstruct::kSign;
    open.token = Take();
    open_.push_back(std::move(open));
    *opened = true;
    return Grow(0, open_.back().token.span);
  }
  switch (next.type) {
    case T::kNumber:
    case T::kDuration: *operand = NumberOperand(Take()); return Grow(1, operand->expr->span);
    case T::kString: *operand = StringOperand(Take()); return Grow(1, operand->expr->span);
    case T::kLeftBrace: return ParseSelector(nullptr, operand);
    default:
      if (CanBeMetricName(next.type)) return ParseWord(Take(), operand, opened);
      UnexpectedInExpression();
      return false;
  }
}

bool ParserState::ParseWord(Token word, Operand* operand, bool* opened) {
  const T next = Peek().type;
  const bool aggregate =
      IsAggregator(word.type) && (next == T::kLeftParen || next == T::kBy || next == T::kWithout);
  const bool call =
      next == T::kLeftParen && (word.type == T::kIdentifier || IsContextWord(word.type));
  if (!aggregate && !call) return ParseSelector(&word, operand);
  if (aggregate) {
    if (!OpenAggregate(word)) return false;
  } else {
    OpenConstruct open;
    open.kind = OpenConstruct::kCall;
    open.token = word;
    open.node = std::make_unique<Call>();
    open_.push_back(std::move(open));
  }
  if (!PeekIs(T::kLeftParen)) {
    UnexpectedInExpression();
    return false;
  }
  Take();
  if (PeekIs(T::kRightParen)) return CloseParenthesis(operand);
  *opened = true;
  return Grow(0, word.span);
}

bool ParserState::OpenAggregate(const Token& op) {
  auto node = std::make_unique<AggregateExpr>();
  AggregateExpr* aggregate = node.get();
  aggregate->op = AggregateOpOf(op.type);
  OpenConstruct open;
  open.kind = OpenConstruct::kAggregate;
  open.token = op;
  open.node = std::move(node);
  open.has_clause = !PeekIs(T::kLeftParen);
  const bool has_clause = open.has_clause;
  open_.push_back(std::move(open));
  if (!has_clause) return true;
  aggregate->without = Take().type == T::kWithout;
  return ParseGroupingLabels(&aggregate->grouping);
}

bool ParserState::ContinueAfterOperand(Operand* operand, bool* need_operand, bool* finished) {
  if (!ParsePostfix(operand)) return false;
  const T next = Peek().type;
  if (IsBinaryOperator(next)) {
    *need_operand = true;
    return ReduceAbove(Precedence(next), operand) && PushBinary(std::move(*operand));
  }
  if (!ReduceAbove(0, operand)) return false;
  if (open_.empty()) {
    *finished = next == T::kEof;
    if (!*finished) UnexpectedInExpression();
    return *finished;
  }
  if (next == T::kRightParen) return CloseParenthesis(operand);
  if (next == T::kComma && open_.back().kind != OpenConstruct::kParen) {
    return TakeComma(operand, need_operand);
  }
  UnexpectedInExpression();
  return false;
}

bool ParserState::PushBinary(Operand lhs) {
  OpenConstruct open;
  open.kind = OpenConstruct::kBinary;
  open.token = Take();
  open.lhs = std::move(lhs);
  auto node = std::make_unique<BinaryExpr>();
  node->op = BinaryOpOf(open.token.type);
  BinaryExpr* binary = node.get();
  open.node = std::move(node);
  open_.push_back(std::move(open));
  return ParseBinaryModifiers(binary);
}

// Completes the signs and binary operators on top of the stack that bind tighter than an operator
// of `precedence` to their right.
bool ParserState::ReduceAbove(int precedence, Operand* operand) {
  while (!open_.empty()) {
    const OpenConstruct& top = open_.back();
    if (top.kind != OpenConstruct::kSign && top.kind != OpenConstruct::kBinary) break;
    const int own = top.kind == OpenConstruct::kSign ? kSignPrecedence : Precedence(top.token.type);
    const bool binds = own > precedence || (own == precedence && own != kPowerPrecedence);
    if (!binds) break;
    if (!ReduceTop(operand)) return false;
  }
  return true;
}

bool ParserState::ReduceTop(Operand* operand) {
  OpenConstruct top = std::move(open_.back());
  open_.pop_back();
  if (top.kind == OpenConstruct::kSign) {
    const bool negative = top.token.type == T::kSub;
    if (operand->expr->kind == ExprKind::kNumber) {
      auto& number = As<NumberLiteral>(*operand->expr);
      if (negative) number.value = -number.value;
      number.span.start = top.token.span.start;
      return true;
    }
    auto unary = std::make_unique<UnaryExpr>();
    unary->negative = negative;
    unary->span = {top.token.span.start, operand->expr->span.end};
    unary->expr = std::move(operand->expr);
    *operand = {std::move(unary), operand->height + 1};
    return Grow(operand->height, top.token.span);
  }
  auto& binary = As<BinaryExpr>(*top.node);
  binary.span = {top.lhs.expr->span.start, operand->expr->span.end};
  if (!options_.fill_modifiers && (binary.matching.fill_left || binary.matching.fill_right)) {
    AddError(binary.span, "binop fill modifiers are experimental and not enabled");
  }
  binary.lhs = std::move(top.lhs.expr);
  binary.rhs = std::move(operand->expr);
  const int height = std::max(top.lhs.height, operand->height) + 1;
  *operand = {std::move(top.node), height};
  return Grow(height, top.token.span);
}

bool ParserState::TakeComma(Operand* operand, bool* need_operand) {
  open_.back().args.push_back(std::move(*operand));
  *operand = {};
  const Token comma = Take();
  *need_operand = CanStartOperand(Peek().type);
  if (*need_operand) return true;
  AddError(comma.span, "trailing commas not allowed in function call args");
  if (PeekIs(T::kRightParen)) return CloseParenthesis(operand);
  UnexpectedInExpression();
  return false;
}

bool ParserState::CloseParenthesis(Operand* operand) {
  OpenConstruct open = std::move(open_.back());
  open_.pop_back();
  const Token close = Take();
  if (open.kind == OpenConstruct::kParen) {
    auto paren = std::make_unique<ParenExpr>();
    paren->span = {open.token.span.start, close.span.end};
    paren->expr = std::move(operand->expr);
    *operand = {std::move(paren), operand->height + 1};
    return Grow(operand->height, open.token.span);
  }
  if (*operand) open.args.push_back(std::move(*operand));
  return open.kind == OpenConstruct::kCall ? CloseCall(std::move(open), operand)
                                           : CloseAggregate(std::move(open), operand);
}

bool ParserState::CloseCall(OpenConstruct open, Operand* operand) {
  const Span name = open.token.span;
  auto& call = As<Call>(*open.node);
  call.span = {name.start, last_closing_};
  call.function = FindSignature(open.token.text);
  if (call.function == nullptr) {
    AddError(name, "unknown function with name " + GoQuote(open.token.text));
  } else if (call.function->experimental && !options_.experimental_functions) {
    AddError(name, "function " + GoQuote(open.token.text) + " is not enabled");
  }
  const int height = TallestOf(open.args) + 1;
  for (Operand& arg : open.args) call.args.push_back(std::move(arg.expr));
  *operand = {std::move(open.node), height};
  return Grow(height, name);
}

bool ParserState::CloseAggregate(OpenConstruct open, Operand* operand) {
  auto& aggregate = As<AggregateExpr>(*open.node);
  const bool clause_follows = !open.has_clause && (PeekIs(T::kBy) || PeekIs(T::kWithout));
  if (clause_follows) {
    aggregate.without = Take().type == T::kWithout;
    if (!ParseGroupingLabels(&aggregate.grouping)) return false;
  }
  aggregate.span = {open.token.span.start, last_closing_};
  const int height = TallestOf(open.args) + 1;
  CheckAggregateArguments(&open, &aggregate);
  *operand = {std::move(open.node), height};
  return Grow(height, open.token.span);
}

void ParserState::CheckAggregateArguments(OpenConstruct* open, AggregateExpr* node) {
  if (open->args.empty()) {
    return AddError(node->span, "no arguments for aggregate expression provided");
  }
  const bool experimental =
      node->op == AggregateOp::kLimitk || node->op == AggregateOp::kLimitRatio;
  if (experimental && !options_.experimental_functions) {
    return AddError(node->span, std::string(AggregateOpText(node->op)) +
                                    "() is experimental and must be enabled with "
                                    "--enable-feature=promql-experimental-functions");
  }
  const size_t wanted = HasParameter(node->op) ? 2 : 1;
  if (open->args.size() != wanted) {
    return AddError(node->span,
                    "wrong number of arguments for aggregate expression provided, expected " +
                        std::to_string(wanted) + ", got " + std::to_string(open->args.size()));
  }
  if (wanted == 2) node->param = std::move(open->args[0].expr);
  node->expr = std::move(open->args.back().expr);
}

Operand ParserState::NumberOperand(const Token& token) {
  auto number = std::make_unique<NumberLiteral>();
  number->span = token.span;
  number->is_duration = token.type == T::kDuration;
  number->value = number->is_duration ? DurationSeconds(token) : NumberValue(token);
  return {std::move(number), 1};
}

Operand ParserState::StringOperand(const Token& token) {
  auto literal = std::make_unique<StringLiteral>();
  literal->span = token.span;
  literal->value = Unquote(token.text);
  return {std::move(literal), 1};
}

double ParserState::NumberValue(const Token& token) {
  double value = 0;
  bool out_of_range = false;
  if (!ParseGoNumber(token.text, &value, &out_of_range)) {
    AddError(token.span, "error parsing number: strconv.ParseFloat: parsing " +
                             GoQuote(token.text) +
                             (out_of_range ? ": value out of range" : ": invalid syntax"));
  }
  return value;
}

double ParserState::DurationSeconds(const Token& token) {
  const Result<int64_t> parsed = ParseDurationMs(token.text);
  if (parsed.ok()) return static_cast<double>(*parsed) / kSecondMs;
  AddError(token.span, std::string(parsed.status().message()));
  return 0;
}

ExprPtr Parse(std::string_view query, const ParseOptions& options,
              std::vector<ParseError>* errors) {
  ParserState state(query, options, errors);
  ExprPtr expr = state.ParseExpression();
  if (errors->empty()) CheckTypes(query, expr.get(), errors);
  return errors->empty() ? std::move(expr) : nullptr;
}

Result<ExprPtr> Parse(std::string_view query, const ParseOptions& options) {
  std::vector<ParseError> errors;
  ExprPtr expr = Parse(query, options, &errors);
  if (errors.empty()) return expr;
  return Status::InvalidArgument(PositionText(query, errors.front().span.start) +
                                 ": parse error: " + errors.front().message);
}

Result<std::vector<Matcher>> ParseMetricSelector(std::string_view text) {
  std::vector<ParseError> errors;
  const ParseOptions options;
  ParserState state(text, options, &errors);
  const ExprPtr expr = state.ParseSelectorOnly();
  if (errors.empty()) return As<VectorSelector>(*expr).matchers;
  return Status::InvalidArgument(PositionText(text, errors.front().span.start) +
                                 ": parse error: " + errors.front().message);
}

std::string PositionText(std::string_view query, int32_t offset) {
  if (query.empty()) return "unknown position";
  if (offset < 0 || static_cast<size_t>(offset) > query.size()) return "invalid position";
  const std::string_view before = query.substr(0, offset);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  return std::to_string(line) + ":" + std::to_string(offset - line_start + 1);
}

}  // namespace thermocline::promql
