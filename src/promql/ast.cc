#include "promql/ast.h"

#include <array>

namespace thermocline::promql {
namespace {

constexpr std::array<std::string_view, 18> kBinaryOps = {"+",   "-",     "*",     "/",  "%",
                                                         "^",   "atan2", "==",    "!=", ">",
                                                         "<",   ">=",    "<=",    "</", ">/",
                                                         "and", "or",    "unless"};
constexpr std::array<std::string_view, 14> kAggregateOps = {
    "sum",    "avg",  "count",   "min",          "max",      "group",  "stddev",
    "stdvar", "topk", "bottomk", "count_values", "quantile", "limitk", "limit_ratio"};

}  // namespace

std::string_view BinaryOpText(BinaryOp op) { return kBinaryOps[static_cast<size_t>(op)]; }

bool IsComparison(BinaryOp op) { return BinaryOp::kEqual <= op && op <= BinaryOp::kLessOrEqual; }

bool IsSetOperator(BinaryOp op) { return BinaryOp::kAnd <= op; }

std::string_view AggregateOpText(AggregateOp op) { return kAggregateOps[static_cast<size_t>(op)]; }

bool HasParameter(AggregateOp op) { return AggregateOp::kTopk <= op; }

const Expr& StripParens(const Expr& expr) {
  const Expr* inner = &expr;
  while (inner->kind == ExprKind::kParen) inner = As<ParenExpr>(*inner).expr.get();
  return *inner;
}

void ForEachChild(const Expr& expr, const std::function<void(const Expr&)>& visit) {
  switch (expr.kind) {
    case ExprKind::kMatrixSelector: return visit(*As<MatrixSelector>(expr).selector);
    case ExprKind::kSubquery: return visit(*As<SubqueryExpr>(expr).expr);
    case ExprKind::kUnary: return visit(*As<UnaryExpr>(expr).expr);
    case ExprKind::kParen: return visit(*As<ParenExpr>(expr).expr);
    case ExprKind::kBinary:
      visit(*As<BinaryExpr>(expr).lhs);
      return visit(*As<BinaryExpr>(expr).rhs);
    case ExprKind::kAggregate: {
      const auto& aggregate = As<AggregateExpr>(expr);
      if (aggregate.param != nullptr) visit(*aggregate.param);
      return visit(*aggregate.expr);
    }
    case ExprKind::kCall:
      for (const ExprPtr& arg : As<Call>(expr).args) visit(*arg);
      return;
    default: return;
  }
}

ValueType TypeOf(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kNumber:
    case ExprKind::kDuration: return ValueType::kScalar;
    case ExprKind::kString: return ValueType::kString;
    case ExprKind::kVectorSelector:
    case ExprKind::kAggregate: return ValueType::kVector;
    case ExprKind::kMatrixSelector:
    case ExprKind::kSubquery: return ValueType::kMatrix;
    case ExprKind::kCall: return As<Call>(expr).function->returns;
    case ExprKind::kUnary: return TypeOf(*As<UnaryExpr>(expr).expr);
    case ExprKind::kParen: return TypeOf(StripParens(expr));
    case ExprKind::kBinary: {
      const auto& binary = As<BinaryExpr>(expr);
      const bool scalar =
          TypeOf(*binary.lhs) == ValueType::kScalar && TypeOf(*binary.rhs) == ValueType::kScalar;
      return scalar ? ValueType::kScalar : ValueType::kVector;
    }
  }
  return ValueType::kNone;
}

}  // namespace thermocline::promql
