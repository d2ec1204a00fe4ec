// Logarithm and power of two as Go's package math computes them: the last bit of an interpolated
// quantile depends on it. Source: Go's src/math/log_amd64.s, log10.go and exp.go (FreeBSD's
// e_log.c and e_exp.c).
#pragma once

namespace thermocline {

// math.Log2: exact for powers of two. -Inf for 0, NaN below it.
double GoLog2(double value);
// math.Exp2.
double GoExp2(double value);

}  // namespace thermocline
