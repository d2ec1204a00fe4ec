// Numbers as Go's strconv reads them.
#pragma once

#include <string>
#include <string_view>

namespace thermocline {

// strconv.ParseFloat: decimal, hexadecimal with exponent, inf, infinity, nan in any case, with an
// optional sign. NaN is Prometheus' normal NaN. False when `text` is anything else, or a magnitude
// too large, of which `out_of_range`, if not null, tells.
bool ParseGoFloat(std::string_view text, double* value, bool* out_of_range = nullptr);

// strconv.FormatFloat(value, 'g', -1, 64): shortest digits, an exponent below 1e-4 and from 1e6 on
// (unlike query results); NaN, +Inf, -Inf.
void AppendFloatG(std::string* out, double value);

}  // namespace thermocline
