#include "promql/functions/calendar.h"

#include <fmt/core.h>

#include <limits>

namespace thermocline::promql {
namespace {

constexpr int64_t kSecondsPerDay = 86'400;

bool IsLeap(int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

int64_t ToInt64(double value) {
  if (!(value >= -9223372036854775808.0 && value < 9223372036854775808.0)) {
    return std::numeric_limits<int64_t>::min();
  }
  return static_cast<int64_t>(value);
}

}  // namespace

int DaysInMonth(int64_t year, int month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && IsLeap(year) ? 29 : kDays[month - 1];
}

// Days are counted from 0000-03-01, so that the leap day is the last of its year; after Howard
// Hinnant's "chrono-compatible low-level date algorithms".
CivilTime ToCivil(int64_t unix_seconds) {
  int64_t days = unix_seconds / kSecondsPerDay;
  int64_t rest = unix_seconds % kSecondsPerDay;
  if (rest < 0) {
    rest += kSecondsPerDay;
    --days;
  }
  CivilTime civil;
  civil.hour = static_cast<int>(rest / 3600);
  civil.minute = static_cast<int>(rest / 60 % 60);
  civil.second = static_cast<int>(rest % 60);
  civil.day_of_week = static_cast<int>(((days + 4) % 7 + 7) % 7);
  const int64_t shifted = days + 719'468;
  const int64_t era = (shifted >= 0 ? shifted : shifted - 146'096) / 146'097;
  const int64_t day_of_era = shifted - era * 146'097;
  const int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t month_index = (5 * day_of_year + 2) / 153;
  civil.day = static_cast<int>(day_of_year - (153 * month_index + 2) / 5 + 1);
  civil.month = static_cast<int>(month_index < 10 ? month_index + 3 : month_index - 9);
  civil.year = year_of_era + era * 400 + (civil.month <= 2 ? 1 : 0);
  civil.day_of_year = civil.day;
  for (int month = 1; month < civil.month; ++month) {
    civil.day_of_year += DaysInMonth(civil.year, month);
  }
  return civil;
}

double DatePart(Function function, double unix_seconds) {
  const int64_t seconds = ToInt64(unix_seconds);
  // Go counts absolute seconds in 64 unsigned bits, where the minimum comes just after the maximum.
  const CivilTime civil =
      ToCivil(seconds == std::numeric_limits<int64_t>::min() ? std::numeric_limits<int64_t>::max()
                                                             : seconds);
  switch (function) {
    case Function::kMinute: return civil.minute;
    case Function::kHour: return civil.hour;
    case Function::kDayOfWeek: return civil.day_of_week;
    case Function::kDayOfMonth: return civil.day;
    case Function::kDayOfYear: return civil.day_of_year;
    case Function::kDaysInMonth: return DaysInMonth(civil.year, civil.month);
    case Function::kMonth: return civil.month;
    case Function::kYear: return static_cast<double>(civil.year);
    default: return std::numeric_limits<double>::quiet_NaN();
  }
}

std::string Rfc3339(TimestampMs at_ms) {
  const int64_t seconds = FloorTo(at_ms, kSecondMs) / kSecondMs;
  const CivilTime civil = ToCivil(seconds);
  return fmt::format("{:04d}-{:02d}-{:02d}T{:02d}:{:02d}:{:02d}Z", civil.year, civil.month,
                     civil.day, civil.hour, civil.minute, civil.second);
}

}  // namespace thermocline::promql
