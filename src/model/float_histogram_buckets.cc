#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "model/float_histogram_parts.h"
#include "model/histogram_bounds.h"

namespace thermocline {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

double ExponentialBound(int32_t index, int32_t schema) {
  // The bound of the last bucket of numbers would be 2^1024; it is the largest number instead, so
  // that the next bucket, up to +Inf, holds infinite observations alone.
  if (schema < 0) {
    const int64_t exponent = static_cast<int64_t>(index) << std::min(-schema, 31);
    if (exponent == 1024) return std::numeric_limits<double>::max();
    return std::ldexp(1.0, static_cast<int>(std::clamp<int64_t>(exponent, -5000, 5000)));
  }
  const double fraction = FractionOfBound(schema, static_cast<uint32_t>(index));
  const int exponent = (index >> std::min(schema, 31)) + 1;
  if (fraction == 0.5 && exponent == 1025) return std::numeric_limits<double>::max();
  return std::ldexp(fraction, exponent);
}

}  // namespace

bool BucketCursor::Next() {
  starts_span_ = false;
  while (left_ == 0) {
    if (span_ == spans_->size()) return false;
    next_index_ += (*spans_)[span_].offset;
    left_ = (*spans_)[span_].length;
    ++span_;
    starts_span_ = true;
  }
  if (next_position_ >= buckets_) return false;
  --left_;
  index_ = next_index_++;
  position_ = next_position_++;
  return true;
}

uint64_t BucketsOf(const std::vector<HistogramSpan>& spans) {
  uint64_t total = 0;
  for (const HistogramSpan& span : spans) total += span.length;
  return total;
}

BackwardBucketCursor::BackwardBucketCursor(const std::vector<HistogramSpan>& spans, size_t buckets)
    : spans_(&spans), span_(spans.size()), position_(buckets) {
  for (const HistogramSpan& span : spans) index_ += int64_t{span.offset} + span.length;
  if (span_ > 0) left_ = spans.back().length;
}

bool BackwardBucketCursor::Next() {
  if (position_ == 0) return false;
  while (left_ == 0) {
    if (span_ <= 1) return false;
    --span_;
    index_ -= (*spans_)[span_].offset;
    left_ = (*spans_)[span_ - 1].length;
  }
  --left_;
  --index_;
  --position_;
  return true;
}

double BucketBound(int32_t index, int32_t schema, const std::vector<double>& custom_bounds) {
  if (schema != kCustomBoundsSchema) return ExponentialBound(index, schema);
  if (index < 0) return -kInf;
  const auto at = static_cast<size_t>(index);
  return at < custom_bounds.size() ? custom_bounds[at] : kInf;
}

HistogramBucket BucketAt(int64_t index, double count, bool positive, int32_t schema,
                         const std::vector<double>& custom_bounds) {
  HistogramBucket bucket;
  bucket.count = count;
  bucket.index = static_cast<int32_t>(index);
  const double outer = BucketBound(bucket.index, schema, custom_bounds);
  const double inner = BucketBound(static_cast<int32_t>(index - 1), schema, custom_bounds);
  bucket.lower = positive ? inner : -outer;
  bucket.upper = positive ? outer : -inner;
  if (schema == kCustomBoundsSchema) {
    bucket.lower_inclusive = bucket.index == 0;
    bucket.upper_inclusive = true;
  } else {
    bucket.lower_inclusive = bucket.lower < 0;
    bucket.upper_inclusive = bucket.upper > 0;
  }
  return bucket;
}

HistogramBucket ZeroBucket(const FloatHistogram& h) {
  HistogramBucket bucket;
  bucket.lower = -h.zero_threshold;
  bucket.upper = h.zero_threshold;
  bucket.lower_inclusive = true;
  bucket.upper_inclusive = true;
  bucket.count = h.zero_count;
  return bucket;
}

AllBucketsCursor::AllBucketsCursor(const FloatHistogram& h, bool upwards)
    : h_(&h),
      upwards_(upwards),
      towards_zero_(upwards ? h.negative_spans : h.positive_spans,
                    upwards ? h.negative_buckets.size() : h.positive_buckets.size()),
      away_(upwards ? h.positive_spans : h.negative_spans,
            upwards ? h.positive_buckets.size() : h.negative_buckets.size()) {}

void AllBucketsCursor::Take(int64_t index, double count, bool positive) {
  bucket_ = BucketAt(index, count, positive, h_->schema, h_->custom_bounds);
  if (bucket_.upper < 0 && bucket_.upper > -h_->zero_threshold) {
    bucket_.upper = -h_->zero_threshold;
  } else if (bucket_.lower > 0 && bucket_.lower < h_->zero_threshold) {
    bucket_.lower = h_->zero_threshold;
  }
}

bool AllBucketsCursor::Next() {
  if (stage_ == Stage::kTowardsZero) {
    if (towards_zero_.Next()) {
      const std::vector<double>& counts = upwards_ ? h_->negative_buckets : h_->positive_buckets;
      Take(towards_zero_.index(), counts[towards_zero_.position()], !upwards_);
      return true;
    }
    stage_ = Stage::kZero;
  }
  if (stage_ == Stage::kZero) {
    stage_ = Stage::kAwayFromZero;
    if (h_->zero_count > 0) {
      bucket_ = ZeroBucket(*h_);
      return true;
    }
  }
  if (!away_.Next()) return false;
  const std::vector<double>& counts = upwards_ ? h_->positive_buckets : h_->negative_buckets;
  Take(away_.index(), counts[away_.position()], upwards_);
  return true;
}

void AllBuckets(const FloatHistogram& h, std::vector<HistogramBucket>* out) {
  out->clear();
  AllBucketsCursor cursor(h, true);
  while (cursor.Next()) out->push_back(cursor.bucket());
}

}  // namespace thermocline
