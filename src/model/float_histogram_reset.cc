// Counter resets between two histograms. Source: Prometheus' FloatHistogram.DetectReset.
#include <algorithm>
#include <limits>

#include "model/float_histogram_parts.h"

namespace thermocline {
namespace {

// One side's buckets merged to a coarser schema, those within `start` left out.
class MergedCursor {
 public:
  MergedCursor(const FloatHistogram& h, bool positive, double start, int32_t target)
      : buckets_(positive ? h.positive_buckets : h.negative_buckets),
        cursor_(positive ? h.positive_spans : h.negative_spans, buckets_.size()),
        from_(h.schema),
        target_(target),
        start_(start),
        started_(start == 0 || !IsExponentialSchema(target)) {
    pending_ = cursor_.Next();
  }

  bool Next() {
    do {
      if (!pending_) return false;
      index_ = Target();
      count_ = 0;
      do {
        count_ += buckets_[cursor_.position()];
        pending_ = cursor_.Next();
      } while (pending_ && from_ != target_ && Target() == index_);
      started_ = started_ || BucketBound(static_cast<int32_t>(index_), target_, {}) > start_;
    } while (!started_);
    return true;
  }
  int64_t index() const { return index_; }
  double count() const { return count_; }

 private:
  int64_t Target() const {
    return from_ == target_ ? cursor_.index() : IndexAtSchema(cursor_.index(), from_, target_);
  }
  const std::vector<double>& buckets_;
  BucketCursor cursor_;
  int32_t from_;
  int32_t target_;
  double start_;
  bool started_;
  bool pending_ = false;
  int64_t index_ = 0;
  double count_ = 0;
};

// Whether a bucket that counted something before is gone or counts less.
bool SideWasReset(MergedCursor now, MergedCursor before) {
  bool has_now = now.Next();
  while (before.Next()) {
    while (has_now && now.index() < before.index()) has_now = now.Next();
    if (has_now && now.index() == before.index()) {
      if (now.count() < before.count()) return true;
    } else if (before.count() != 0) {
      return true;
    }
  }
  return false;
}

// Adds up custom buckets up to a bound, going on where it stopped.
class RollUp {
 public:
  explicit RollUp(const FloatHistogram& h)
      : h_(h), cursor_(h.positive_spans, h.positive_buckets.size()) {
    more_ = cursor_.Next();
  }
  double UpTo(double bound) {
    double sum = 0;
    while (more_ && Upper() <= bound) {
      sum += h_.positive_buckets[cursor_.position()];
      more_ = cursor_.Next();
    }
    return sum;
  }

 private:
  double Upper() const {
    return BucketBound(static_cast<int32_t>(cursor_.index()), kCustomBoundsSchema,
                       h_.custom_bounds);
  }
  const FloatHistogram& h_;
  BucketCursor cursor_;
  bool more_ = false;
};

bool CustomWasReset(const FloatHistogram& now, const FloatHistogram& before) {
  RollUp rolled_now(now);
  RollUp rolled_before(before);
  const auto bound_at = [](const std::vector<double>& bounds, size_t i) {
    return i < bounds.size() ? bounds[i] : std::numeric_limits<double>::infinity();
  };
  size_t i = 0;
  size_t j = 0;
  while (i <= now.custom_bounds.size() && j <= before.custom_bounds.size()) {
    const double bound_now = bound_at(now.custom_bounds, i);
    const double bound_before = bound_at(before.custom_bounds, j);
    if (bound_now == bound_before) {
      if (rolled_now.UpTo(bound_now) < rolled_before.UpTo(bound_now)) return true;
      ++i;
      ++j;
    } else if (bound_now < bound_before) {
      ++i;
    } else {
      ++j;
    }
  }
  return false;
}

}  // namespace

bool DetectReset(const FloatHistogram& now, const FloatHistogram& before) {
  if (now.reset_hint == CounterResetHint::kReset) return true;
  if (now.reset_hint == CounterResetHint::kNotReset) return false;
  if (now.count < before.count) return true;
  if (now.uses_custom_bounds()) {
    if (!before.uses_custom_bounds()) return true;
    if (now.custom_bounds != before.custom_bounds) return CustomWasReset(now, before);
  }
  if (now.schema > before.schema || now.zero_threshold < before.zero_threshold) return true;
  double threshold = now.zero_threshold;
  const ZeroCount zero_before = ZeroCountAt(before, nullptr, &threshold);
  // The new threshold lies within a bucket that counted something.
  if (threshold != now.zero_threshold) return true;
  if (now.zero_count < zero_before.count) return true;
  for (const bool positive : {true, false}) {
    if (SideWasReset(MergedCursor(now, positive, now.zero_threshold, now.schema),
                     MergedCursor(before, positive, now.zero_threshold, now.schema))) {
      return true;
    }
  }
  return false;
}

}  // namespace thermocline
