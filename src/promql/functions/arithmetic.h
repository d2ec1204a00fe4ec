// Operators on two numbers. Source: Prometheus' promql/engine.go, scalarBinop and vectorElemBinop.
#pragma once

#include <utility>

#include "promql/ast.h"

namespace thermocline::promql {

// + - * / % ^ atan2. % is C's fmod, ^ C's pow (its special cases are Go's).
double Arithmetic(BinaryOp op, double left, double right);
// == != > < >= <=; NaN is only != to everything.
bool Compare(BinaryOp op, double left, double right);

// Go's math.Max and math.Min: an infinity decides before NaN does.
double GoMax(double a, double b);
double GoMin(double a, double b);

// One step of Kahan-Neumaier summation: adds `value` to (*sum, *compensation).
inline void KahanAdd(double value, double* sum, double* compensation) {
  const double total = *sum + value;
  if (__builtin_isinf(total)) {
    *compensation = 0;
  } else if (__builtin_fabs(*sum) >= __builtin_fabs(value)) {
    *compensation += (*sum - total) + value;
  } else {
    *compensation += (value - total) + *sum;
  }
  *sum = total;
}

// The average of a growing list: a compensated sum until it overflows, then an incremental mean.
class RunningMean {
 public:
  void Add(double value);
  // Continues with what another RunningMean saw after this one.
  void Merge(const RunningMean& later);
  double Value() const;
  double count() const { return count_; }

 private:
  void SwitchToMean(double next_count);
  double sum_ = 0;  // or the mean
  double compensation_ = 0;
  double count_ = 0;
  bool incremental_ = false;
};

}  // namespace thermocline::promql
