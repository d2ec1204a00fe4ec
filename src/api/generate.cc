#include <thermocline/generate.h>

#include "api/bridge.h"
#include "generate/workloads.h"

namespace thermocline::api {
namespace {

Mix15Options FleetOf(const GenerateOptions& options) {
  Mix15Options fleet;
  fleet.seed = options.seed;
  fleet.metrics = (options.series + fleet.series_per_metric - 1) / fleet.series_per_metric;
  fleet.samples = options.samples;
  fleet.interval_ms = options.interval_ms;
  fleet.start_ms = options.start_ms;
  return fleet;
}

Result<Source> Fleet(const GenerateOptions& options) {
  const Mix15Options fleet = FleetOf(options);
  Mix15Options no_samples = fleet;
  no_samples.samples = 0;
  return Source::Make(
      options.series,
      [no_samples](size_t i) {
        return LabelBytes::Of(Mix15Series(no_samples, static_cast<uint32_t>(i)).labels);
      },
      [fleet](size_t i, SampleBatch* out) {
        GeneratedSeries series = Mix15Series(fleet, static_cast<uint32_t>(i));
        out->timestamps_ms = std::move(series.timestamps_ms);
        out->values = std::move(series.values);
        return Status::Ok();
      });
}

Result<Source> Counters(const GenerateOptions& options) {
  const bool churn = options.workload == Workload::kChurn;
  return Source::Make(
      options.series,
      [options, churn](size_t i) {
        return LabelBytes::Of(churn ? ChurnLabels(i, i / kChurnCohort)
                                    : HighCardinalityLabels(options.seed, i));
      },
      [options, churn](size_t i, SampleBatch* out) {
        const auto generation = static_cast<int64_t>(churn ? i / kChurnCohort : 0);
        const int64_t first_step = generation * options.samples;
        for (uint32_t step = 0; step < options.samples; ++step) {
          out->AddFloat(options.start_ms + (first_step + step) * options.interval_ms,
                        CounterValue(i, step));
        }
        return Status::Ok();
      });
}

}  // namespace

Result<Source> Generate(const GenerateOptions& options) {
  if (options.series == 0 || options.samples == 0 || options.interval_ms <= 0) {
    return Status(Code::kInvalidArgument, "a data set has series, samples and an interval");
  }
  if (options.workload == Workload::kFleet) return Fleet(options);
  return Counters(options);
}

}  // namespace thermocline::api
