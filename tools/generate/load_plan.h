// What a load generator sends: the bodies of all requests, made before the clock runs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace thermocline {

struct LoadOptions {
  // steady: one set of series of a busy fleet, a sample each at every interval.
  // mix15: the same with 2,000 series for 12 h unless told otherwise.
  // churn: series that live for `samples` samples and are replaced, 20,000 at a time.
  // cardinality: one metric with a request_id in each series.
  std::string workload = "steady";
  uint32_t series = 0;   // 0: as the workload is defined
  uint32_t samples = 0;  // of each series; 0 likewise
  uint32_t connections = 2;
  uint64_t seed = 1;
  int64_t interval_ms = 15 * kSecondMs;
  // Time of the first samples; 0: so that the last ones lie a minute before `now_ms`.
  TimestampMs start_ms = 0;
  TimestampMs now_ms = 0;
};

struct LoadPlan {
  // Snappy-compressed requests of up to 2,000 samples; bodies[c] is what connection c sends, in
  // order. A series is always sent by the same connection, so its samples stay in order.
  std::vector<std::vector<std::string>> bodies;
  uint64_t series = 0;
  uint64_t samples = 0;
  long double sum = 0;  // of all values
  TimeRange range;      // of all samples
};

// InvalidArgument when the workload is unknown or there are no connections.
Result<LoadPlan> PlanLoad(LoadOptions options);

}  // namespace thermocline
