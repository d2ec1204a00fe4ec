// Characters and numbers as PromQL's messages and printed expressions show them (Go's formats).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/utf8.h"

namespace thermocline::promql {

// Go's %q of a rune: 'x'. Negative (end of input) shows as U+FFFD.
std::string QuoteCharacter(int32_t code_point);
// Go's %#U: U+0063 'c'.
std::string DescribeCharacter(int32_t code_point);

// strconv.FormatFloat(value, 'f', -1, 64): shortest digits, no exponent; NaN, +Inf, -Inf.
std::string FormatPlain(double value);
// strconv.FormatFloat(value, 'f', digits, 64).
std::string FormatFixed(double value, int digits);
// Go's %v of a float: shortest, with an exponent below -4 and from 6.
std::string FormatShortest(double value);

// What strconv.ParseInt with base 0, and failing that strconv.ParseFloat, make of `text`: decimal,
// 0x, 0o, 0b and leading-zero octal integers, underscores between digits, floats, Inf and NaN in
// any case. False when neither accepts it; `out_of_range` then tells why.
bool ParseGoNumber(std::string_view text, double* value, bool* out_of_range);

}  // namespace thermocline::promql
