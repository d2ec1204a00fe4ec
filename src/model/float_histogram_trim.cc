// `h </ bound` and `h >/ bound`. Source: Prometheus' FloatHistogram.TrimBuckets.
#include <cmath>
#include <utility>

#include "model/float_histogram_parts.h"

namespace thermocline {
namespace {

// What is left of a bucket, and where its observations are taken to lie.
struct Kept {
  double count = 0;
  double midpoint = 0;
};

double Midpoint(double lower, double upper, bool positive, bool linear) {
  if (std::isinf(lower)) {
    if (std::isinf(upper)) return 0;
    return upper > 0 ? upper / 2 : upper;
  }
  if (std::isinf(upper)) return lower;
  if (linear) return (lower + upper) / 2;
  const double mean = std::sqrt(std::fabs(lower * upper));
  return positive ? mean : -mean;
}

double ZeroIfInfinite(double value) { return std::isinf(value) ? 0 : value; }

// A bucket without a lower end. Where observations lie in it is not known, so it goes as a whole
// unless zero can stand for its lower end (custom bounds).
Kept TrimUnboundedBelow(const HistogramBucket& b, double bound, bool upper_trim) {
  if (upper_trim) {
    if (bound >= b.upper) return {b.count, 0};
    if (bound > 0 && b.upper > 0 && !std::isinf(b.upper)) {
      return {b.count * bound / b.upper, bound / 2};
    }
    if (b.upper <= 0) return {b.count, bound};
    return {0, ZeroIfInfinite(b.upper)};
  }
  if (bound <= b.lower) return {b.count, 0};
  if (bound >= 0 && b.upper > bound && !std::isinf(b.upper)) {
    return {b.count * (1 - bound / b.upper), (bound + b.upper) / 2};
  }
  return {0, ZeroIfInfinite(b.upper)};
}

Kept TrimUnboundedAbove(const HistogramBucket& b, double bound, bool upper_trim) {
  if (!upper_trim && bound >= b.lower) return {b.count, bound};
  return {0, ZeroIfInfinite(b.lower)};
}

double CountBelow(const HistogramBucket& b, double bound, bool linear) {
  if (bound <= b.lower) return 0;
  if (bound >= b.upper) return b.count;
  return b.count * FractionBelow(b, bound, linear);
}

// A bucket that holds the bound.
Kept TrimBucket(const HistogramBucket& b, double bound, bool upper_trim, bool positive,
                bool linear) {
  if (b.lower == -HUGE_VAL) return TrimUnboundedBelow(b, bound, upper_trim);
  if (b.upper == HUGE_VAL) return TrimUnboundedAbove(b, bound, upper_trim);
  const double below = CountBelow(b, bound, linear);
  if (upper_trim) return {below, Midpoint(b.lower, bound, positive, linear)};
  return {b.count - below, Midpoint(bound, b.upper, positive, linear)};
}

class Trimming {
 public:
  Trimming(FloatHistogram* h, double bound, bool upper_trim)
      : h_(h), bound_(bound), upper_trim_(upper_trim), linear_(h->uses_custom_bounds()) {}

  void Run() {
    const bool any_positive = TrimSide(true);
    const bool any_negative = TrimSide(false);
    if (h_->zero_count > 0) {
      const Kept kept = TrimZeroBucket(any_negative, any_positive);
      changed_ = changed_ || h_->zero_count != kept.count;
      h_->zero_count = kept.count;
      sum_ += kept.midpoint * kept.count;
      count_ += kept.count;
    }
    // The totals stay as they were, and exact, while no bucket changed.
    if (!changed_) return;
    h_->count = count_;
    h_->sum = sum_;
    Compact(h_, 0);
  }

 private:
  // Whether any bucket of the side counts something.
  bool TrimSide(bool positive) {
    std::vector<double>& buckets = positive ? h_->positive_buckets : h_->negative_buckets;
    BucketCursor cursor(positive ? h_->positive_spans : h_->negative_spans, buckets.size());
    bool any = false;
    while (cursor.Next()) {
      double& count = buckets[cursor.position()];
      if (count == 0) continue;
      any = true;
      const HistogramBucket b =
          BucketAt(cursor.index(), count, positive, h_->schema, h_->custom_bounds);
      if (upper_trim_ ? b.upper <= bound_ : b.lower >= bound_) {
        count_ += count;
        sum_ += Midpoint(b.lower, b.upper, positive, linear_) * count;
      } else if (upper_trim_ ? b.lower < bound_ : b.upper > bound_) {
        const Kept kept = TrimBucket(b, bound_, upper_trim_, positive, linear_);
        count_ += kept.count;
        sum_ += kept.midpoint * kept.count;
        changed_ = changed_ || count != kept.count;
        count = kept.count;
      } else {
        count = 0;
        changed_ = true;
      }
    }
    return any;
  }

  // Zero ends a bucket on whose other side nothing was observed.
  Kept TrimZeroBucket(bool any_negative, bool any_positive) const {
    const double lower = any_positive && !any_negative ? 0 : -h_->zero_threshold;
    const double upper = any_negative && !any_positive ? 0 : h_->zero_threshold;
    const double count = h_->zero_count;
    if (upper_trim_) {
      if (bound_ <= lower) return {0, 0};
      if (bound_ >= upper) return {count, (lower + upper) / 2};
      return {count * ((bound_ - lower) / (upper - lower)), (lower + bound_) / 2};
    }
    if (bound_ <= lower) return {count, (lower + upper) / 2};
    if (bound_ >= upper) return {0, 0};
    return {count * ((upper - bound_) / (upper - lower)), (bound_ + upper) / 2};
  }

  FloatHistogram* h_;
  double bound_;
  bool upper_trim_;
  bool linear_;
  bool changed_ = false;
  double count_ = 0;
  double sum_ = 0;
};

}  // namespace

void TrimBuckets(FloatHistogram* h, double bound, bool upper) { Trimming(h, bound, upper).Run(); }

}  // namespace thermocline
