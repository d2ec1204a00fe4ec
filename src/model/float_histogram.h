// A native histogram with float counts and the arithmetic that queries do on it.
// Source: Prometheus' model/histogram/float_histogram.go and generic.go; promql-semantics 3.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/histogram.h"

namespace thermocline {

// Every query computes with this form, whatever was stored. Bucket counts are absolute, one per
// bucket of the spans, in span order. Stale: `sum` is the stale marker. A value: copying is deep,
// assigning to one that was used before reuses its memory.
struct FloatHistogram {
  CounterResetHint reset_hint = CounterResetHint::kUnknown;
  int32_t schema = 0;  // -4 .. 8 exponential, kCustomBoundsSchema: `custom_bounds`
  double zero_threshold = 0;
  double zero_count = 0;
  double count = 0;
  double sum = 0;
  std::vector<HistogramSpan> positive_spans;
  std::vector<HistogramSpan> negative_spans;
  std::vector<double> positive_buckets;
  std::vector<double> negative_buckets;
  std::vector<double> custom_bounds;  // upper bounds, ascending; the last bucket's is +Inf

  bool uses_custom_bounds() const { return schema == kCustomBoundsSchema; }
};

// Replaces `out`; integer counts become the nearest doubles, as uint64_t and int64_t convert.
void ToFloat(const Histogram& from, FloatHistogram* out);
FloatHistogram ToFloat(const Histogram& from);
// As a float histogram is stored.
Histogram ToStored(const FloatHistogram& from);

// What an addition or subtraction noticed; queries warn of it.
struct HistogramSumNotes {
  bool reset_collision = false;    // one says "counter reset", the other "no counter reset"
  bool bounds_reconciled = false;  // custom bounds differed; the common ones were kept
};

// Adds `other` to `h`, both brought to the coarser schema and the wider zero bucket first.
// nullopt, and `h` unchanged: exponential and custom buckets do not add.
std::optional<HistogramSumNotes> Add(FloatHistogram* h, const FloatHistogram& other);
std::optional<HistogramSumNotes> Subtract(FloatHistogram* h, const FloatHistogram& other);
// As Add with Neumaier's compensation of each count and of the sum in `compensation`, which is
// brought to the layout of `h`. A new compensation is NewCompensation(h).
std::optional<HistogramSumNotes> KahanAdd(FloatHistogram* h, const FloatHistogram& other,
                                          FloatHistogram* compensation);
FloatHistogram NewCompensation(const FloatHistogram& h);

// Every count and the sum times or divided by a number; a negative one makes it a gauge, division
// by zero drops the buckets.
void Multiply(FloatHistogram* h, double factor);
void Divide(FloatHistogram* h, double divisor);

// Drops empty buckets at both ends of spans and joins spans that are at most `max_empty` apart.
void Compact(FloatHistogram* h, size_t max_empty);
// With the compensation of KahanAdd (or null) kept in step.
void Compact(FloatHistogram* h, size_t max_empty, FloatHistogram* compensation);
// Merges buckets until the schema is `target`. InvalidArgument: not exponential, or not coarser
// than now.
Status ReduceResolution(FloatHistogram* h, int32_t target);
// A copy at a coarser or equal exponential schema; a coarser one has no reset hint.
FloatHistogram CopyToSchema(const FloatHistogram& h, int32_t target);

// Whether `now` cannot follow `before` without a counter reset.
bool DetectReset(const FloatHistogram& now, const FloatHistogram& before);
// Same spans (those without length do not count), sums and counts equal bit for bit, hints ignored.
// Explicit empty buckets make a difference: compact both first.
bool Equals(const FloatHistogram& a, const FloatHistogram& b);
// Bytes as Prometheus' FloatHistogram.Size counts them; a sample weighs this / 16.
size_t SizeAsPrometheus(const FloatHistogram& h);
bool HasOverflow(const FloatHistogram& h);

// `h </ bound` (upper trim: keeps what is below) or `h >/ bound`.
void TrimBuckets(FloatHistogram* h, double bound, bool upper);

// --- buckets one by one ---

struct HistogramBucket {
  double lower = 0;
  double upper = 0;
  double count = 0;
  bool lower_inclusive = false;
  bool upper_inclusive = false;
  int32_t index = 0;
};

// The upper bound of exponential or custom bucket `index`.
double BucketBound(int32_t index, int32_t schema, const std::vector<double>& custom_bounds);
// Negative buckets from the lowest, the zero bucket if it counts anything, positive buckets;
// replaces `out`. Empty buckets of the spans are among them. Buckets that reach into the zero
// bucket end at its threshold.
void AllBuckets(const FloatHistogram& h, std::vector<HistogramBucket>* out);
HistogramBucket ZeroBucket(const FloatHistogram& h);

// Shown as Prometheus' String(): `{count:1, sum:2, (0.5,1]:1}`.
std::string ToString(const FloatHistogram& h);
// As script tests write it: `{{schema:0 count:1 sum:2 buckets:[1]}}`.
std::string TestExpression(const FloatHistogram& h);

// --- what histogram functions compute; source: Prometheus' promql/quantile.go, functions.go ---

struct HistogramEstimate {
  double value = 0;
  bool has_nan_observations = false;  // fewer counts in buckets than in `count`, and a NaN sum
  bool skewed_by_nan = false;  // quantile: `value` is a number all the same, which is too high
};
HistogramEstimate HistogramQuantile(double q, const FloatHistogram& h);
HistogramEstimate HistogramFraction(double lower, double upper, const FloatHistogram& h);
// histogram_stdvar: the variance around the mean, bucket midpoints (geometric for exponential).
double HistogramVariance(const FloatHistogram& h);

}  // namespace thermocline
