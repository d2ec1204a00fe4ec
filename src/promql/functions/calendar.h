// Civil time in UTC, proleptic Gregorian, over the whole range of int64 seconds.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"
#include "promql/signatures.h"

namespace thermocline::promql {

struct CivilTime {
  int64_t year = 1970;
  int month = 1;        // 1-12
  int day = 1;          // 1-31
  int day_of_week = 4;  // Sunday = 0
  int day_of_year = 1;  // 1-366
  int hour = 0;
  int minute = 0;
  int second = 0;
};
CivilTime ToCivil(int64_t unix_seconds);
int DaysInMonth(int64_t year, int month);

// What minute(), hour(), year() and the other date functions make of `unix_seconds`: the fraction
// is cut off; NaN and what int64 cannot hold become its minimum, as on amd64.
double DatePart(Function function, double unix_seconds);

// 2006-01-02T15:04:05Z, fractions cut off.
std::string Rfc3339(TimestampMs at_ms);

}  // namespace thermocline::promql
