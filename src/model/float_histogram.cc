#include "model/float_histogram.h"

#include <algorithm>
#include <cmath>

#include "model/float_histogram_parts.h"

namespace thermocline {
namespace {

bool AllSameBits(const std::vector<double>& a, const std::vector<double>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](double x, double y) { return SameBits(x, y); });
}

// The same buckets, however they are cut into spans. Spans without length add to the next offset.
bool SpansMatch(const std::vector<HistogramSpan>& a, const std::vector<HistogramSpan>& b) {
  size_t i = 0;
  size_t j = 0;
  // Skips empty spans; the gap to the next span with buckets, or false at the end.
  const auto next = [](const std::vector<HistogramSpan>& spans, size_t* at, int64_t* gap) {
    *gap = 0;
    while (*at < spans.size()) {
      *gap += spans[*at].offset;
      if (spans[(*at)++].length > 0) return true;
    }
    return false;
  };
  while (true) {
    int64_t gap_a = 0;
    int64_t gap_b = 0;
    const bool more_a = next(a, &i, &gap_a);
    const bool more_b = next(b, &j, &gap_b);
    if (more_a != more_b) return false;
    if (!more_a) return true;
    if (gap_a != gap_b || a[i - 1].length != b[j - 1].length) return false;
  }
}

void ScaleAll(FloatHistogram* h, double (*scale)(double, double), double by) {
  h->zero_count = scale(h->zero_count, by);
  h->count = scale(h->count, by);
  h->sum = scale(h->sum, by);
  for (double& count : h->positive_buckets) count = scale(count, by);
  for (double& count : h->negative_buckets) count = scale(count, by);
  if (by < 0) h->reset_hint = CounterResetHint::kGauge;
}

}  // namespace

void ToFloat(const Histogram& from, FloatHistogram* out) {
  out->reset_hint = from.reset_hint;
  out->schema = from.schema;
  out->zero_threshold = from.zero_threshold;
  out->sum = from.sum;
  out->positive_spans = from.positive_spans;
  out->negative_spans = from.negative_spans;
  out->custom_bounds = from.custom_bounds;
  if (from.is_float()) {
    out->zero_count = from.float_zero_count;
    out->count = from.float_count;
    out->positive_buckets = from.positive_floats;
    out->negative_buckets = from.negative_floats;
    return;
  }
  out->zero_count = static_cast<double>(from.zero_count);
  out->count = static_cast<double>(from.count);
  out->positive_buckets.assign(from.positive_counts.begin(), from.positive_counts.end());
  out->negative_buckets.assign(from.negative_counts.begin(), from.negative_counts.end());
}

FloatHistogram ToFloat(const Histogram& from) {
  FloatHistogram out;
  ToFloat(from, &out);
  return out;
}

Histogram ToStored(const FloatHistogram& from) {
  Histogram out;
  out.kind = SampleKind::kFloatHistogram;
  out.reset_hint = from.reset_hint;
  out.schema = from.schema;
  out.zero_threshold = from.zero_threshold;
  out.sum = from.sum;
  out.float_count = from.count;
  out.float_zero_count = from.zero_count;
  out.positive_spans = from.positive_spans;
  out.negative_spans = from.negative_spans;
  out.positive_floats = from.positive_buckets;
  out.negative_floats = from.negative_buckets;
  out.custom_bounds = from.custom_bounds;
  return out;
}

void Multiply(FloatHistogram* h, double factor) {
  ScaleAll(
      h, [](double value, double by) { return value * by; }, factor);
}

void Divide(FloatHistogram* h, double divisor) {
  if (divisor == 0) {
    h->positive_spans.clear();
    h->negative_spans.clear();
    h->positive_buckets.clear();
    h->negative_buckets.clear();
  }
  ScaleAll(
      h, [](double value, double by) { return value / by; }, divisor);
}

bool Equals(const FloatHistogram& a, const FloatHistogram& b) {
  if (a.schema != b.schema || !SameBits(a.count, b.count) || !SameBits(a.sum, b.sum)) return false;
  if (a.uses_custom_bounds() && a.custom_bounds != b.custom_bounds) return false;
  return a.zero_threshold == b.zero_threshold && SameBits(a.zero_count, b.zero_count) &&
         SpansMatch(a.negative_spans, b.negative_spans) &&
         AllSameBits(a.negative_buckets, b.negative_buckets) &&
         SpansMatch(a.positive_spans, b.positive_spans) &&
         AllSameBits(a.positive_buckets, b.positive_buckets);
}

size_t SizeAsPrometheus(const FloatHistogram& h) {
  constexpr size_t kStruct = 168;
  return kStruct +
         8 * (h.positive_spans.size() + h.negative_spans.size() + h.positive_buckets.size() +
              h.negative_buckets.size() + h.custom_bounds.size());
}

bool HasOverflow(const FloatHistogram& h) {
  const auto any = [](const std::vector<double>& values) {
    return std::any_of(values.begin(), values.end(), [](double v) { return std::isinf(v); });
  };
  return std::isinf(h.zero_count) || std::isinf(h.count) || std::isinf(h.sum) ||
         any(h.positive_buckets) || any(h.negative_buckets) || any(h.custom_bounds);
}

}  // namespace thermocline
