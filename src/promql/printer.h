// Syntax tree to text, as Prometheus prints it (promql/parser/printer.go). Printing and parsing
// again gives the same tree.
#pragma once

#include <string>

#include "promql/ast.h"

namespace thermocline::promql {

std::string Print(const Expr& expr);

}  // namespace thermocline::promql
