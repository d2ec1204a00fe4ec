// Functions of one number. Source: Prometheus' promql/functions.go; promql-semantics 2.1.
#pragma once

#include "promql/signatures.h"

namespace thermocline::promql {

using MathFunction = double (*)(double);

// abs ceil floor exp sqrt ln log2 log10 sgn deg rad and the trigonometric ones; null for others.
MathFunction FindMathFunction(Function function);

// To the nearest multiple of `to`, ties upwards.
double RoundTo(double value, double to);

}  // namespace thermocline::promql
