// Native histograms of every kind for the tests of this room.
#pragma once

#include <bit>
#include <random>

#include "model/histogram.h"

namespace thermocline {

// Any bit pattern now and then, the stale marker never.
inline double RandomFloat(std::mt19937_64& random) {
  if (random() % 4 != 0) return static_cast<double>(random() % 1000) / 8;
  const auto v = std::bit_cast<double>(random());
  return IsStale(v) ? 0 : v;
}

inline std::vector<HistogramSpan> RandomSpans(std::mt19937_64& random, size_t* buckets) {
  std::vector<HistogramSpan> spans;
  *buckets = 0;
  for (size_t i = random() % 4; i > 0; --i) {
    const auto length = static_cast<uint32_t>(random() % 6);
    spans.push_back({static_cast<int32_t>(random() % 40) - 20, length});
    *buckets += length;
  }
  return spans;
}

// Integer or float; exponential, custom bounds, gauge, stale; counts of 64 bits and NaNs.
inline Histogram RandomHistogram(std::mt19937_64& random) {
  Histogram h;
  if (random() % 2) h.kind = SampleKind::kFloatHistogram;
  h.reset_hint = static_cast<CounterResetHint>(random() % 4);
  h.schema = random() % 4 == 0 ? kCustomBoundsSchema : static_cast<int32_t>(random() % 13) - 4;
  if (random() % 10 == 0) {
    h.sum = StaleMarker();
    return h;
  }
  h.sum = RandomFloat(random);
  h.zero_threshold = RandomFloat(random);
  size_t positive = 0;
  size_t negative = 0;
  h.positive_spans = RandomSpans(random, &positive);
  h.negative_spans = RandomSpans(random, &negative);
  if (h.schema == kCustomBoundsSchema) {
    for (size_t i = 0; i < positive; ++i) h.custom_bounds.push_back(RandomFloat(random));
  }
  const auto count = [&random] { return random() % 5 == 0 ? random() : random() % 100; };
  if (h.is_float()) {
    h.float_count =
        random() % 9 == 0 ? std::bit_cast<double>(0x7ff0000000000003ull) : RandomFloat(random);
    h.float_zero_count = RandomFloat(random);
    while (h.positive_floats.size() < positive) h.positive_floats.push_back(RandomFloat(random));
    while (h.negative_floats.size() < negative) h.negative_floats.push_back(RandomFloat(random));
    return h;
  }
  h.count = random() % 9 == 0 ? uint64_t{1} << 63 : count();
  h.zero_count = count();
  const auto add = [&](size_t buckets, std::vector<int64_t>* counts) {
    while (counts->size() < buckets) counts->push_back(static_cast<int64_t>(count()));
  };
  add(positive, &h.positive_counts);
  add(negative, &h.negative_counts);
  return h;
}

}  // namespace thermocline
