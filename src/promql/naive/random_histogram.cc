#include "promql/naive/random_histogram.h"

#include <cmath>
#include <limits>

namespace thermocline::promql::naive {
namespace {

// Some of the buckets between two others are written out although they are empty.
void Spell(const std::map<int, int>& counts, bool fill_gaps, std::vector<HistogramSpan>* spans,
           std::vector<double>* buckets) {
  int next = 0;
  for (const auto& [index, count] : counts) {
    int gap = index - next;
    if (!spans->empty() && fill_gaps && gap <= 2) {
      spans->back().length += static_cast<uint32_t>(gap);
      buckets->insert(buckets->end(), static_cast<size_t>(gap), 0.0);
      gap = 0;
    }
    if (spans->empty() || gap > 0) spans->push_back({gap, 0});
    ++spans->back().length;
    buckets->push_back(count);
    next = index + 1;
  }
}

}  // namespace

RandomHistogram::RandomHistogram(std::mt19937_64* random, HistogramKind kind)
    : random_(*random), kind_(kind) {
  custom_ = kind == HistogramKind::kCustom || (kind == HistogramKind::kGauge && Below(3) == 0);
  ChooseLayout();
}

void RandomHistogram::ChooseLayout() {
  if (Below(8) == 0 && kind_ != HistogramKind::kGauge) {
    custom_ = !custom_;
    positive_.clear();
  }
  layout_ = FloatHistogram();
  if (custom_) {
    const std::vector<double> choices[] = {{1, 2, 5}, {1, 5}, {2, 5, 10}, {-1, 0, 3}, {7}};
    layout_.schema = kCustomBoundsSchema;
    layout_.custom_bounds = choices[Below(std::size(choices))];
    positive_.clear();
    negative_.clear();
    zero_ = 0;
    return;
  }
  layout_.schema = static_cast<int>(Below(4)) - 1;
  const double thresholds[] = {0, 0.001, 0.5, 1};
  layout_.zero_threshold = thresholds[Below(std::size(thresholds))];
  std::erase_if(positive_, [](const auto& bucket) { return bucket.first > 8; });
}

void RandomHistogram::Observe() {
  const int count = 1 + static_cast<int>(Below(3));
  sum_ += static_cast<double>(count) * static_cast<double>(Below(7));
  if (custom_) {
    positive_[static_cast<int>(Below(layout_.custom_bounds.size() + 1))] += count;
    return;
  }
  switch (Below(8)) {
    case 0: zero_ += count; break;
    case 1: negative_[static_cast<int>(Below(4)) + 1] += count; break;
    // From 1 on, so that no bucket lies within the zero threshold.
    default: positive_[static_cast<int>(Below(6)) + 1] += count;
  }
}

FloatHistogram RandomHistogram::Next() {
  const bool gauge = kind_ == HistogramKind::kGauge;
  if (gauge || Below(25) == 0) {
    positive_.clear();
    negative_.clear();
    zero_ = 0;
    unseen_ = 0;
    sum_ = 0;
  }
  if (Below(40) == 0) ChooseLayout();
  for (size_t i = Below(gauge ? 6 : 3); i > 0; --i) Observe();
  if (Below(150) == 0) ++unseen_;
  FloatHistogram h = layout_;
  if (gauge) h.reset_hint = CounterResetHint::kGauge;
  const bool fill_gaps = Below(2) == 0;
  Spell(positive_, fill_gaps, &h.positive_spans, &h.positive_buckets);
  Spell(negative_, fill_gaps, &h.negative_spans, &h.negative_buckets);
  h.zero_count = zero_;
  h.count = zero_ + unseen_;
  for (const double count : h.positive_buckets) h.count += count;
  for (const double count : h.negative_buckets) h.count += count;
  h.sum = unseen_ > 0 ? std::numeric_limits<double>::quiet_NaN() : sum_;
  return h;
}

}  // namespace thermocline::promql::naive
