// The parser's insides: operator precedence with an explicit stack, so that nesting costs heap, not
// stack. parser.cc joins operands and operators; the other files parse single constructs.
//
// Errors come out as Prometheus' generated LALR parser reports them. It looks one token ahead only
// where it must, so tokens are read lazily here too: an error in a finished construct is listed
// before a lexer error right behind it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "promql/ast.h"
#include "promql/lexer.h"
#include "promql/parser.h"

namespace thermocline::promql {

// An expression and the height of its tree.
struct Operand {
  ExprPtr expr;
  int height = 0;

  explicit operator bool() const { return expr != nullptr; }
};

// What waits for an operand or a closing parenthesis.
struct OpenConstruct {
  enum Kind : uint8_t { kParen, kSign, kBinary, kCall, kAggregate };
  Kind kind = kParen;
  Token token;                // the parenthesis, sign, operator or name
  Operand lhs;                // kBinary
  ExprPtr node;               // kBinary, kCall, kAggregate: the node to be completed
  std::vector<Operand> args;  // kCall, kAggregate
  bool has_clause = false;    // kAggregate: by or without stood before the arguments
};

class ParserState {
 public:
  ParserState(std::string_view query, const ParseOptions& options, std::vector<ParseError>* errors)
      : query_(query), options_(options), errors_(errors), lexer_(query) {}

  // The whole text as one expression; null when a syntax error ended it. Check errors in any case.
  ExprPtr ParseExpression();
  // The whole text as one vector selector.
  ExprPtr ParseSelectorOnly();

 private:
  // Tokens.
  const Token& Peek();
  Token Take();
  bool PeekIs(TokenType type) { return Peek().type == type; }

  // Errors. Each syntax error ends the parse: callers return at once.
  void AddError(Span span, std::string message);
  void Unexpected(std::string_view context, std::string_view expected);
  // A syntax error that no construct in progress claims, except an open aggregation.
  void UnexpectedInExpression();
  bool Grow(int height, Span span);

  // parser.cc
  bool ParseOperand(Operand* operand, bool* opened);
  bool ParseWord(Token word, Operand* operand, bool* opened);
  bool OpenAggregate(const Token& op);
  bool ContinueAfterOperand(Operand* operand, bool* need_operand, bool* finished);
  bool PushBinary(Operand lhs);
  bool ReduceAbove(int precedence, Operand* operand);
  bool ReduceTop(Operand* operand);
  bool TakeComma(Operand* operand, bool* need_operand);
  bool CloseParenthesis(Operand* operand);
  bool CloseCall(OpenConstruct call, Operand* operand);
  bool CloseAggregate(OpenConstruct aggregate, Operand* operand);
  void CheckAggregateArguments(OpenConstruct* open, AggregateExpr* node);
  Operand NumberOperand(const Token& token);
  Operand StringOperand(const Token& token);

  // parser_modifiers.cc: what follows an operand or an operator.
  bool ParsePostfix(Operand* operand);
  bool ParseBrackets(Operand* operand);
  bool MakeMatrix(Operand* operand, const Token& open, Operand range);
  bool MakeSubquery(Operand* operand, Operand range, Operand step);
  bool ParseOffset(Operand* operand);
  bool ParseAt(Operand* operand);
  // A number or duration with an optional sign.
  bool ParseAtValue(double* seconds);
  void SetOffset(Expr* expr, Operand offset);
  void SetAt(Expr* expr, AtKind kind, double seconds);
  void SetExtension(Expr* expr, Extension extension, std::string_view word);
  bool ParseBinaryModifiers(BinaryExpr* node);
  bool ParseFill(VectorMatching* matching);
  bool ParseFillValue(double* value);
  bool ParseGroupingLabels(std::vector<std::string>* labels);
  bool ParseGroupingLabel(std::vector<std::string>* labels);

  // parser_selector.cc
  bool ParseSelector(const Token* name, Operand* operand);
  bool ParseMatchers(VectorSelector* selector);
  bool ParseMatcher(VectorSelector* selector);
  void AddMatcher(const Token& label, std::string name, TokenType op, const Token& value,
                  VectorSelector* selector);

  // parser_duration.cc. Recursive, but a level costs little.
  bool ParseDuration(int min_precedence, int depth, Operand* duration);
  bool ParseDurationOperand(int depth, Operand* duration);
  bool ParseDurationCall(int depth, Operand* duration);
  bool ParsePositiveDuration(Operand* duration);
  bool ParseOffsetDuration(Operand* duration);
  bool JoinDurations(const Token& op, Operand rhs, Operand* duration);
  void NegateDuration(const Token& sign, bool wrapped, Operand* duration);
  void RequireDurationExpressions(const Expr& expr);
  // Zero in place of `duration` and an error when it does not fit 64-bit nanoseconds.
  bool BoundDuration(Span span, Operand* duration);

  double NumberValue(const Token& token);
  double DurationSeconds(const Token& token);

  std::string_view query_;
  const ParseOptions& options_;
  std::vector<ParseError>* errors_;
  Lexer lexer_;
  Token peeked_;
  bool has_peeked_ = false;
  int32_t last_closing_ = 0;  // end of the last } ) ] number or duration taken
  int nodes_ = 0;
  std::vector<OpenConstruct> open_;
};

// Type checks of a tree without syntax errors; fills in what depends on types (set operators are
// many-to-many, info's second argument). In checker.cc.
void CheckTypes(std::string_view query, Expr* expr, std::vector<ParseError>* errors);

}  // namespace thermocline::promql
