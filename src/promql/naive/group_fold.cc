#include "promql/naive/group_fold.h"

#include <cmath>

#include "promql/naive/notes.h"

namespace thermocline::promql::naive {
namespace {

using Op = AggregateOp;

double Extreme(const std::vector<double>& values, bool largest) {
  double best = values.front();
  for (const double value : values) {
    if (std::isnan(best) || (largest ? value > best : value < best)) best = value;
  }
  return best;
}

// Welford's, without compensation.
double Variance(const std::vector<double>& values) {
  double mean = values[0];
  double squares = std::isfinite(values[0]) ? 0 : NAN;
  for (size_t i = 1; i < values.size(); ++i) {
    const double delta = values[i] - mean;
    mean += delta / static_cast<double>(i + 1);
    squares += delta * (values[i] - mean);
  }
  return squares / static_cast<double>(values.size());
}

double Sum(const std::vector<double>& values) {
  KahanSum sum(values[0]);
  for (size_t i = 1; i < values.size(); ++i) sum.Add(values[i]);
  return sum.sum() + sum.lost();
}

bool IsSumOrAvg(Op op) { return op == Op::kSum || op == Op::kAvg; }

}  // namespace

bool GroupFold::TakesHistograms() const {
  return IsSumOrAvg(op_) || op_ == Op::kCount || op_ == Op::kGroup;
}

bool GroupFold::Add(double value, const HistogramPtr& histogram, const Labels& labels) {
  if (histogram != nullptr && !TakesHistograms()) {
    infos_.push_back(IgnoredInAggregation(AggregateOpText(op_)));
    // Upstream: the name's flag of a histogram counts once a float came.
    return count_ > 0;
  }
  if (clashed_) return false;
  ++count_;
  if (histogram == nullptr) {
    floats_.push_back(value);
  } else if (IsSumOrAvg(op_)) {
    AddHistogram(*histogram, labels);
  }
  return true;
}

void GroupFold::AddHistogram(const FloatHistogram& histogram, const Labels& labels) {
  has_histogram_ = true;
  if (count_ > 1 && !sum_) return;  // a float came first
  reset_seen_ |= histogram.reset_hint == CounterResetHint::kReset;
  not_reset_seen_ |= histogram.reset_hint == CounterResetHint::kNotReset;
  if (!sum_) {
    sum_ = histogram;
    lost_ = NewCompensation(histogram);
    mean_.emplace(histogram);
    return;
  }
  std::optional<HistogramSumNotes> added;
  if (op_ == Op::kSum) {
    added = KahanAdd(&*sum_, histogram, &lost_);
    compensated_ = true;
  } else {
    added = mean_->Add(histogram, count_);
  }
  if (!added) {
    clashed_ = true;
    warnings_.push_back(MixedBuckets(labels.metric_name()));
  } else if (added->bounds_reconciled) {
    infos_.push_back(MismatchedBounds("aggregation"));
  }
}

std::optional<Answer> GroupFold::FinishSum() {
  if (!floats_.empty() && has_histogram_) {
    warnings_.push_back("encountered a mix of histograms and floats for aggregation");
    return std::nullopt;
  }
  if (clashed_) return std::nullopt;
  if (!has_histogram_) return Answer{op_ == Op::kSum ? Sum(floats_) : MeanOf(floats_), nullptr};
  std::shared_ptr<FloatHistogram> total;
  if (op_ == Op::kAvg) {
    total = CopyOf(mean_->Take(count_));
  } else {
    if (compensated_) thermocline::Add(&*sum_, lost_);
    total = std::make_shared<FloatHistogram>(*sum_);
  }
  Compact(total.get(), 0);
  if (reset_seen_ && not_reset_seen_) warnings_.push_back(ResetCollision("aggregation"));
  return Answer{0, total};
}

double GroupFold::OfFloats() const {
  switch (op_) {
    case Op::kCount: return count_;
    case Op::kMin: return Extreme(floats_, false);
    case Op::kMax: return Extreme(floats_, true);
    case Op::kStddev: return std::sqrt(Variance(floats_));
    case Op::kStdvar: return Variance(floats_);
    case Op::kQuantile: return QuantileOf(param_, floats_);
    default: return 1;  // group
  }
}

std::optional<Answer> GroupFold::Finish() {
  if (count_ == 0) return std::nullopt;
  if (IsSumOrAvg(op_)) return FinishSum();
  return Answer{OfFloats(), nullptr};
}

}  // namespace thermocline::promql::naive
