// Durations, offsets and @ of the naive evaluator (promql-semantics 1.3, 1.5).
#include <fmt/core.h>

#include <cmath>
#include <string_view>

#include "promql/naive/evaluator.h"

namespace thermocline::promql::naive {
namespace {

Status BadDuration(const Expr& expr, std::string_view text) {
  return Status::InvalidArgument(fmt::format("{}:{}: {}", expr.span.start, expr.span.end, text));
}

}  // namespace

Result<double> Evaluator::DurationSeconds(const Expr& expr) {
  if (expr.kind == ExprKind::kNumber) return As<NumberLiteral>(expr).value;
  const auto& node = As<DurationExpr>(expr);
  if (node.op == DurationOp::kStep) return is_instant_ ? 0 : Seconds(query_.step_ms);
  if (node.op == DurationOp::kRange) return Seconds(query_.end_ms - query_.start_ms);
  double lhs = 0;
  if (node.lhs != nullptr) {
    ASSIGN_OR_RETURN(lhs, DurationSeconds(*node.lhs));
  }
  ASSIGN_OR_RETURN(const double rhs, DurationSeconds(*node.rhs));
  switch (node.op) {
    case DurationOp::kAdd: return lhs + rhs;
    case DurationOp::kSub: return lhs - rhs;
    case DurationOp::kMul: return lhs * rhs;
    case DurationOp::kDiv:
      if (rhs == 0) return BadDuration(node, "division by zero");
      return lhs / rhs;
    case DurationOp::kMod:
      if (rhs == 0) return BadDuration(node, "modulo by zero");
      return std::fmod(lhs, rhs);
    case DurationOp::kPow: return std::pow(lhs, rhs);
    case DurationOp::kMinOf: return GoMin(lhs, rhs);
    default: return GoMax(lhs, rhs);
  }
}

Result<int64_t> Evaluator::DurationMs(int64_t literal_ms, const Expr* expr, bool positive) {
  if (expr == nullptr) return literal_ms;
  ASSIGN_OR_RETURN(const double seconds, DurationSeconds(*expr));
  if (!std::isfinite(seconds)) return BadDuration(*expr, "duration is NaN or infinite");
  if (positive && seconds <= 0) return BadDuration(*expr, "duration must be greater than 0");
  // As many nanoseconds as an int64 holds.
  if (std::fabs(seconds) > 9223372036.854775807) {
    return BadDuration(*expr, "duration is out of range");
  }
  return static_cast<int64_t>(seconds * 1000);
}

Status Evaluator::CheckDurations(const Expr& expr) {
  Status status;
  const auto check = [&](const Expr* duration, bool positive) {
    if (duration == nullptr || !status.ok()) return;
    status = DurationMs(0, duration, positive).status();
  };
  if (expr.kind == ExprKind::kVectorSelector) {
    check(As<VectorSelector>(expr).time.offset_expr.get(), false);
  } else if (expr.kind == ExprKind::kMatrixSelector) {
    check(As<MatrixSelector>(expr).range_expr.get(), true);
  } else if (expr.kind == ExprKind::kSubquery) {
    const auto& subquery = As<SubqueryExpr>(expr);
    check(subquery.time.offset_expr.get(), false);
    check(subquery.step_expr.get(), true);
    check(subquery.range_expr.get(), true);
  }
  ForEachChild(expr, [&](const Expr& child) {
    if (status.ok()) status = CheckDurations(child);
  });
  return status;
}

Result<TimestampMs> Evaluator::Shifted(const TimeModifiers& time, TimestampMs t_ms) {
  ASSIGN_OR_RETURN(const int64_t offset_ms,
                   DurationMs(time.offset_ms, time.offset_expr.get(), false));
  switch (time.at) {
    case AtKind::kNone: return t_ms - offset_ms;
    case AtKind::kTimestamp: return time.at_ms - offset_ms;
    case AtKind::kStart: return query_.start_ms - offset_ms;
    case AtKind::kEnd: return query_.end_ms - offset_ms;
  }
  return t_ms;
}

double Evaluator::ContextNumber(Function function, TimestampMs t_ms) const {
  switch (function) {
    case Function::kTime: return Seconds(t_ms);
    case Function::kStart: return Seconds(query_.start_ms);
    case Function::kEnd: return Seconds(query_.end_ms);
    case Function::kStep: return query_.single() ? 0 : Seconds(query_.step_ms);
    case Function::kRange: return Seconds(query_.end_ms - query_.start_ms);
    default: return M_PI;
  }
}

}  // namespace thermocline::promql::naive
