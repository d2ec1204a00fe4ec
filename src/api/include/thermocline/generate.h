// Data sets from a seed, for benchmarks and tests: the same seed gives the same bytes on every
// machine.
#pragma once

#include <cstdint>

#include <thermocline/export.h>
#include <thermocline/source.h>
#include <thermocline/status.h>

namespace thermocline::api {

enum class Workload {
  // A busy fleet: constants, counters, CPU seconds, small gauges, byte gauges, full-mantissa
  // floats,
  // slow counters; twelve labels; 2 % of the timestamps jittered.
  kFleet,
  kCardinality,  // counters of one metric, each with a request_id of its own
  kChurn,        // counters of pods that live for `samples` samples; 20,000 at a time
};

struct GenerateOptions {
  Workload workload = Workload::kFleet;
  uint64_t seed = 1;
  uint32_t series = 2000;
  uint32_t samples = 2880;  // of each series
  int64_t interval_ms = 15'000;
  int64_t start_ms = 1'760'000'000'000;
};

// The data set as a source, to be read, queried or converted: its samples are made while they are
// read. The defaults are mix15, the set that Thermocline's own figures are of.
// InvalidArgument for no series, no samples or no interval.
THERMOCLINE_API Result<Source> Generate(const GenerateOptions& options = {});

}  // namespace thermocline::api
