// Random queries for the comparison of the engine with the naive evaluator.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "promql/signatures.h"

namespace thermocline::promql::naive {

// Writes valid queries over the metrics of RandomData: every function, aggregation, operator and
// modifier can appear. What the language leaves open is not asked: which of equal values topk and
// limitk keep where their operand has no order of its own.
class QueryWriter {
 public:
  explicit QueryWriter(std::mt19937_64* random) : random_(*random) {}

  // A whole query: mostly an instant vector, sometimes a scalar.
  std::string Query();
  // A range vector or a string too, which only instant queries may be.
  std::string InstantQuery();
  // An instant vector of so many levels of operators and calls at most.
  std::string Vector(int depth);

 private:
  size_t Below(size_t count) { return random_() % count; }
  bool OneIn(size_t count) { return Below(count) == 0; }
  const std::string& OneOf(const std::vector<std::string>& choices) {
    return choices[Below(choices.size())];
  }

  // --- random_query.cc ---
  std::string Scalar(int depth);
  std::string Arithmetic(int depth);
  std::string Comparison(int depth);
  std::string SetOperation(int depth);
  std::string Trim(int depth);
  std::string Matching(bool fills);
  std::string Grouping();
  std::string Aggregation(int depth);
  std::string RankedOperand();
  std::string Parenthesised(const std::string& text) { return OneIn(6) ? "(" + text + ")" : text; }

  // --- random_selector.cc ---
  std::string Duration();
  std::string At();
  std::string Modifiers();
  std::string Matchers();
  std::string Metric();
  std::string Selector();
  std::string InstantSelector();
  std::string RangeSelector();
  // A selector or a subquery.
  std::string Range(int depth);

  // --- random_call.cc ---
  std::string Call(int depth);
  std::string AnyCall(int depth);
  std::string Argument(const Signature& function, size_t index, int depth);
  std::string RateCall(int depth);
  std::string HistogramCall(int depth);
  std::string LabelCall(int depth);
  std::string InfoCall(int depth);

  std::mt19937_64& random_;
};

}  // namespace thermocline::promql::naive
