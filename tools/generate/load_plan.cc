#include "generate/load_plan.h"

#include <algorithm>

#include "codec/compression.h"
#include "generate/workloads.h"
#include "generate/write_request.h"

namespace thermocline {
namespace {

constexpr uint32_t kSamplesPerRequest = 2000;

struct WorkloadShape {
  std::string_view name;
  uint32_t series;
  uint32_t samples;
};
constexpr WorkloadShape kShapes[] = {
    {"steady", 20'000, 400},
    {"mix15", 2000, 2880},
    {"churn", 500'000, 8},
    {"cardinality", 100'000, 1},
};

// Series that start and end together.
struct Cohort {
  std::vector<std::string> labels;                 // encoded
  std::vector<std::vector<TimestampMs>> times_ms;  // of each series
  std::vector<std::vector<double>> values;
};

Cohort Fleet(const LoadOptions& options) {
  Mix15Options mix;
  mix.seed = options.seed;
  mix.metrics = (options.series + mix.series_per_metric - 1) / mix.series_per_metric;
  mix.samples = options.samples;
  mix.interval_ms = options.interval_ms;
  mix.start_ms = options.start_ms;
  Cohort cohort;
  for (uint32_t i = 0; i < options.series; ++i) {
    GeneratedSeries series = Mix15Series(mix, i);
    cohort.labels.push_back(EncodeSeriesLabels(series.labels));
    cohort.times_ms.push_back(std::move(series.timestamps_ms));
    cohort.values.push_back(std::move(series.values));
  }
  return cohort;
}

// Counters of series [first, end), which share their times.
Cohort Counters(const LoadOptions& options, bool churn, uint32_t first, uint32_t end) {
  const uint64_t generation = first / kChurnCohort;
  const TimestampMs start_ms =
      options.start_ms +
      (churn ? static_cast<int64_t>(generation) * options.samples * options.interval_ms : 0);
  Cohort cohort;
  for (uint32_t i = first; i < end; ++i) {
    const Labels labels =
        churn ? ChurnLabels(i, generation) : HighCardinalityLabels(options.seed, i);
    cohort.labels.push_back(EncodeSeriesLabels(labels));
    auto& times_ms = cohort.times_ms.emplace_back();
    auto& values = cohort.values.emplace_back();
    for (uint32_t step = 0; step < options.samples; ++step) {
      times_ms.push_back(start_ms + step * options.interval_ms);
      values.push_back(CounterValue(i, step));
    }
  }
  return cohort;
}

// One step of all series after the other, as scrapes do.
void AppendBodies(const Cohort& cohort, uint32_t samples, LoadPlan* plan) {
  const auto series = static_cast<uint32_t>(cohort.labels.size());
  std::string message;
  for (uint32_t step = 0; step < samples; ++step) {
    for (uint32_t first = 0; first < series; first += kSamplesPerRequest) {
      const uint32_t end = std::min(series, first + kSamplesPerRequest);
      message.clear();
      for (uint32_t i = first; i < end; ++i) {
        const TimestampMs time_ms = cohort.times_ms[i][step];
        const double value = cohort.values[i][step];
        AppendTimeSeries(cohort.labels[i], time_ms, value, &message);
        plan->range.Extend(time_ms);
        plan->sum += value;
      }
      plan->samples += end - first;
      auto& bodies = plan->bodies[first / kSamplesPerRequest % plan->bodies.size()];
      SnappyEncode(message, &bodies.emplace_back());
    }
  }
  plan->series += series;
}

}  // namespace

Result<LoadPlan> PlanLoad(LoadOptions options) {
  const auto* shape = std::find_if(std::begin(kShapes), std::end(kShapes),
                                   [&](const auto& s) { return s.name == options.workload; });
  if (shape == std::end(kShapes)) {
    return Status::InvalidArgument("unknown workload '" + options.workload +
                                   "': steady, churn, mix15 or cardinality");
  }
  if (options.connections == 0) return Status::InvalidArgument("no connections");
  if (options.interval_ms <= 0) return Status::InvalidArgument("no interval");
  if (options.series == 0) options.series = shape->series;
  if (options.samples == 0) options.samples = shape->samples;
  const bool churn = options.workload == "churn";
  const uint32_t cohort_size = churn ? kChurnCohort : options.series;
  const uint32_t cohorts = (options.series + cohort_size - 1) / cohort_size;
  if (options.start_ms == 0) {
    options.start_ms =
        options.now_ms - kMinuteMs - int64_t{cohorts} * options.samples * options.interval_ms;
  }
  LoadPlan plan;
  plan.bodies.resize(options.connections);
  for (uint32_t first = 0; first < options.series; first += cohort_size) {
    const uint32_t end = std::min(options.series, first + cohort_size);
    const bool counters = churn || options.workload == "cardinality";
    AppendBodies(counters ? Counters(options, churn, first, end) : Fleet(options), options.samples,
                 &plan);
  }
  return plan;
}

}  // namespace thermocline
