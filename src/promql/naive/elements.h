// Binary operators on two samples, in the naive evaluator (promql-semantics 4.1, 4.5).
#pragma once

#include <string>

#include "promql/ast.h"
#include "promql/naive/values.h"

namespace thermocline::promql::naive {

// What one of two samples is.
struct Operand {
  double value = 0;
  HistogramPtr histogram;
};

struct Outcome {
  bool valid = false;  // the samples go together
  bool keep = true;    // of comparisons: it holds
  double value = 0;
  HistogramPtr histogram;
  // What the pair makes to be said, whether it is valid or not.
  std::string note;
  bool is_warning = false;
};

// + - * / % ^ atan2
bool IsArithmetic(BinaryOp op);
double Arithmetic(BinaryOp op, double a, double b);
bool Compare(BinaryOp op, double a, double b);
// A comparison that holds answers its left operand.
Outcome Combine(BinaryOp op, const Operand& left, const Operand& right);

}  // namespace thermocline::promql::naive
