#include "promql/naive/elements.h"

#include <fmt/core.h>

#include <cmath>
#include <limits>

#include "promql/naive/notes.h"

namespace thermocline::promql::naive {
namespace {

Outcome Of(double value) {
  Outcome outcome;
  outcome.valid = true;
  outcome.value = value;
  return outcome;
}

Outcome Of(FloatHistogram histogram) {
  Outcome outcome;
  outcome.valid = true;
  outcome.histogram = std::make_shared<FloatHistogram>(std::move(histogram));
  return outcome;
}

std::string_view KindOf(const Operand& operand) {
  return operand.histogram == nullptr ? "float" : "histogram";
}

Outcome Incompatible(BinaryOp op, const Operand& left, const Operand& right) {
  Outcome outcome;
  outcome.note =
      fmt::format("incompatible sample types encountered for binary operator \"{}\": {} {} {}",
                  BinaryOpText(op), KindOf(left), BinaryOpText(op), KindOf(right));
  return outcome;
}

Outcome Warned(std::string text) {
  Outcome outcome;
  outcome.note = std::move(text);
  outcome.is_warning = true;
  return outcome;
}

// Hints that contradict each other leave no answer.
Outcome SumOf(BinaryOp op, const FloatHistogram& left, const FloatHistogram& right) {
  const bool subtract = op == BinaryOp::kSub;
  FloatHistogram sum = left;
  const auto combined = subtract ? Subtract(&sum, right) : Add(&sum, right);
  if (!combined) {
    return Warned(fmt::format("incompatible bucket layout encountered for binary operator {}",
                              BinaryOpText(op)));
  }
  const std::string_view operation = subtract ? "subtraction" : "addition";
  if (combined->reset_collision) return Warned(ResetCollision(operation));
  if (subtract) sum.reset_hint = CounterResetHint::kGauge;
  Compact(&sum, 0);
  Outcome outcome = Of(std::move(sum));
  if (combined->bounds_reconciled) outcome.note = MismatchedBounds(operation);
  return outcome;
}

Outcome ChangedBy(BinaryOp op, FloatHistogram histogram, double number) {
  switch (op) {
    case BinaryOp::kMul: Multiply(&histogram, number); break;
    case BinaryOp::kDiv: Divide(&histogram, number); break;
    default:
      TrimBuckets(&histogram, number, op == BinaryOp::kTrimUpper);
      return Of(std::move(histogram));
  }
  Compact(&histogram, 0);
  return Of(std::move(histogram));
}

}  // namespace

bool IsArithmetic(BinaryOp op) { return op <= BinaryOp::kAtan2; }

double Arithmetic(BinaryOp op, double a, double b) {
  switch (op) {
    case BinaryOp::kAdd: return a + b;
    case BinaryOp::kSub: return a - b;
    case BinaryOp::kMul: return a * b;
    case BinaryOp::kDiv: return a / b;
    case BinaryOp::kMod: return std::fmod(a, b);
    case BinaryOp::kPow: return std::pow(a, b);
    case BinaryOp::kAtan2: return std::atan2(a, b);
    default: return std::numeric_limits<double>::quiet_NaN();
  }
}

bool Compare(BinaryOp op, double a, double b) {
  switch (op) {
    case BinaryOp::kEqual: return a == b;
    case BinaryOp::kNotEqual: return a != b;
    case BinaryOp::kGreater: return a > b;
    case BinaryOp::kLess: return a < b;
    case BinaryOp::kGreaterOrEqual: return a >= b;
    case BinaryOp::kLessOrEqual: return a <= b;
    default: return false;
  }
}

Outcome Combine(BinaryOp op, const Operand& left, const Operand& right) {
  const bool trims = op == BinaryOp::kTrimLower || op == BinaryOp::kTrimUpper;
  if (left.histogram == nullptr && right.histogram == nullptr) {
    if (trims) return Incompatible(op, left, right);
    if (IsArithmetic(op)) return Of(Arithmetic(op, left.value, right.value));
    Outcome outcome = Of(left.value);
    outcome.keep = Compare(op, left.value, right.value);
    return outcome;
  }
  if (left.histogram != nullptr && right.histogram != nullptr) {
    if (op == BinaryOp::kAdd || op == BinaryOp::kSub) {
      return SumOf(op, *left.histogram, *right.histogram);
    }
    if (op == BinaryOp::kEqual || op == BinaryOp::kNotEqual) {
      Outcome outcome = Of(*left.histogram);
      outcome.keep = Equals(*left.histogram, *right.histogram) == (op == BinaryOp::kEqual);
      return outcome;
    }
    return Incompatible(op, left, right);
  }
  if (left.histogram == nullptr) {
    if (op == BinaryOp::kMul) return ChangedBy(op, *right.histogram, left.value);
    return Incompatible(op, left, right);
  }
  if (op == BinaryOp::kMul || op == BinaryOp::kDiv || trims) {
    return ChangedBy(op, *left.histogram, right.value);
  }
  return Incompatible(op, left, right);
}

}  // namespace thermocline::promql::naive
