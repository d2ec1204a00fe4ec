// What a sum or an average keeps of native histograms per group and step.
// Source: Prometheus' promql/engine.go, aggregation; promql-semantics 3.1.
#pragma once

#include <memory>
#include <optional>

#include "promql/exec/step_block.h"
#include "promql/functions/histogram_mean.h"

namespace thermocline::promql {

// Takes the samples of a group at one step in series order. Total: HistogramTotal or HistogramMean.
template <typename Total>
class HistogramCell {
 public:
  // Exponential and custom buckets met: there is no answer, and later samples do not count.
  bool clashed() const { return clashed_; }
  bool has_histogram() const { return has_histogram_; }
  bool resets_collided() const { return saw_reset_ && saw_not_reset_; }

  enum class Added { kFine, kReconciled, kClashed };
  // `after_float`: the group has had floats before.
  Added Add(const FloatHistogram& histogram, bool after_float) {
    const bool first = !has_histogram_ && !after_float;
    has_histogram_ = true;
    if (!first && !total_) return Added::kFine;  // floats came first: no answer anyhow
    saw_reset_ = saw_reset_ || histogram.reset_hint == CounterResetHint::kReset;
    saw_not_reset_ = saw_not_reset_ || histogram.reset_hint == CounterResetHint::kNotReset;
    if (first) {
      total_ = std::make_unique<Total>(histogram);
      return Added::kFine;
    }
    const auto added = total_->Add(histogram);
    clashed_ = !added;
    if (clashed_) return Added::kClashed;
    return added->bounds_reconciled ? Added::kReconciled : Added::kFine;
  }

  // Ends the use of the cell.
  HistogramPtr Take() {
    auto answer = std::make_shared<FloatHistogram>(total_->Take());
    Compact(answer.get(), 0);
    return answer;
  }

 private:
  std::unique_ptr<Total> total_;
  bool has_histogram_ = false;
  bool clashed_ = false;
  bool saw_reset_ = false;
  bool saw_not_reset_ = false;
};

}  // namespace thermocline::promql
