// Syntax tree to text, as Prometheus prints it (promql/parser/printer.go). Printing and parsing
// again gives the same tree.
#pragma once

#include <string>

#include "promql/ast.h"

namespace thermocline::promql {

std::string Print(const Expr& expr);

// What a node adds to its operands: `sum by (a) ` of an aggregation, `+ on (a)` of a binary
// operation, `[5m:1m] offset 1h` of a subquery; "" of other nodes.
std::string PrintOwnPart(const Expr& expr);

// A kVectorSelector or kMatrixSelector as if it had these matchers, in this order.
std::string PrintSelector(const Expr& selector, const std::vector<Matcher>& matchers);

}  // namespace thermocline::promql
