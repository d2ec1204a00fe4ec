// Coarser schemas and the zero buckets of two histograms that are to be added.
#include <fmt/core.h>

#include <cmath>
#include <string>
#include <utility>

#include "model/float_histogram_parts.h"

namespace thermocline {
namespace {

// What `spans` need is what `buckets` has, and only the first offset may be negative.
Status CheckSpans(const std::vector<HistogramSpan>& spans, size_t buckets) {
  for (size_t i = 1; i < spans.size(); ++i) {
    if (spans[i].offset < 0) {
      return Status::InvalidArgument(fmt::format(
          "span number {} with offset {}: histogram has a span whose offset is negative", i + 1,
          spans[i].offset));
    }
  }
  const uint64_t needed = BucketsOf(spans);
  if (needed == buckets) return Status::Ok();
  const char* what = "histogram spans specify different number of buckets than provided";
  return Status::InvalidArgument(
      needed > buckets
          ? fmt::format("have {} buckets but spans need more: {}", buckets, what)
          : fmt::format("spans need {} buckets, have {} buckets: {}", needed, buckets, what));
}

}  // namespace

void ReduceSide(const BucketSide& side, int32_t from, int32_t to) {
  // In place: the target never grows faster than the origin is read.
  std::vector<HistogramSpan> spans;
  size_t size = 0;
  int64_t last = 0;
  std::vector<double>& buckets = *side.buckets;
  BucketCursor cursor(*side.spans, buckets.size());
  while (cursor.Next()) {
    const int64_t index = IndexAtSchema(cursor.index(), from, to);
    const size_t origin = cursor.position();
    if (size > 0 && index == last) {
      if (side.compensation == nullptr) {
        buckets[size - 1] += buckets[origin];
      } else {
        std::vector<double>& compensation = *side.compensation;
        KahanStep(buckets[origin], &buckets[size - 1], &compensation[size - 1]);
        KahanStep(compensation[origin], &buckets[size - 1], &compensation[size - 1]);
      }
      continue;
    }
    if (size > 0 && index == last + 1) {
      ++spans.back().length;
    } else {
      const int64_t offset = size == 0 ? index : index - last - 1;
      spans.push_back({static_cast<int32_t>(offset), 1});
    }
    last = index;
    buckets[size] = buckets[origin];
    if (side.compensation != nullptr) (*side.compensation)[size] = (*side.compensation)[origin];
    ++size;
  }
  buckets.resize(size);
  if (side.compensation != nullptr) side.compensation->resize(size);
  *side.spans = std::move(spans);
}

Status ReduceResolution(FloatHistogram* h, int32_t target) {
  if (h->uses_custom_bounds()) {
    return Status::InvalidArgument("cannot reduce resolution when there are custom buckets");
  }
  if (target == kCustomBoundsSchema) {
    return Status::InvalidArgument("cannot reduce resolution to custom buckets schema");
  }
  if (target >= h->schema) {
    return Status::InvalidArgument(
        fmt::format("cannot reduce resolution from schema {} to {}", h->schema, target));
  }
  RETURN_IF_ERROR(CheckSpans(h->positive_spans, h->positive_buckets.size()));
  RETURN_IF_ERROR(CheckSpans(h->negative_spans, h->negative_buckets.size()));
  ReduceSide({&h->positive_spans, &h->positive_buckets, nullptr}, h->schema, target);
  ReduceSide({&h->negative_spans, &h->negative_buckets, nullptr}, h->schema, target);
  h->schema = target;
  return Status::Ok();
}

FloatHistogram CopyToSchema(const FloatHistogram& h, int32_t target) {
  FloatHistogram copy = h;
  if (target >= h.schema || h.uses_custom_bounds()) return copy;
  // The hint is about buckets of another size.
  copy.reset_hint = CounterResetHint::kUnknown;
  ReduceSide({&copy.positive_spans, &copy.positive_buckets, nullptr}, h.schema, target);
  ReduceSide({&copy.negative_spans, &copy.negative_buckets, nullptr}, h.schema, target);
  copy.schema = target;
  return copy;
}

namespace {

// Adds the buckets of one side that lie within `threshold`. True when a bucket that counts
// something straddles it; then `threshold` is that bucket's outer end.
bool SwallowSide(const FloatHistogram& h, const FloatHistogram* compensation, bool positive,
                 double* threshold, ZeroCount* zero) {
  const auto& spans = positive ? h.positive_spans : h.negative_spans;
  const auto& buckets = positive ? h.positive_buckets : h.negative_buckets;
  BucketCursor cursor(spans, buckets.size());
  while (cursor.Next()) {
    const double value = buckets[cursor.position()];
    const HistogramBucket bucket =
        BucketAt(cursor.index(), value, positive, h.schema, h.custom_bounds);
    const double inner = positive ? bucket.lower : -bucket.upper;
    const double outer = positive ? bucket.upper : -bucket.lower;
    if (inner >= *threshold) break;
    KahanStep(value, &zero->count, &zero->compensation);
    if (compensation != nullptr) {
      const auto& extra =
          positive ? compensation->positive_buckets : compensation->negative_buckets;
      KahanStep(extra[cursor.position()], &zero->count, &zero->compensation);
    }
    if (outer > *threshold) {
      if (value == 0) return false;
      *threshold = outer;
      return true;
    }
  }
  return false;
}

// Empties the buckets within the zero bucket; its count already has theirs.
void EmptySide(FloatHistogram* h, FloatHistogram* compensation, bool positive) {
  const auto& spans = positive ? h->positive_spans : h->negative_spans;
  auto& buckets = positive ? h->positive_buckets : h->negative_buckets;
  BucketCursor cursor(spans, buckets.size());
  while (cursor.Next()) {
    const HistogramBucket bucket = BucketAt(cursor.index(), 0, positive, h->schema, {});
    if ((positive ? bucket.lower : -bucket.upper) >= h->zero_threshold) return;
    buckets[cursor.position()] = 0;
    if (compensation == nullptr) continue;
    auto& extra = positive ? compensation->positive_buckets : compensation->negative_buckets;
    extra[cursor.position()] = 0;
  }
}

}  // namespace

ZeroCount ZeroCountAt(const FloatHistogram& h, const FloatHistogram* compensation,
                      double* threshold) {
  ZeroCount zero{h.zero_count, compensation == nullptr ? 0 : compensation->zero_count};
  if (*threshold == h.zero_threshold) return zero;
  while (true) {
    zero.count = h.zero_count;
    SwallowSide(h, compensation, true, threshold, &zero);
    // A threshold that a negative bucket raised may swallow more on the positive side. What the
    // first round left in the compensation stays there, as upstream.
    if (!SwallowSide(h, compensation, false, threshold, &zero)) return zero;
  }
}

ZeroCount ReconcileZeroBuckets(FloatHistogram* h, const FloatHistogram& other,
                               FloatHistogram* compensation) {
  ZeroCount others{other.zero_count, 0};
  double other_threshold = other.zero_threshold;
  while (other_threshold != h->zero_threshold) {
    // NaN never agrees with anything.
    if (std::isnan(other_threshold) || std::isnan(h->zero_threshold)) break;
    if (h->zero_threshold > other_threshold) {
      other_threshold = h->zero_threshold;
      others = ZeroCountAt(other, nullptr, &other_threshold);
    }
    if (other_threshold > h->zero_threshold) {
      double threshold = other_threshold;
      const ZeroCount zero = ZeroCountAt(*h, compensation, &threshold);
      h->zero_count = zero.count;
      h->zero_threshold = threshold;
      if (compensation != nullptr) compensation->zero_count = zero.compensation;
      EmptySide(h, compensation, true);
      EmptySide(h, compensation, false);
      Compact(h, 0, compensation);
    }
  }
  return others;
}

}  // namespace thermocline
