// The comparison of the engine with the naive evaluator on random queries over random data.
#pragma once

#include <cstdint>
#include <random>
#include <string>

#include "env/simulated/manual_clock.h"
#include "env/simulated/seeded_executor.h"
#include "promql/engine.h"
#include "promql/naive/values.h"

namespace thermocline::promql::naive {

// One query, asked of both as an instant query at the start, and as a range query.
struct RandomCase {
  std::string query;
  EngineOptions options;
  TimestampMs start_ms = 0;
  TimestampMs end_ms = 0;
  int64_t step_ms = 0;
  bool instant_only = false;

  // The query, its times and every option that differs from the default.
  std::string ToString() const;
};

// Empty when engine and naive evaluator answer alike: the same error, or the same values, labels,
// warnings and infos; otherwise both answers.
std::string DifferenceOf(const RandomCase& asked, const Matrix& data);

// Takes away of query, steps and series what the difference does not need.
void Shrink(RandomCase* asked, Matrix* data);

// A world of random data, about which queries are asked.
class Differential {
 public:
  static constexpr int kQueries = 50;  // of one world

  explicit Differential(uint64_t seed);
  RandomCase Next();
  const Matrix& data() const { return data_; }

 private:
  std::mt19937_64 random_;
  Matrix data_;
};

}  // namespace thermocline::promql::naive
