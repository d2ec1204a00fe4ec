// The type checker: what Prometheus' parser.checkAST refuses, in its order.
#include <string>

#include "model/labels.h"
#include "promql/parser_state.h"

namespace thermocline::promql {
namespace {

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

class Checker {
 public:
  Checker(std::string_view query, std::vector<ParseError>* errors)
      : query_(query), errors_(errors) {}

  ValueType Check(Expr* expr);

 private:
  void Add(Span span, std::string message) { errors_->push_back({span, std::move(message)}); }
  void Expect(Expr* expr, ValueType wanted, std::string_view context);
  Span OperatorSpan(const BinaryExpr& binary) const;

  void CheckBinary(BinaryExpr* binary);
  void CheckOperator(BinaryExpr* binary, ValueType lhs, ValueType rhs);
  void CheckMatching(BinaryExpr* binary, ValueType lhs, ValueType rhs);
  void CheckSetMatching(const BinaryExpr& binary);
  void CheckAggregate(AggregateExpr* aggregate);
  void CheckCall(Call* call);
  void CheckArgumentCount(const Call& call);
  void CheckInfoSelector(Call* call);
  void CheckUnary(UnaryExpr* unary);
  void CheckSubquery(SubqueryExpr* subquery);
  void CheckSelector(const VectorSelector& selector);

