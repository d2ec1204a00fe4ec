// Element-wise functions of the naive evaluator (promql-semantics 2.1).
#include <cmath>
#include <limits>

#include "promql/naive/evaluator.h"

namespace thermocline::promql::naive {
namespace {

using F = Function;

struct CivilTime {
  int64_t year = 1970;
  int month = 1;        // 1 to 12
  int day = 1;          // of the month, from 1
  int day_of_year = 1;  // from 1
};

bool IsLeap(int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

int DaysInMonth(int64_t year, int month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && IsLeap(year) ? 29 : kDays[month - 1];
}

// Counting year by year and month by month.
CivilTime CivilFromDays(int64_t days) {
  CivilTime time;
  const int64_t cycles = FloorTo(days, 146'097) / 146'097;  // of 400 years
  time.year += cycles * 400;
  days -= cycles * 146'097;
  while (days >= (IsLeap(time.year) ? 366 : 365)) days -= IsLeap(time.year++) ? 366 : 365;
  time.day_of_year = static_cast<int>(days) + 1;
  while (days >= DaysInMonth(time.year, time.month)) days -= DaysInMonth(time.year, time.month++);
  time.day = static_cast<int>(days) + 1;
  return time;
}

double Sign(double value) {
  if (value > 0) return 1;
  return value < 0 ? -1 : value;
}

}  // namespace

std::optional<double> MathFunction(Function function, double v) {
  switch (function) {
    case F::kAbs: return std::fabs(v);
    case F::kCeil: return std::ceil(v);
    case F::kFloor: return std::floor(v);
    case F::kExp: return std::exp(v);
    case F::kSqrt: return std::sqrt(v);
    case F::kLn: return std::log(v);
    case F::kLog2: return std::log2(v);
    case F::kLog10: return std::log10(v);
    case F::kSin: return std::sin(v);
    case F::kCos: return std::cos(v);
    case F::kTan: return std::tan(v);
    case F::kAsin: return std::asin(v);
    case F::kAcos: return std::acos(v);
    case F::kAtan: return std::atan(v);
    case F::kSinh: return std::sinh(v);
    case F::kCosh: return std::cosh(v);
    case F::kTanh: return std::tanh(v);
    case F::kAsinh: return std::asinh(v);
    case F::kAcosh: return std::acosh(v);
    case F::kAtanh: return std::atanh(v);
    case F::kDeg: return v * 180 / M_PI;
    case F::kRad: return v * M_PI / 180;
    case F::kSgn: return Sign(v);
    default: return std::nullopt;
  }
}

std::optional<double> CalendarFunction(Function function, double seconds) {
  const bool fits = std::fabs(seconds) < 9.2e18;  // false for NaN
  const int64_t whole = fits ? static_cast<int64_t>(seconds) : std::numeric_limits<int64_t>::min();
  const int64_t days = FloorTo(whole, 86'400) / 86'400;
  const int64_t in_day = whole - days * 86'400;
  const CivilTime date = CivilFromDays(days);
  switch (function) {
    case F::kMinute: return in_day / 60 % 60;
    case F::kHour: return in_day / 3600;
    case F::kDayOfWeek: return (days % 7 + 7 + 4) % 7;  // 1970-01-01 was a Thursday
    case F::kDayOfMonth: return date.day;
    case F::kDayOfYear: return date.day_of_year;
    case F::kDaysInMonth: return DaysInMonth(date.year, date.month);
    case F::kMonth: return date.month;
    case F::kYear: return static_cast<double>(date.year);
    default: return std::nullopt;
  }
}

}  // namespace thermocline::promql::naive
