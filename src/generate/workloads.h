// Seeded data sets for benchmarks and tests: the same seed gives the same bytes on every machine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"
#include "model/labels.h"

namespace thermocline {

// One series of a generated data set; times and values are parallel.
struct GeneratedSeries {
  Labels labels;
  std::vector<TimestampMs> timestamps_ms;
  std::vector<double> values;
};

struct Mix15Options {
  uint64_t seed = 1;
  uint32_t metrics = 200;
  uint32_t series_per_metric = 10;
  uint32_t samples = 2880;  // 12 h at 15 s
  int64_t interval_ms = 15 * kSecondMs;
  TimestampMs start_ms = 1'760'000'000'000;
};

// Series number `index` (below metrics x series_per_metric) of mix15, a busy fleet: of the metrics
// 30 % are constant, 25 % integer counters, 10 % CPU seconds with two decimals, 10 % small gauges,
// 10 % byte gauges, 10 % full-mantissa floats, 5 % slow counters; 2 % of the timestamps are
// jittered by up to 50 ms. Twelve labels besides the name. Each series depends on seed and index
// only.
GeneratedSeries Mix15Series(const Mix15Options& options, uint32_t index);

// Labels of series `index` of the high-cardinality set: one metric, a few shared labels and a
// unique `request_id`.
Labels HighCardinalityLabels(uint64_t seed, uint64_t index);

// Labels of a churning pod: six labels, one of them new in every generation.
Labels ChurnLabels(uint64_t index, uint64_t generation);
// Pods that start and end together.
inline constexpr uint32_t kChurnCohort = 20'000;

// Sample `step` of series `index` of both: a counter of whole numbers.
double CounterValue(uint64_t index, uint32_t step);

}  // namespace thermocline
