#include "model/go_math.h"

#include <cmath>
#include <limits>
#include <numbers>

#include "model/sample.h"

namespace thermocline {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kLn2High = 6.93147180369123816490e-01;
constexpr double kLn2Low = 1.90821492927058770002e-10;

// The natural logarithm of a number in [0.5, 1).
double LogOfFraction(double fraction) {
  constexpr double kL1 = 6.666666666666735130e-01;
  constexpr double kL2 = 3.999999999940941908e-01;
  constexpr double kL3 = 2.857142874366239149e-01;
  constexpr double kL4 = 2.222219843214978396e-01;
  constexpr double kL5 = 1.818357216161805012e-01;
  constexpr double kL6 = 1.531383769920937332e-01;
  constexpr double kL7 = 1.479819860511658591e-01;
  double exponent = 0;
  if (fraction <= 7.07106781186547524401e-01) {  // half the root of two
    fraction *= 2;
    exponent = -1;
  }
  const double f = fraction - 1;
  const double s = f / (2 + f);
  const double s2 = s * s;
  const double s4 = s2 * s2;
  const double t1 = s2 * (kL1 + s4 * (kL3 + s4 * (kL5 + s4 * kL7)));
  const double t2 = s4 * (kL2 + s4 * (kL4 + s4 * kL6));
  const double r = t1 + t2;
  const double half_square = 0.5 * f * f;
  return exponent * kLn2High - ((half_square - (s * (half_square + r) + exponent * kLn2Low)) - f);
}

// e**(high - low) * 2**exponent, where |high - low| is at most ln(2) / 2.
double ExpOfDifference(double high, double low, int exponent) {
  constexpr double kP1 = 1.66666666666666657415e-01;
  constexpr double kP2 = -2.77777777770155933842e-03;
  constexpr double kP3 = 6.61375632143793436117e-05;
  constexpr double kP4 = -1.65339022054652515390e-06;
  constexpr double kP5 = 4.13813679705723846039e-08;
  const double r = high - low;
  const double t = r * r;
  const double c = r - t * (kP1 + t * (kP2 + t * (kP3 + t * (kP4 + t * kP5))));
  const double y = 1 - ((low - (r * c) / (2 - c)) - high);
  return std::ldexp(y, exponent);
}

}  // namespace

double GoLog2(double value) {
  if (std::isnan(value) || value == kInf) return value;
  if (value < 0) return NormalNan();
  if (value == 0) return -kInf;
  int exponent = 0;
  const double fraction = std::frexp(value, &exponent);
  if (fraction == 0.5) return exponent - 1;
  return LogOfFraction(fraction) * std::numbers::log2e + exponent;
}

double GoExp2(double value) {
  if (std::isnan(value)) return value;
  if (value > 1.0239999999999999e+03) return kInf;
  if (value < -1.0740e+03) return 0;
  int exponent = 0;
  // Go's rounding, which is not lround's just below a half.
  // NOLINTNEXTLINE(bugprone-incorrect-roundings)
  if (value > 0) exponent = static_cast<int>(value + 0.5);
  if (value < 0) exponent = static_cast<int>(value - 0.5);
  const double t = value - exponent;
  return ExpOfDifference(t * kLn2High, -t * kLn2Low, exponent);
}

}  // namespace thermocline
