#include "promql/naive/evaluator.h"

#include <algorithm>

namespace thermocline::promql::naive {
namespace {

// Calls that look at the step themselves.
bool DependsOnStep(const Call& call) {
  switch (call.function->function) {
    case Function::kTime:
    case Function::kDayOfMonth:
    case Function::kDayOfWeek:
    case Function::kDayOfYear:
    case Function::kDaysInMonth:
    case Function::kHour:
    case Function::kMinute:
    case Function::kMonth:
    case Function::kYear:
    case Function::kPredictLinear:
    case Function::kInfo: return true;
    case Function::kTimestamp: return StripParens(*call.args[0]).kind != ExprKind::kVectorSelector;
    default: return false;
  }
}

bool IsPinned(const TimeModifiers& time) { return time.at != AtKind::kNone; }

}  // namespace

int32_t PositionOf(const Expr& expr) {
  const Expr& inner = StripParens(expr);
  // Upstream evaluates a subquery into a selector that stands nowhere.
  return inner.kind == ExprKind::kSubquery ? 0 : inner.span.start;
}

bool IsInvariant(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kNumber:
    case ExprKind::kString: return true;
    case ExprKind::kVectorSelector: return IsPinned(As<VectorSelector>(expr).time);
    case ExprKind::kMatrixSelector: return IsPinned(As<MatrixSelector>(expr).vector().time);
    case ExprKind::kSubquery: return IsPinned(As<SubqueryExpr>(expr).time);
    case ExprKind::kCall:
      if (DependsOnStep(As<Call>(expr))) return false;
      break;
    default: break;
  }
  bool invariant = true;
  ForEachChild(expr, [&](const Expr& child) { invariant = invariant && IsInvariant(child); });
  return invariant;
}

Value Evaluator::Constant(double value, const Grid& grid) const {
  Series series;
  for (const TimestampMs t_ms : grid.Times()) series.points.push_back({t_ms, value, nullptr, 0});
  Value constant;
  constant.matrix.push_back(std::move(series));
  return constant;
}

Result<Value> Evaluator::Eval(const Expr& expr, const Grid& grid) {
  const Expr& inner = StripParens(expr);
  if (grid.end_ms < grid.start_ms) return Value();
  const bool range = inner.kind == ExprKind::kMatrixSelector || inner.kind == ExprKind::kSubquery;
  if (!grid.single() && !range && IsInvariant(inner)) return EvalOnce(inner, grid);
  path_.push_back(&inner);
  Result<Value> value = EvalHere(inner, grid);
  path_.pop_back();
  return value;
}

// At the first step; the answer is repeated at all others.
Result<Value> Evaluator::EvalOnce(const Expr& expr, const Grid& grid) {
  ASSIGN_OR_RETURN(Value value, Eval(expr, {grid.start_ms, grid.start_ms, grid.step_ms}));
  for (Series& series : value.matrix) {
    const std::vector<Point> once = series.points;
    series.points.clear();
    for (const TimestampMs t_ms : grid.Times()) {
      for (Point point : once) {
        point.t_ms = t_ms;
        series.points.push_back(std::move(point));
      }
    }
  }
  return value;
}

Result<Value> Evaluator::EvalHere(const Expr& expr, const Grid& grid) {
  switch (expr.kind) {
    case ExprKind::kNumber: return Constant(As<NumberLiteral>(expr).value, grid);
    case ExprKind::kString: {
      Value value;
      value.text = As<StringLiteral>(expr).value;
      return value;
    }
    case ExprKind::kVectorSelector: return EvalSelector(As<VectorSelector>(expr), grid);
    case ExprKind::kMatrixSelector: return EvalMatrix(As<MatrixSelector>(expr), grid);
    case ExprKind::kSubquery: {
      Value value;
      ASSIGN_OR_RETURN(value.matrix, RunSubquery(As<SubqueryExpr>(expr), grid));
      return value;
    }
    case ExprKind::kUnary: return EvalUnary(As<UnaryExpr>(expr), grid);
    case ExprKind::kBinary: return EvalBinary(As<BinaryExpr>(expr), grid);
    case ExprKind::kAggregate: return EvalAggregate(As<AggregateExpr>(expr), grid);
    case ExprKind::kCall: return EvalCall(As<Call>(expr), grid);
    default: return Status::Internal("a duration is no expression");
  }
}

Result<Value> Evaluator::EvalUnary(const UnaryExpr& unary, const Grid& grid) {
  ASSIGN_OR_RETURN(Value value, Eval(*unary.expr, grid));
  if (!unary.negative) return value;
  for (Series& series : value.matrix) {
    if (!options_.delayed_name_removal) series.labels = WithoutName(series.labels);
    series.drop_name = true;
    for (Point& point : series.points) {
      point.value = -point.value;
      if (point.histogram == nullptr) continue;
      auto negated = CopyOf(point.histogram);
      Multiply(negated.get(), -1);
      point.histogram = std::move(negated);
    }
  }
  if (!options_.delayed_name_removal) {
    ASSIGN_OR_RETURN(value.matrix, JoinSameLabels(value.matrix));
  }
  return value;
}

}  // namespace thermocline::promql::naive