  std::string_view query_;
  std::vector<ParseError>* errors_;
};

ValueType Checker::Check(Expr* expr) {
  switch (expr->kind) {
    case ExprKind::kBinary: CheckBinary(&As<BinaryExpr>(*expr)); break;
    case ExprKind::kAggregate: CheckAggregate(&As<AggregateExpr>(*expr)); break;
    case ExprKind::kCall: CheckCall(&As<Call>(*expr)); break;
    case ExprKind::kParen: Check(As<ParenExpr>(*expr).expr.get()); break;
    case ExprKind::kUnary: CheckUnary(&As<UnaryExpr>(*expr)); break;
    case ExprKind::kSubquery: CheckSubquery(&As<SubqueryExpr>(*expr)); break;
    case ExprKind::kMatrixSelector: CheckSelector(As<MatrixSelector>(*expr).vector()); break;
    case ExprKind::kVectorSelector: CheckSelector(As<VectorSelector>(*expr)); break;
    case ExprKind::kNumber:
    case ExprKind::kString:
    case ExprKind::kDuration: break;
  }
  return TypeOf(*expr);
}

void Checker::Expect(Expr* expr, ValueType wanted, std::string_view context) {
  const ValueType type = Check(expr);
  if (type == wanted) return;
  Add(expr->span, "expected type " + std::string(ValueTypePhrase(wanted)) + " in " +
                      std::string(context) + ", got " + std::string(ValueTypePhrase(type)));
}

// From the operator to the right operand, without the spaces around; modifiers are inside.
Span Checker::OperatorSpan(const BinaryExpr& binary) const {
  Span span = {binary.lhs->span.end, binary.rhs->span.start - 1};
  while (IsSpace(query_[span.start])) ++span.start;
  while (IsSpace(query_[span.end])) --span.end;
  return span;
}

void Checker::CheckBinary(BinaryExpr* binary) {
  const ValueType lhs = Check(binary->lhs.get());
  const ValueType rhs = Check(binary->rhs.get());
  CheckOperator(binary, lhs, rhs);
  CheckMatching(binary, lhs, rhs);
}

void Checker::CheckOperator(BinaryExpr* binary, ValueType lhs, ValueType rhs) {
  const bool comparison = IsComparison(binary->op);
  if (binary->return_bool && !comparison) {
    Add(OperatorSpan(*binary), "bool modifier can only be used on comparison operators");
  }
  const bool scalars = lhs == ValueType::kScalar && rhs == ValueType::kScalar;
  if (comparison && !binary->return_bool && scalars) {
    Add(OperatorSpan(*binary), "comparisons between scalars must use BOOL modifier");
  }
  VectorMatching& matching = binary->matching;
  if (IsSetOperator(binary->op) && matching.card == Cardinality::kOneToOne) {
    matching.card = Cardinality::kManyToMany;
  }
  for (const std::string& label : matching.labels) {
    for (const std::string& included : matching.include) {
      if (label == included && matching.on) {
        Add(OperatorSpan(*binary),
            "label " + GoQuote(label) + " must not occur in ON and GROUP clause at once");
      }
    }
  }
  for (const auto& [type, side] : {std::pair(lhs, binary->lhs.get()), {rhs, binary->rhs.get()}}) {
    if (type != ValueType::kScalar && type != ValueType::kVector) {
      Add(side->span, "binary expression must contain only scalar and instant vector types");
    }
  }
}

void Checker::CheckMatching(BinaryExpr* binary, ValueType lhs, ValueType rhs) {
  const bool set_operator = IsSetOperator(binary->op);
  if (lhs != ValueType::kVector || rhs != ValueType::kVector) {
    if (!binary->matching.labels.empty()) {
      Add(binary->span, "vector matching only allowed between instant vectors");
    }
    if (binary->matching.fill_left || binary->matching.fill_right) {
      Add(binary->span, "filling in missing series only allowed between instant vectors");
    }
    binary->matching = {};
  } else if (set_operator) {
    CheckSetMatching(*binary);
  }
  if (set_operator && (lhs == ValueType::kScalar || rhs == ValueType::kScalar)) {
    Add(binary->span, "set operator " + GoQuote(BinaryOpText(binary->op)) +
                          " not allowed in binary scalar expression");
  }
}

void Checker::CheckSetMatching(const BinaryExpr& binary) {
  if (binary.matching.card != Cardinality::kManyToMany) {
    Add(binary.span, "no grouping allowed for " + GoQuote(BinaryOpText(binary.op)) + " operation");
    Add(binary.span, "set operations must always be many-to-many");
  }
  if (binary.matching.fill_left || binary.matching.fill_right) {
    Add(binary.span, "filling in missing series not allowed for set operators");
  }
}

void Checker::CheckAggregate(AggregateExpr* aggregate) {
  Expect(aggregate->expr.get(), ValueType::kVector, "aggregation expression");
  if (!HasParameter(aggregate->op)) return;
  const bool text = aggregate->op == AggregateOp::kCountValues;
  Expect(aggregate->param.get(), text ? ValueType::kString : ValueType::kScalar,
         "aggregation parameter");
}

void Checker::CheckCall(Call* call) {
  CheckArgumentCount(*call);
  if (call->function->function == Function::kInfo && call->args.size() > 1) {
    CheckInfoSelector(call);
  }
  const Signature& function = *call->function;
  const std::string context = "call to function " + GoQuote(function.name);
  for (size_t i = 0; i < call->args.size(); ++i) {
    size_t declared = i;
    if (i >= function.arg_count) {
      if (function.variadic == 0) return;
      declared = function.arg_count - 1;
    }
    Expect(call->args[i].get(), function.args[declared], context);
  }
}

void Checker::CheckArgumentCount(const Call& call) {
  const Signature& function = *call.function;
  const int given = static_cast<int>(call.args.size());
  const int declared = function.arg_count;
  const auto complain = [&](std::string_view bound, int count) {
    Add(call.span, "expected " + std::string(bound) + std::to_string(count) +
                       " argument(s) in call to " + GoQuote(function.name) + ", got " +
                       std::to_string(given));
  };
  if (function.variadic == 0) {
    if (given != declared) complain("", declared);
  } else if (given < declared - 1) {
    complain("at least ", declared - 1);
  } else if (function.variadic > 0 && given > declared - 1 + function.variadic) {
    complain("at most ", declared - 1 + function.variadic);
  }
}

// The second argument of info() must be bare label matchers, of which none need be non-empty.
void Checker::CheckInfoSelector(Call* call) {
  Expr* arg = call->args[1].get();
  if (const ValueType type = TypeOf(*arg); type != ValueType::kVector) {
    Add(call->span, "expected type instant vector in call to function \"info\", got " +
                        std::string(ValueTypePhrase(type)));
  }
  if (arg->kind != ExprKind::kVectorSelector) {
    Add(arg->span, "expected label selectors only");
  } else if (!As<VectorSelector>(*arg).name.empty()) {
    Add(arg->span, "expected label selectors only, got vector selector instead");
  } else {
    As<VectorSelector>(*arg).allow_empty_matchers = true;
  }
}

void Checker::CheckUnary(UnaryExpr* unary) {
  const ValueType type = Check(unary->expr.get());
  if (type == ValueType::kScalar || type == ValueType::kVector) return;
  Add(unary->span,
      "unary expression only allowed on expressions of type scalar or instant vector, got " +
          GoQuote(ValueTypePhrase(type)));
}

void Checker::CheckSubquery(SubqueryExpr* subquery) {
  const ValueType type = Check(subquery->expr.get());
  if (type == ValueType::kVector) return;
  Add(subquery->span, "subquery is only allowed on instant vector, got " +
                          std::string(ValueTypeName(type)) + " instead");
}

void Checker::CheckSelector(const VectorSelector& selector) {
  if (!selector.name.empty()) {
    // The last matcher is the one made from the name before the braces.
    for (size_t i = 0; i + 1 < selector.matchers.size(); ++i) {
      const Matcher& matcher = selector.matchers[i];
      if (matcher.name() != kMetricNameLabel) continue;
      Add(selector.span, "metric name must not be set twice: " + GoQuote(selector.name) + " or " +
                             GoQuote(matcher.value()));
    }
    return;
  }
  if (selector.allow_empty_matchers) return;
  for (const Matcher& matcher : selector.matchers) {
    if (!matcher.MatchesEmpty()) return;
  }
  Add(selector.span, "vector selector must contain at least one non-empty matcher");
}

}  // namespace

void CheckTypes(std::string_view query, Expr* expr, std::vector<ParseError>* errors) {
  Checker(query, errors).Check(expr);
}

}  // namespace thermocline::promql
