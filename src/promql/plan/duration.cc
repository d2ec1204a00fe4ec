// Duration arithmetic inside [...] and after offset. Source: Prometheus' promql/durations.go.
#include <fmt/core.h>

#include <cmath>

#include "promql/plan/plan.h"

namespace thermocline::promql {
namespace {

// Prometheus' limit on durations: what fits 64-bit nanoseconds.
constexpr double kMaxSeconds = 9223372036.0;

Status At(const Expr& expr, const char* text) {
  return Status::InvalidArgument(fmt::format("{}:{}: {}", expr.span.start, expr.span.end, text));
}

Result<double> Evaluate(const Expr& expr, const QueryTimes& times);

Result<double> Combine(const DurationExpr& expr, double left, double right) {
  switch (expr.op) {
    case DurationOp::kAdd: return left + right;
    case DurationOp::kSub: return left - right;
    case DurationOp::kMul: return left * right;
    case DurationOp::kDiv:
      if (right == 0) return At(expr, "division by zero");
      return left / right;
    case DurationOp::kMod:
      if (right == 0) return At(expr, "modulo by zero");
      return std::fmod(left, right);
    case DurationOp::kPow: return std::pow(left, right);
    case DurationOp::kMinOf: return std::min(left, right);
    case DurationOp::kMaxOf: return std::max(left, right);
    default: return At(expr, "unexpected duration expression operator");
  }
}

Result<double> Evaluate(const Expr& expr, const QueryTimes& times) {
  if (expr.kind == ExprKind::kNumber) return As<NumberLiteral>(expr).value;
  if (expr.kind == ExprKind::kParen) return Evaluate(StripParens(expr), times);
  if (expr.kind != ExprKind::kDuration) return At(expr, "unexpected duration expression");
  const auto& duration = As<DurationExpr>(expr);
  switch (duration.op) {
    case DurationOp::kStep: return static_cast<double>(times.step_ms) / 1000;
    case DurationOp::kRange: return static_cast<double>(times.end_ms - times.start_ms) / 1000;
    default: break;
  }
  ASSIGN_OR_RETURN(const double right, Evaluate(*duration.rhs, times));
  if (!duration.lhs) return duration.op == DurationOp::kSub ? -right : right;
  ASSIGN_OR_RETURN(const double left, Evaluate(*duration.lhs, times));
  return Combine(duration, left, right);
}

}  // namespace

Result<double> EvaluateDuration(const Expr& expr, const QueryTimes& times) {
  ASSIGN_OR_RETURN(const double seconds, Evaluate(expr, times));
  if (!std::isfinite(seconds)) return At(expr, "duration is NaN or infinite");
  if (std::abs(seconds) > kMaxSeconds) return At(expr, "duration is out of range");
  return seconds;
}

}  // namespace thermocline::promql
