#include "wire/parameters.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/duration.h"
#include "model/labels.h"
#include "model/number.h"

namespace thermocline {
namespace {

constexpr int64_t kMaxPoints = 11'000;

// Reads exactly `digits` decimal digits from the front of `rest`.
bool TakeDigits(std::string_view* rest, size_t digits, int64_t* value) {
  if (rest->size() < digits) return false;
  *value = 0;
  for (const char c : rest->substr(0, digits)) {
    if (c < '0' || c > '9') return false;
    *value = *value * 10 + (c - '0');
  }
  rest->remove_prefix(digits);
  return true;
}

bool TakeChar(std::string_view* rest, char c) {
  if (!rest->starts_with(c)) return false;
  rest->remove_prefix(1);
  return true;
}

// Days from 1970-01-01 in the proleptic Gregorian calendar (H. Hinnant, chrono-compatible date
// algorithms).
int64_t DaysFromCivil(int64_t year, int64_t month, int64_t day) {
  year -= month <= 2 ? 1 : 0;
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const int64_t year_of_era = year - era * 400;
  const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

int64_t DaysInMonth(int64_t year, int64_t month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays[month - 1];
}

// The fraction of a second, cut to milliseconds; any number of digits.
bool TakeFraction(std::string_view* rest, int64_t* fraction_ms) {
  *fraction_ms = 0;
  size_t digits = 0;
  for (; digits < rest->size() && (*rest)[digits] >= '0' && (*rest)[digits] <= '9'; ++digits) {
    constexpr int kWeights[] = {100, 10, 1};
    if (digits < 3) *fraction_ms += kWeights[digits] * ((*rest)[digits] - '0');
  }
  rest->remove_prefix(digits);
  return digits > 0;
}

bool TakeZone(std::string_view* rest, int64_t* offset_minutes) {
  *offset_minutes = 0;
  if (TakeChar(rest, 'Z')) return true;
  const bool west = rest->starts_with('-');
  if (!west && !rest->starts_with('+')) return false;
  rest->remove_prefix(1);
  int64_t hours = 0;
  int64_t minutes = 0;
  if (!TakeDigits(rest, 2, &hours) || !TakeChar(rest, ':') || !TakeDigits(rest, 2, &minutes) ||
      hours > 24 || minutes > 59) {
    return false;
  }
  *offset_minutes = (hours * 60 + minutes) * (west ? -1 : 1);
  return true;
}

// RFC 3339: 2006-01-02T15:04:05.999Z, or with +07:00.
bool ParseRfc3339(std::string_view rest, TimestampMs* t_ms) {
  int64_t year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (!TakeDigits(&rest, 4, &year) || !TakeChar(&rest, '-') || !TakeDigits(&rest, 2, &month) ||
      !TakeChar(&rest, '-') || !TakeDigits(&rest, 2, &day) || !TakeChar(&rest, 'T') ||
      !TakeDigits(&rest, 2, &hour) || !TakeChar(&rest, ':') || !TakeDigits(&rest, 2, &minute) ||
      !TakeChar(&rest, ':') || !TakeDigits(&rest, 2, &second)) {
    return false;
  }
  if (month < 1 || month > 12 || day < 1 || day > DaysInMonth(year, month) || hour > 23 ||
      minute > 59 || second > 59) {
    return false;
  }
  int64_t fraction_ms = 0;
  if (TakeChar(&rest, '.') && !TakeFraction(&rest, &fraction_ms)) return false;
  int64_t offset_minutes = 0;
  if (!TakeZone(&rest, &offset_minutes) || !rest.empty()) return false;
  const int64_t minutes = DaysFromCivil(year, month, day) * 1440 + hour * 60 + minute;
  *t_ms = ((minutes - offset_minutes) * 60 + second) * 1000 + fraction_ms;
  return true;
}

Status CannotParse(std::string_view text, std::string_view what, std::string_view more = {}) {
  std::string message = "cannot parse " + GoQuote(text) + " to a valid ";
  message += what;
  message += more;
  return Status::InvalidArgument(std::move(message));
}

Status CannotParseInteger(std::string_view text, std::string_view function, std::string_view why) {
  std::string message(function);
  message += ": parsing " + GoQuote(text) + ": ";
  message += why;
  return Status::InvalidArgument(std::move(message));
}

// A decimal int64_t as `function` of Go's strconv reads it.
Result<int64_t> ParseInteger(std::string_view text, std::string_view function) {
  int64_t value = 0;
  const bool plus = text.size() > 1 && text[0] == '+' && text[1] != '-';
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + (plus ? 1 : 0), end, value);
  if (error == std::errc::result_out_of_range) {
    return CannotParseInteger(text, function, "value out of range");
  }
  if (error != std::errc() || stop != end) {
    return CannotParseInteger(text, function, "invalid syntax");
  }
  return value;
}

}  // namespace

Result<TimestampMs> ParseTime(std::string_view text) {
  double seconds = 0;
  if (ParseGoFloat(text, &seconds)) {
    const double ms = std::round(std::fmod(seconds, 1.0) * 1000) + std::trunc(seconds) * 1000;
    // Also refuses NaN and the infinities, for which Go's conversion is undefined.
    if (!(ms >= static_cast<double>(kApiMinTimeMs) && ms <= static_cast<double>(kApiMaxTimeMs))) {
      return CannotParse(text, "timestamp");
    }
    return static_cast<TimestampMs>(ms);
  }
  TimestampMs t_ms = 0;
  if (ParseRfc3339(text, &t_ms)) return t_ms;
  // What Go clients print for the extreme instants; their years have too many digits for RFC 3339.
  if (text == "-292273086-05-16T16:47:06Z") return kApiMinTimeMs;
  if (text == "292277025-08-18T07:12:54.999999999Z") return kApiMaxTimeMs;
  return CannotParse(text, "timestamp");
}

Result<int64_t> ParseDurationOrSecondsMs(std::string_view text) {
  double seconds = 0;
  if (ParseGoFloat(text, &seconds)) {
    // Go counts nanoseconds.
    constexpr double kMaxSeconds = 9223372036.0;
    if (!(seconds >= -kMaxSeconds && seconds <= kMaxSeconds)) {
      return CannotParse(text, "duration", ". It overflows int64");
    }
    return static_cast<int64_t>(seconds * 1000);
  }
  Result<int64_t> duration = ParseDurationMs(text);
  if (!duration.ok()) return CannotParse(text, "duration");
  return duration;
}

Status InvalidParameter(std::string_view name, std::string_view why) {
  std::string message = "invalid parameter " + GoQuote(name) + ": ";
  message += why;
  return Status::InvalidArgument(std::move(message));
}

Result<TimestampMs> TimeParameter(const Parameters& parameters, std::string_view name,
                                  TimestampMs absent) {
  const std::string_view text = parameters.Get(name);
  if (text.empty()) return absent;
  Result<TimestampMs> time = ParseTime(text);
  if (time.ok()) return time;
  return InvalidParameter(name, "invalid time value for '" + std::string(name) +
                                    "': " + std::string(time.status().message()));
}

Result<uint64_t> LimitParameter(const Parameters& parameters, std::string_view name) {
  const std::string_view text = parameters.Get(name);
  if (text.empty()) return uint64_t{0};
  const Result<int64_t> limit = ParseInteger(text, "strconv.Atoi");
  if (!limit.ok()) return InvalidParameter(name, limit.status().message());
  if (*limit < 0) return InvalidParameter(name, "limit must be non-negative");
  return static_cast<uint64_t>(*limit);
}

Result<int64_t> CountParameter(const Parameters& parameters, std::string_view name) {
  const std::string_view text = parameters.Get(name);
  if (text.empty()) return int64_t{-1};
  const Result<int64_t> count = ParseInteger(text, "strconv.Atoi");
  if (!count.ok()) return Status::InvalidArgument(std::string(name) + " must be a number");
  return std::max<int64_t>(*count, -1);
}

Result<int64_t> ParseGoInt32(std::string_view text) {
  constexpr std::string_view kFunction = "strconv.ParseInt";
  Result<int64_t> value = ParseInteger(text, kFunction);
  if (value.ok() && static_cast<int32_t>(*value) != *value) {
    return CannotParseInteger(text, kFunction, "value out of range");
  }
  return value;
}

Result<bool> BoolParameter(const Parameters& parameters, std::string_view name, bool absent) {
  constexpr std::string_view kTrue[] = {"1", "t", "T", "TRUE", "true", "True"};
  constexpr std::string_view kFalse[] = {"0", "f", "F", "FALSE", "false", "False"};
  const std::string_view text = parameters.Get(name);
  if (text.empty()) return absent;
  if (std::ranges::find(kTrue, text) != std::end(kTrue)) return true;
  if (std::ranges::find(kFalse, text) != std::end(kFalse)) return false;
  return Status::InvalidArgument("invalid " + std::string(name) + " " + GoQuote(text) +
                                 ": must be boolean");
}

Result<int64_t> DurationParameter(const Parameters& parameters, std::string_view name) {
  const std::string_view text = parameters.Get(name);
  if (text.empty()) return int64_t{0};
  Result<int64_t> duration = ParseDurationOrSecondsMs(text);
  if (!duration.ok()) return InvalidParameter(name, duration.status().message());
  return duration;
}

Result<QuerySteps> StepsParameters(const Parameters& parameters) {
  QuerySteps steps;
  for (const auto& [name, target] :
       {std::pair("start", &steps.start_ms), std::pair("end", &steps.end_ms)}) {
    const Result<TimestampMs> time = ParseTime(parameters.Get(name));
    if (!time.ok()) return InvalidParameter(name, time.status().message());
    *target = *time;
  }
  if (steps.end_ms < steps.start_ms) {
    return InvalidParameter("end", "end timestamp must not be before start time");
  }
  const Result<int64_t> step = ParseDurationOrSecondsMs(parameters.Get("step"));
  if (!step.ok()) return InvalidParameter("step", step.status().message());
  steps.step_ms = *step;
  if (steps.step_ms <= 0) {
    return InvalidParameter("step",
                            "zero or negative query resolution step widths are not accepted. Try a "
                            "positive integer");
  }
  // The extreme instants are further apart than an int64_t can tell.
  const uint64_t width =
      static_cast<uint64_t>(steps.end_ms) - static_cast<uint64_t>(steps.start_ms);
  if (width / static_cast<uint64_t>(steps.step_ms) > kMaxPoints) {
    return Status::InvalidArgument(
        "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query "
        "resolution (?step=XX)");
  }
  return steps;
}

}  // namespace thermocline
