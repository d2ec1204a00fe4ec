// A native histogram, integer or float, as Prometheus' model/histogram has it.
#pragma once

#include <cstdint>
#include <vector>

#include "model/sample.h"

namespace thermocline {

// What is known about a counter reset between this histogram and the one before. Stored on disk:
// never renumber.
enum class CounterResetHint : uint8_t { kUnknown = 0, kReset = 1, kNotReset = 2, kGauge = 3 };

// `offset` empty buckets (the first span's: its first bucket index), then `length` buckets.
struct HistogramSpan {
  int32_t offset = 0;
  uint32_t length = 0;
  friend bool operator==(const HistogramSpan&, const HistogramSpan&) = default;
};

inline constexpr int32_t kCustomBoundsSchema = -53;

// Bucket counts are absolute, one per bucket of the spans, in span order; chunk formats that keep
// differences between neighbours add them up. An integer histogram (kHistogram) uses the integer
// fields and leaves the float ones empty, a float histogram (kFloatHistogram) the reverse.
// Integer arithmetic on counts wraps modulo 2^64, so every stored bit pattern survives.
// Stale: `sum` is the stale marker; then there are no spans and no buckets.
struct Histogram {
  SampleKind kind = SampleKind::kHistogram;
  CounterResetHint reset_hint = CounterResetHint::kUnknown;
  int32_t schema = 0;  // -4 .. 8 exponential, kCustomBoundsSchema: `custom_bounds`
  double zero_threshold = 0;
  double sum = 0;
  uint64_t count = 0;
  uint64_t zero_count = 0;
  double float_count = 0;
  double float_zero_count = 0;
  std::vector<HistogramSpan> positive_spans;
  std::vector<HistogramSpan> negative_spans;
  std::vector<int64_t> positive_counts;
  std::vector<int64_t> negative_counts;
  std::vector<double> positive_floats;
  std::vector<double> negative_floats;
  std::vector<double> custom_bounds;  // upper bounds, ascending; the last bucket's is +Inf

  bool is_float() const { return kind == SampleKind::kFloatHistogram; }
};

// Every field equal, floats bit for bit; with `with_hint` the reset hints too.
bool SameBits(const Histogram& a, const Histogram& b, bool with_hint = true);
// As SameBits without hints, but spans may hold other empty buckets: non-empty buckets agree by
// their index. A chunk that was rewritten may carry extra empty buckets.
bool SameBuckets(const Histogram& a, const Histogram& b);
// Whether one is the other sent again (Prometheus' Histogram.Equals): same kind, counts, sum,
// buckets by their bits; bounds of custom buckets and zero thresholds as numbers; spans without the
// empty ones. Hints do not count.
bool IsRepetition(const Histogram& a, const Histogram& b);
// The counts are as many as the spans say.
bool IsWellFormed(const Histogram& h);

}  // namespace thermocline
