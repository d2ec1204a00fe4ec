// Histograms whose custom bounds differ: both are brought to the bounds they share.
// Source: Prometheus' addCustomBucketsWithMismatches, intersectCustomBucketBounds.
#include <utility>

#include "model/float_histogram_parts.h"

namespace thermocline {
namespace {

// Where each bucket of the shared bounds gathers its counts.
struct Gathered {
  const std::vector<double>& bounds;
  std::vector<double> sums;
  std::vector<double> compensations;

  explicit Gathered(const std::vector<double>& shared)
      : bounds(shared), sums(shared.size() + 1, 0), compensations(shared.size() + 1, 0) {}

  // `extra` are compensations of the counts, or null.
  void Take(const FloatHistogram& from, bool subtract, const std::vector<double>* extra) {
    size_t shared = 0;
    BucketCursor cursor(from.positive_spans, from.positive_buckets.size());
    while (cursor.Next()) {
      const double value = from.positive_buckets[cursor.position()];
      size_t target = bounds.size();
      const auto at = static_cast<size_t>(cursor.index());
      if (cursor.index() >= 0 && at < from.custom_bounds.size()) {
        while (shared < bounds.size() && !(bounds[shared] >= from.custom_bounds[at])) ++shared;
        target = shared;
      }
      KahanStep(subtract ? -value : value, &sums[target], &compensations[target]);
      if (extra != nullptr && cursor.position() < extra->size()) {
        KahanStep((*extra)[cursor.position()], &sums[target], &compensations[target]);
      }
    }
  }
};

}  // namespace

std::vector<double> CommonBounds(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> common;
  for (size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    if (a[i] == b[j]) {
      common.push_back(a[i]);
      ++i;
      ++j;
    } else if (a[i] < b[j]) {
      ++i;
    } else {
      ++j;
    }
  }
  return common;
}

void AddCustomBuckets(FloatHistogram* h, const FloatHistogram& other, bool subtract,
                      FloatHistogram* compensation) {
  std::vector<double> shared = CommonBounds(h->custom_bounds, other.custom_bounds);
  Gathered all(shared);
  all.Take(*h, false, compensation == nullptr ? nullptr : &compensation->positive_buckets);
  all.Take(other, subtract, nullptr);
  h->positive_spans.clear();
  h->positive_buckets.clear();
  if (compensation != nullptr) compensation->positive_buckets.clear();
  int64_t last = -1;
  for (size_t i = 0; i < all.sums.size(); ++i) {
    if (all.sums[i] == 0 && all.compensations[i] == 0) continue;
    const auto index = static_cast<int64_t>(i);
    if (!h->positive_spans.empty() && index == last + 1) {
      ++h->positive_spans.back().length;
    } else {
      h->positive_spans.push_back({static_cast<int32_t>(index - last - 1), 1});
    }
    last = index;
    h->positive_buckets.push_back(all.sums[i]);
    if (compensation != nullptr) {
      compensation->positive_buckets.push_back(all.compensations[i]);
    }
  }
  h->custom_bounds = std::move(shared);
}

}  // namespace thermocline
