// Native histograms for the tests of the head: one series' counter or gauge as it goes on.
#pragma once

#include <random>

#include "model/histogram.h"

namespace thermocline {

// Integer or float; exponential or custom bounds; counters that grow, sometimes reset, get buckets
// or another schema; gauges; stale markers; NaN sums and counts of all 64 bits now and then.
class HistogramStream {
 public:
  explicit HistogramStream(uint64_t seed) : random_(seed) { Restart(); }

  Histogram Next() {
    const uint64_t dice = random_() % 40;
    if (dice == 0) return Stale();
    if (dice == 1) Restart();
    if (dice == 2) Reset();
    if (dice == 3) Widen();
    Grow();
    Histogram out = now_;
    if (random_() % 30 == 0) out.sum = NormalNan();
    if (random_() % 20 == 0 && out.reset_hint != CounterResetHint::kGauge) {
      out.reset_hint = static_cast<CounterResetHint>(random_() % 3);
    }
    return out;
  }

 private:
  static constexpr double kEighth = 0.125;

  Histogram Stale() {
    Histogram h;
    h.kind = now_.kind;
    h.sum = StaleMarker();
    return h;
  }

  void Restart() {
    now_ = Histogram();
    if (random_() % 3 == 0) now_.kind = SampleKind::kFloatHistogram;
    if (random_() % 4 == 0) now_.reset_hint = CounterResetHint::kGauge;
    if (random_() % 3 == 0) {
      now_.schema = kCustomBoundsSchema;
      for (int i = 0; i < 5; ++i) now_.custom_bounds.push_back(i * 1.5 + kEighth);
      now_.positive_spans = {{1, 2}, {1, 1}};
    } else {
      now_.schema = static_cast<int32_t>(random_() % 13) - 4;
      now_.zero_threshold = random_() % 2 == 0 ? 0x1p-128 : 0.001;
      now_.positive_spans = {{static_cast<int32_t>(random_() % 9) - 4, 2}, {3, 1}};
      if (random_() % 2 == 0) now_.negative_spans = {{-3, 2}};
    }
    Resize();
  }

  void Resize() {
    now_.positive_floats.clear();
    now_.positive_counts.clear();
    now_.negative_floats.clear();
    now_.negative_counts.clear();
    if (now_.is_float()) {
      now_.positive_floats.resize(Buckets(now_.positive_spans));
      now_.negative_floats.resize(Buckets(now_.negative_spans));
    } else {
      now_.positive_counts.resize(Buckets(now_.positive_spans));
      now_.negative_counts.resize(Buckets(now_.negative_spans));
    }
    now_.count = now_.zero_count = 0;
    now_.float_count = now_.float_zero_count = now_.sum = 0;
  }
  static size_t Buckets(const std::vector<HistogramSpan>& spans) {
    size_t buckets = 0;
    for (const HistogramSpan& span : spans) buckets += span.length;
    return buckets;
  }

  void Reset() { Resize(); }
  void Widen() {
    if (now_.schema == kCustomBoundsSchema) return;
    now_.positive_spans.push_back({static_cast<int32_t>(random_() % 3), 1});
    now_.is_float() ? now_.positive_floats.push_back(0) : now_.positive_counts.push_back(0);
  }

  void Grow() {
    now_.sum += static_cast<double>(random_() % 1000) / 8;
    const bool custom = now_.schema == kCustomBoundsSchema;
    if (now_.is_float()) {
      const auto grow = [this](double* count) {
        const double by = static_cast<double>(random_() % 50) / 10;
        *count += by;
        now_.float_count += by;
      };
      if (!custom) grow(&now_.float_zero_count);
      for (double& count : now_.positive_floats) grow(&count);
      for (double& count : now_.negative_floats) grow(&count);
    } else {
      const auto grow = [this](auto* count) {
        const uint64_t by = random_() % 200 == 0 ? random_() >> 9 : random_() % 30;
        *count += static_cast<std::decay_t<decltype(*count)>>(by);
        now_.count += by;
      };
      if (!custom) grow(&now_.zero_count);
      for (int64_t& count : now_.positive_counts) grow(&count);
      for (int64_t& count : now_.negative_counts) grow(&count);
    }
  }

  std::mt19937_64 random_;
  Histogram now_;
};

}  // namespace thermocline
