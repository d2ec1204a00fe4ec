// Text to syntax tree: lexing, parsing and type checking of PromQL expressions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "promql/ast.h"

namespace thermocline::promql {

// Which experimental parts of the language are accepted. Prometheus has each behind a feature flag.
struct ParseOptions {
  bool experimental_functions = true;
  bool duration_expressions = true;
  bool extended_range_selectors = true;
  bool fill_modifiers = true;
};

struct ParseError {
  Span span;  // start == end where the text ends
  std::string message;
};

// The tree of `query`, checked. Errors: InvalidArgument with "line:col: parse error: message" of
// the first error. Never recurses deeper than kMaxTreeDepth; `query` need not outlive the tree.
Result<ExprPtr> Parse(std::string_view query, const ParseOptions& options = {});

// As Parse, with all errors in Prometheus' order; the tree is null when there are any.
ExprPtr Parse(std::string_view query, const ParseOptions& options, std::vector<ParseError>* errors);

// A bare vector selector, as match[] and the series APIs take it.
Result<std::vector<Matcher>> ParseMetricSelector(std::string_view text);

// "line:col" of a byte offset, both from 1, columns in bytes; "unknown position" for an empty query
// and "invalid position" outside it.
std::string PositionText(std::string_view query, int32_t offset);

}  // namespace thermocline::promql
