// Samples of series in columns: floats, native histograms, start timestamps.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <thermocline/export.h>

namespace thermocline::api {

inline constexpr int64_t kMinTimeMs = std::numeric_limits<int64_t>::min();
inline constexpr int64_t kMaxTimeMs = std::numeric_limits<int64_t>::max();

// Milliseconds since the Unix epoch, both ends inclusive. Empty when end_ms < start_ms.
struct TimeRange {
  int64_t start_ms = kMinTimeMs;
  int64_t end_ms = kMaxTimeMs;
  bool empty() const { return end_ms < start_ms; }
};

// The NaN that marks the end of a series; every other NaN is a value.
inline double StaleMarker() { return std::bit_cast<double>(uint64_t{0x7ff0000000000002}); }
inline bool IsStale(double value) {
  return std::bit_cast<uint64_t>(value) == uint64_t{0x7ff0000000000002};
}

enum class ResetHint : uint8_t { kUnknown = 0, kReset = 1, kNotReset = 2, kGauge = 3 };

// `offset` empty buckets (the first span's: its first bucket index), then `length` buckets.
struct HistogramSpan {
  int32_t offset = 0;
  uint32_t length = 0;
};

inline constexpr int32_t kCustomBoundsSchema = -53;

// A native histogram as Prometheus has it. Counts are absolute, one a bucket of the spans. An
// integer histogram uses the integer fields, a float histogram the float ones; the others are
// empty.
struct Histogram {
  bool is_float = false;
  ResetHint reset_hint = ResetHint::kUnknown;
  int32_t schema = 0;  // -4 to 8 exponential, or kCustomBoundsSchema with `custom_bounds`
  double zero_threshold = 0;
  double sum = 0;  // the stale marker when the histogram is stale
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
};

// Samples of several series, one series after the other. All columns are as long as
// `timestamps_ms`, or empty where said.
struct SampleBatch {
  static constexpr uint32_t kNoHistogram = std::numeric_limits<uint32_t>::max();

  std::vector<uint32_t> offsets = {0};       // series i owns [offsets[i], offsets[i + 1])
  std::vector<int64_t> timestamps_ms;        // ascending and distinct within a series
  std::vector<double> values;                // of a histogram its sum
  std::vector<int64_t> start_timestamps_ms;  // empty, or 0 = none
  std::vector<uint32_t> histogram_index;     // empty, or index into `histograms` or kNoHistogram
  std::vector<Histogram> histograms;

  size_t series_count() const { return offsets.size() - 1; }
  size_t sample_count() const { return timestamps_ms.size(); }
  std::span<const int64_t> times(size_t series) const { return Of(timestamps_ms, series); }
  std::span<const double> floats(size_t series) const { return Of(values, series); }
  // Null for a float. `sample` counts from the batch's first.
  const Histogram* histogram(size_t sample) const {
    if (histogram_index.empty() || histogram_index[sample] == kNoHistogram) return nullptr;
    return &histograms[histogram_index[sample]];
  }
  int64_t start_ms(size_t sample) const {
    return start_timestamps_ms.empty() ? 0 : start_timestamps_ms[sample];
  }

  // Building one: samples of a series in order, then EndSeries.
  THERMOCLINE_API void AddFloat(int64_t time_ms, double value, int64_t start_ms = 0);
  THERMOCLINE_API void AddHistogram(int64_t time_ms, Histogram histogram, int64_t start_ms = 0);
  void EndSeries() { offsets.push_back(static_cast<uint32_t>(timestamps_ms.size())); }
  THERMOCLINE_API void Clear();

 private:
  template <typename T>
  std::span<const T> Of(const std::vector<T>& column, size_t series) const {
    return std::span(column).subspan(offsets[series], offsets[series + 1] - offsets[series]);
  }
  void AddTo(int64_t time_ms, double value, int64_t start_ms);
};

// What a metric is, as exposition formats tell it.
struct MetricMetadata {
  std::string family;
  std::string type;  // counter, gauge, histogram, gaugehistogram, summary, info, stateset, unknown
  std::string help;
  std::string unit;
};

}  // namespace thermocline::api
