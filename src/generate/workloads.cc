#include "generate/workloads.h"

#include <fmt/core.h>

#include <algorithm>
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

// The values of one series, one after the other. What each shape draws, in words and with the sizes
// that follow, is in docs/benchmarks.md, "mix15"; a change makes all its figures incomparable.
class Values {
 public:
  Values(Shape shape, Sequence& random) : shape_(shape), random_(random) {
    switch (shape_) {
      case Shape::kConstant: value_ = std::round(std::exp2(random_.Unit() * 20)); break;
      case Shape::kCounter:
        rate_ = std::exp2(random_.Unit() * 9);
        value_ = std::round(rate_ * Uptime());
        break;
      case Shape::kCpuSeconds:
        rate_ = random_.Unit();
        value_ = std::round(rate_ * kTicks * Uptime());
        break;
      case Shape::kSmallGauge: value_ = Below(64); break;
      case Shape::kByteGauge: value_ = std::round(std::exp2(10 + random_.Unit() * 8)); break;
      case Shape::kMantissa: value_ = std::exp2(Below(24)); break;
      case Shape::kSlowCounter: value_ = Below(1000); break;
    }
  }

  double Next() {
    switch (shape_) {
      case Shape::kConstant: return value_;
      case Shape::kCounter: return NextCount();
      case Shape::kCpuSeconds: return NextCpuSeconds();
      case Shape::kSmallGauge:
        if (random_.Unit() < 0.7) {
          const double step = 1 + Below(3);
          value_ += random_.Below(2) == 0 ? -step : step;
        }
        return value_ = std::clamp(value_, 0.0, 64.0);
      case Shape::kByteGauge:
        if (random_.Unit() < 0.9) value_ = std::max(16.0, value_ + Below(129) - 64);
        return value_ * kPageBytes;
      case Shape::kMantissa: return value_ * (1 + random_.Unit());
      case Shape::kSlowCounter: return value_ += random_.Below(20) == 0 ? 1 : 0;
    }
    return value_;
  }

 private:
  static constexpr double kTicks = 1500;  // of 10 ms in a scrape interval of 15 s
  static constexpr double kPageBytes = 4096;

  double Below(uint64_t bound) { return static_cast<double>(random_.Below(bound)); }
  double Symmetric() { return random_.Unit() * 2 - 1; }
  // Scrapes before the first one kept: an hour to a week.
  double Uptime() { return 240 + Below(40'000); }
  // Nearly normal, mean 0, variance 1: twelve uniform draws, which no library's logarithm touches.
  double Normal() {
    double sum = 0;
    for (int i = 0; i < 12; ++i) sum += random_.Unit();
    return sum - 6;
  }
  // Events arrive at random, at a rate that wanders within a quarter and four times the first.
  double NextCount() {
    drift_ = std::clamp(drift_ * (1 + 0.02 * Symmetric()), 0.25, 4.0);
    const double mean = rate_ * drift_;
    return value_ += std::max(0.0, std::round(mean + std::sqrt(mean) * Normal()));
  }
  // One core whose load wanders; it counts ticks.
  double NextCpuSeconds() {
    rate_ = std::clamp(rate_ + 0.01 * Symmetric(), 0.0, 1.0);
    value_ += std::round(kTicks * rate_ * (1 + 0.05 * Symmetric()));
    return value_ / 100;
  }

  const Shape shape_;
  Sequence& random_;
  double value_ = 0;  // ticks, pages or the scale where those are what the shape keeps
  double rate_ = 0;   // events a scrape, or load between 0 and 1
  double drift_ = 1;
};

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
  GeneratedSeries series;
  series.labels = Mix15Labels(metric, instance);
  series.timestamps_ms.reserve(options.samples);
  series.values.reserve(options.samples);
  Values values(ShapeOf(metric), random);
  const auto phase_ms =
      static_cast<int64_t>(random.Below(static_cast<uint64_t>(options.interval_ms)));
  for (uint32_t i = 0; i < options.samples; ++i) {
    const bool jittered = random.Below(50) == 0;
    const int64_t jitter_ms = jittered ? static_cast<int64_t>(random.Below(101)) - 50 : 0;
    series.timestamps_ms.push_back(options.start_ms + phase_ms + 50 + i * options.interval_ms +
                                   jitter_ms);
    series.values.push_back(values.Next());
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

double CounterValue(uint64_t index, uint32_t step) {
  return static_cast<double>(index % 1000 + step * (1 + index % 7));
}

}  // namespace thermocline
