// Numbers as Go's strconv reads them.
#pragma once

#include <cstdint>
#include <string_view>

namespace thermocline {

// strconv.ParseFloat: decimal, hexadecimal with exponent, inf, infinity, nan in any case, with an
// optional sign. NaN is Prometheus' normal NaN; a magnitude too large is refused. False when `text`
// is anything else.
bool ParseGoFloat(std::string_view text, double* value);

}  // namespace thermocline
