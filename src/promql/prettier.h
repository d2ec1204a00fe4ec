// Syntax tree to text over several lines, as Prometheus' format_query prints it
// (promql/parser/prettier.go).
#pragma once

#include <cstddef>
#include <string>

#include "promql/ast.h"

namespace thermocline::promql {

inline constexpr size_t kPrettyLineBytes = 100;

// A node whose one-line text is longer than `line_bytes` is broken: its operands go to lines of
// their own, indented by two spaces more. Selectors, numbers and strings are never broken.
std::string Prettify(const Expr& expr, size_t line_bytes = kPrettyLineBytes);

}  // namespace thermocline::promql
