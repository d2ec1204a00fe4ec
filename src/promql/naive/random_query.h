// Random float queries and random data for the comparison of the engine with the naive evaluator.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "promql/test_script/memory_storage.h"

namespace thermocline::promql::naive {

// Fills `storage` with gauges a and b, a counter c_total that resets, unique values u, and classic
// buckets h_bucket, over [0, 30 min], with gaps and stale markers.
void FillRandomly(std::mt19937_64* random, MemoryStorage* storage);

// Writes queries that are valid and whose answers do not hang on a last bit or on the order of
// equal values: comparisons see only sums of whole numbers, topk only distinct values.
class QueryWriter {
 public:
  explicit QueryWriter(std::mt19937_64* random) : random_(*random) {}

  // An instant vector expression.
  std::string Vector(int depth);
  std::string Scalar(int depth);

 private:
  size_t Below(size_t count) { return random_() % count; }
  const std::string& OneOf(const std::vector<std::string>& choices) {
    return choices[Below(choices.size())];
  }
  std::string Modifiers();
  std::string Duration();
  std::string Selector();
  std::string Range(int depth);
  std::string Whole(int depth);
  std::string WindowCall(int depth);
  std::string ElementCall(int depth);
  std::string Aggregation(int depth);
  std::string Arithmetic(int depth);
  std::string Comparison(int depth);
  std::string SetOperation(int depth);
  std::string Matching();
  std::string Grouping();

  std::mt19937_64& random_;
};

}  // namespace thermocline::promql::naive
