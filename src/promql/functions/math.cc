#include "promql/functions/math.h"

#include <cmath>
#include <numbers>

namespace thermocline::promql {
namespace {

double Sgn(double v) {
  if (v < 0) return -1;
  if (v > 0) return 1;
  return v;
}
double Deg(double v) { return v * 180 / std::numbers::pi; }
double Rad(double v) { return v * std::numbers::pi / 180; }

MathFunction FindTrigonometric(Function function) {
  switch (function) {
    case Function::kSin: return [](double v) { return std::sin(v); };
    case Function::kCos: return [](double v) { return std::cos(v); };
    case Function::kTan: return [](double v) { return std::tan(v); };
    case Function::kAsin: return [](double v) { return std::asin(v); };
    case Function::kAcos: return [](double v) { return std::acos(v); };
    case Function::kAtan: return [](double v) { return std::atan(v); };
    case Function::kSinh: return [](double v) { return std::sinh(v); };
    case Function::kCosh: return [](double v) { return std::cosh(v); };
    case Function::kTanh: return [](double v) { return std::tanh(v); };
    case Function::kAsinh: return [](double v) { return std::asinh(v); };
    case Function::kAcosh: return [](double v) { return std::acosh(v); };
    case Function::kAtanh: return [](double v) { return std::atanh(v); };
    default: return nullptr;
  }
}

}  // namespace

MathFunction FindMathFunction(Function function) {
  switch (function) {
    case Function::kAbs: return [](double v) { return std::fabs(v); };
    case Function::kCeil: return [](double v) { return std::ceil(v); };
    case Function::kFloor: return [](double v) { return std::floor(v); };
    case Function::kExp: return [](double v) { return std::exp(v); };
    case Function::kSqrt: return [](double v) { return std::sqrt(v); };
    case Function::kLn: return [](double v) { return std::log(v); };
    case Function::kLog2: return [](double v) { return std::log2(v); };
    case Function::kLog10: return [](double v) { return std::log10(v); };
    case Function::kSgn: return Sgn;
    case Function::kDeg: return Deg;
    case Function::kRad: return Rad;
    default: return FindTrigonometric(function);
  }
}

double RoundTo(double value, double to) {
  const double inverse = 1 / to;
  return std::floor(value * inverse + 0.5) / inverse;
}

}  // namespace thermocline::promql
