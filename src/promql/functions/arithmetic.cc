#include "promql/functions/arithmetic.h"

#include <cmath>
#include <limits>

namespace thermocline::promql {

double Arithmetic(BinaryOp op, double left, double right) {
  switch (op) {
    case BinaryOp::kAdd: return left + right;
    case BinaryOp::kSub: return left - right;
    case BinaryOp::kMul: return left * right;
    case BinaryOp::kDiv: return left / right;
    case BinaryOp::kMod: return std::fmod(left, right);
    case BinaryOp::kPow: return std::pow(left, right);
    case BinaryOp::kAtan2: return std::atan2(left, right);
    default: return std::numeric_limits<double>::quiet_NaN();
  }
}

bool Compare(BinaryOp op, double left, double right) {
  switch (op) {
    case BinaryOp::kEqual: return left == right;
    case BinaryOp::kNotEqual: return left != right;
    case BinaryOp::kGreater: return left > right;
    case BinaryOp::kLess: return left < right;
    case BinaryOp::kGreaterOrEqual: return left >= right;
    case BinaryOp::kLessOrEqual: return left <= right;
    default: return false;
  }
}

double GoMax(double a, double b) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  if (a == kInf || b == kInf) return kInf;
  if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<double>::quiet_NaN();
  if (a == 0 && b == 0) return std::signbit(a) ? b : a;
  return a > b ? a : b;
}

double GoMin(double a, double b) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  if (a == -kInf || b == -kInf) return -kInf;
  if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<double>::quiet_NaN();
  if (a == 0 && b == 0) return std::signbit(a) ? a : b;
  return a < b ? a : b;
}

void RunningMean::SwitchToMean(double next_count) {
  incremental_ = true;
  sum_ /= next_count - 1;
  compensation_ /= next_count - 1;
}

void RunningMean::Add(double value) {
  ++count_;
  if (count_ == 1) {
    sum_ = value;
    return;
  }
  if (!incremental_) {
    double sum = sum_;
    double compensation = compensation_;
    KahanAdd(value, &sum, &compensation);
    if (!std::isinf(sum)) {
      sum_ = sum;
      compensation_ = compensation;
      return;
    }
    SwitchToMean(count_);
  }
  const double kept = (count_ - 1) / count_;
  double mean = kept * sum_;
  double compensation = kept * compensation_;
  KahanAdd(value / count_, &mean, &compensation);
  sum_ = mean;
  compensation_ = compensation;
}

void RunningMean::Merge(const RunningMean& later) {
  if (later.count_ == 0) return;
  if (count_ == 0) {
    *this = later;
    return;
  }
  const double total = count_ + later.count_;
  if (!incremental_ && !later.incremental_) {
    double sum = sum_;
    double compensation = compensation_;
    KahanAdd(later.sum_, &sum, &compensation);
    if (!std::isinf(sum) || std::isinf(sum_) || std::isinf(later.sum_)) {
      sum_ = sum;
      compensation_ = std::isinf(sum) ? 0 : compensation + later.compensation_;
      count_ = total;
      return;
    }
  }
  // Two means, weighted by their counts.
  const double here = incremental_ ? 1 : 1 / count_;
  const double there = later.incremental_ ? 1 : 1 / later.count_;
  double mean = sum_ * here * (count_ / total);
  double compensation = compensation_ * here * (count_ / total);
  KahanAdd(later.sum_ * there * (later.count_ / total), &mean, &compensation);
  sum_ = mean;
  compensation_ = compensation + later.compensation_ * there * (later.count_ / total);
  count_ = total;
  incremental_ = true;
}

double RunningMean::Value() const {
  if (incremental_) return sum_ + compensation_;
  return sum_ / count_ + compensation_ / count_;
}

}  // namespace thermocline::promql
