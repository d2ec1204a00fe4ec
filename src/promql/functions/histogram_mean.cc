#include "promql/functions/histogram_mean.h"

#include <utility>

namespace thermocline::promql {

std::optional<HistogramSumNotes> HistogramTotal::Add(const FloatHistogram& histogram) {
  if (!compensation_) compensation_ = NewCompensation(sum_);
  return KahanAdd(&sum_, histogram, &*compensation_);
}

FloatHistogram HistogramTotal::Take() {
  if (compensation_) thermocline::Add(&sum_, *compensation_);
  return std::move(sum_);
}

std::optional<HistogramSumNotes> HistogramMean::Add(const FloatHistogram& histogram) {
  ++count_;
  if (incremental_) return AddToMean(histogram);
  tried_ = sum_;
  tried_compensation_ = compensation_ ? *compensation_ : NewCompensation(sum_);
  const auto added = KahanAdd(&tried_, histogram, &tried_compensation_);
  if (!added) return std::nullopt;
  if (!HasOverflow(tried_)) {
    std::swap(sum_, tried_);
    if (!compensation_) compensation_.emplace();
    std::swap(*compensation_, tried_compensation_);
    return added;
  }
  incremental_ = true;
  Divide(&sum_, count_ - 1);
  if (compensation_) Divide(&*compensation_, count_ - 1);
  auto notes = AddToMean(histogram);
  if (notes) notes->bounds_reconciled = notes->bounds_reconciled || added->bounds_reconciled;
  return notes;
}

std::optional<HistogramSumNotes> HistogramMean::AddToMean(const FloatHistogram& histogram) {
  const double kept = (count_ - 1) / count_;
  if (compensation_) Multiply(&*compensation_, kept);
  tried_ = histogram;
  Divide(&tried_, count_);
  Multiply(&sum_, kept);
  if (!compensation_) compensation_ = NewCompensation(sum_);
  return KahanAdd(&sum_, tried_, &*compensation_);
}

FloatHistogram HistogramMean::Take() {
  if (!incremental_) {
    Divide(&sum_, count_);
    if (compensation_) Divide(&*compensation_, count_);
  }
  if (compensation_) thermocline::Add(&sum_, *compensation_);
  return std::move(sum_);
}

}  // namespace thermocline::promql
