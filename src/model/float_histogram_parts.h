// What the files of float_histogram.h share: walks over spans and the steps of an addition.
// Source: Prometheus' model/histogram/float_histogram.go and generic.go.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "model/float_histogram.h"

namespace thermocline {

inline bool IsExponentialSchema(int32_t schema) { return schema >= -4 && schema <= 8; }

// One step of Kahan-Neumaier summation. Source: util/kahansum.
inline void KahanStep(double value, double* sum, double* compensation) {
  const double total = *sum + value;
  if (std::fabs(total) > std::numeric_limits<double>::max()) {
    *compensation = 0;
  } else if (std::fabs(*sum) >= std::fabs(value)) {
    *compensation += (*sum - total) + value;
  } else {
    *compensation += (value - total) + *sum;
  }
  *sum = total;
}

// The buckets of spans in ascending order of index. Ends early where spans promise more buckets
// than there are. Borrows both.
class BucketCursor {
 public:
  BucketCursor(const std::vector<HistogramSpan>& spans, size_t buckets)
      : spans_(&spans), buckets_(buckets) {}
  bool Next();
  int64_t index() const { return index_; }
  size_t position() const { return position_; }
  // The bucket is the first of its span.
  bool starts_span() const { return starts_span_; }

 private:
  const std::vector<HistogramSpan>* spans_;
  size_t buckets_;
  size_t span_ = 0;
  uint32_t left_ = 0;
  int64_t next_index_ = 0;
  size_t next_position_ = 0;
  int64_t index_ = 0;
  size_t position_ = 0;
  bool starts_span_ = false;
};

// The same from the last bucket to the first.
class BackwardBucketCursor {
 public:
  BackwardBucketCursor(const std::vector<HistogramSpan>& spans, size_t buckets);
  bool Next();
  int64_t index() const { return index_; }
  size_t position() const { return position_; }

 private:
  const std::vector<HistogramSpan>* spans_;
  size_t span_;
  uint32_t left_ = 0;
  int64_t index_ = 0;
  size_t position_;
};

// All buckets of a histogram, upwards or downwards, the ends of those next to the zero bucket
// moved to its threshold. Borrows `h`.
class AllBucketsCursor {
 public:
  AllBucketsCursor(const FloatHistogram& h, bool upwards);
  bool Next();
  const HistogramBucket& bucket() const { return bucket_; }

 private:
  enum class Stage : uint8_t { kTowardsZero, kZero, kAwayFromZero };
  void Take(int64_t index, double count, bool positive);
  const FloatHistogram* h_;
  bool upwards_;
  Stage stage_ = Stage::kTowardsZero;
  BackwardBucketCursor towards_zero_;
  BucketCursor away_;
  HistogramBucket bucket_;
};

// Bucket `index` of the positive or negative side.
HistogramBucket BucketAt(int64_t index, double count, bool positive, int32_t schema,
                         const std::vector<double>& custom_bounds);

// The part of a bucket's width at or below `value`, which lies within its finite ends: linear, or
// on a logarithmic scale.
double FractionBelow(const HistogramBucket& b, double value, bool linear);

// The index of the coarser schema's bucket that holds bucket `index`.
inline int64_t IndexAtSchema(int64_t index, int32_t from, int32_t to) {
  return ((index - 1) >> (from - to)) + 1;
}

// One side of a histogram; `compensation`, one per bucket, may be null.
struct BucketSide {
  std::vector<HistogramSpan>* spans;
  std::vector<double>* buckets;
  std::vector<double>* compensation;
};

// Merges the buckets of schema `from` to those of `to`; with compensations each term and its
// compensation are added by KahanStep.
void ReduceSide(const BucketSide& side, int32_t from, int32_t to);
// Drops empty buckets and joins spans; see Compact.
void CompactSide(const BucketSide& side, size_t max_empty);
// The number of buckets that `spans` describe.
uint64_t BucketsOf(const std::vector<HistogramSpan>& spans);

struct ZeroCount {
  double count = 0;
  double compensation = 0;
};
// Brings the zero bucket of `h` (and of `compensation`, which may be null) to one that both
// histograms can have, and returns the zero count of `other` then.
ZeroCount ReconcileZeroBuckets(FloatHistogram* h, const FloatHistogram& other,
                               FloatHistogram* compensation);
// The zero count at a larger threshold, which grows until no bucket that counts anything straddles
// it. `compensation` may be null.
ZeroCount ZeroCountAt(const FloatHistogram& h, const FloatHistogram* compensation,
                      double* threshold);

// The bounds that both lists have.
std::vector<double> CommonBounds(const std::vector<double>& a, const std::vector<double>& b);
// Adds (or subtracts) custom buckets of other bounds, both brought to their common bounds.
void AddCustomBuckets(FloatHistogram* h, const FloatHistogram& other, bool subtract,
                      FloatHistogram* compensation);

}  // namespace thermocline
