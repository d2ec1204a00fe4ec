#include "generate/workloads.h"

#include <fmt/core.h>

#include <cmath>

namespace thermocline {
namespace {

// splitmix64 (Steele, Lea, Flood 2014): small, seedable and the same everywhere, unlike <random>'s
// distributions.
class Sequence {
 public:
  explicit Sequence(uint64_t seed) : state_(seed) {}
  uint64_t Next() {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15ull);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
  }
  uint64_t Below(uint64_t bound) { return Next() % bound; }
  double Unit() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }

 private:
  uint64_t state_;
};

enum class Shape {
  kConstant,
  kCounter,
  kCpuSeconds,
  kSmallGauge,
  kByteGauge,
  kMantissa,
  kSlowCounter
};

// Twenty metrics hold each share exactly: 6 constant, 5 counters, 2 + 2 + 2 + 2 of the gauges and
// floats, 1 slow counter.
Shape ShapeOf(uint32_t metric) {
  const uint32_t slot = metric % 20;
  if (slot < 6) return Shape::kConstant;
  if (slot < 11) return Shape::kCounter;
  if (slot < 13) return Shape::kCpuSeconds;
  if (slot < 15) return Shape::kSmallGauge;
  if (slot < 17) return Shape::kByteGauge;
  if (slot < 19) return Shape::kMantissa;
  return Shape::kSlowCounter;
}

// The next value after `previous`; `base` is the series' own scale.
double NextValue(Shape shape, double previous, double base, Sequence& random) {
  switch (shape) {
    case Shape::kConstant: return previous;
    case Shape::kCounter: return previous + static_cast<double>(random.Below(200));
    case Shape::kCpuSeconds: return std::round((previous + random.Unit() * 15) * 100) / 100;
    case Shape::kSmallGauge: return static_cast<double>(random.Below(64));
    case Shape::kByteGauge:
      return previous + 4096.0 * (static_cast<double>(random.Below(2001)) - 1000);
    case Shape::kMantissa: return base * random.Unit();
    case Shape::kSlowCounter: return previous + (random.Below(20) == 0 ? 1 : 0);
  }
  return previous;
}

Labels Mix15Labels(uint32_t metric, uint32_t instance) {
  LabelsBuilder builder;
  builder.Set(kMetricNameLabel, fmt::format("fleet_metric_{:03}_total", metric));
  builder.Set("job", fmt::format("job-{}", metric % 8));
  builder.Set("instance", fmt::format("10.0.{}.{}:9100", metric % 4, instance));
  builder.Set("dc", instance % 2 == 0 ? "eu-1" : "us-1");
  builder.Set("env", "prod");
  builder.Set("cluster", fmt::format("c{}", instance % 3));
  builder.Set("namespace", fmt::format("ns-{}", metric % 12));
  builder.Set("pod", fmt::format("pod-{}-{:05x}", instance, (metric % 12) * 7919 + instance));
  builder.Set("container", fmt::format("app-{}", metric % 12));
  builder.Set("team", fmt::format("team-{}", metric % 6));
  builder.Set("version", "1.4.2");
  builder.Set("zone", fmt::format("z{}", instance % 3));
  builder.Set("mode", fmt::format("m{}", metric % 5));
  return builder.Build();
}

}  // namespace

GeneratedSeries Mix15Series(const Mix15Options& options, uint32_t index) {
  const uint32_t metric = index / options.series_per_metric;
  const uint32_t instance = index % options.series_per_metric;
  Sequence random(options.seed * 0x2545F4914F6CDD1Dull + index);
  const Shape shape = ShapeOf(metric);
  const double base = std::exp2(static_cast<double>(10 + random.Below(24)));
  GeneratedSeries series;
  series.labels = Mix15Labels(metric, instance);
  series.timestamps_ms.reserve(options.samples);
  series.values.reserve(options.samples);
  double value =
      shape == Shape::kByteGauge ? 4096 * std::round(base / 64) : std::round(base / 1000);
  const auto phase_ms =
      static_cast<int64_t>(random.Below(static_cast<uint64_t>(options.interval_ms)));
  for (uint32_t i = 0; i < options.samples; ++i) {
    const bool jittered = random.Below(50) == 0;
    const int64_t jitter_ms = jittered ? static_cast<int64_t>(random.Below(101)) - 50 : 0;
    series.timestamps_ms.push_back(options.start_ms + phase_ms + 50 + i * options.interval_ms +
                                   jitter_ms);
    value = NextValue(shape, value, base, random);
    series.values.push_back(value);
  }
  return series;
}

Labels HighCardinalityLabels(uint64_t seed, uint64_t index) {
  Sequence random(seed + index * 0x9E3779B97F4A7C15ull);
  LabelsBuilder builder;
  builder.Set(kMetricNameLabel, "http_request_duration_seconds");
  builder.Set("job", "api");
  builder.Set("method", index % 4 == 0 ? "POST" : "GET");
  builder.Set("path", fmt::format("/v1/resource/{}", index % 40));
  builder.Set("status", index % 50 == 0 ? "500" : "200");
  builder.Set("request_id", fmt::format("{:016x}{:016x}", random.Next(), index));
  return builder.Build();
}

Labels ChurnLabels(uint64_t index, uint64_t generation) {
  LabelsBuilder builder;
  builder.Set(kMetricNameLabel, fmt::format("container_metric_{}", index % 50));
  builder.Set("job", "kubelet");
  builder.Set("instance", fmt::format("node-{}", index / 50 % 40));
  builder.Set("namespace", fmt::format("ns-{}", index % 20));
  builder.Set("container", fmt::format("c-{}", index % 30));
  builder.Set("pod", fmt::format("pod-{}-{}", generation, index));
  return builder.Build();
}

}  // namespace thermocline
