// Syntax trees as the JSON of /api/v1/parse_query, which Prometheus' tree view draws.
#pragma once

#include <string>

#include "promql/ast.h"

namespace thermocline {

// Appends the object of `expr`, keys in alphabetical order (web/api/v1/translate_ast.go). A fill
// value that JSON cannot hold is a string: "NaN", "+Inf", "-Inf"; Prometheus fails there.
void AppendTree(const promql::Expr& expr, std::string* out);

}  // namespace thermocline
