// sum_over_time and avg_over_time of native histograms. Source: Prometheus' promql/functions.go,
// funcSumOverTime and funcAvgOverTime; promql-semantics 2.7.
#include <utility>

#include "promql/functions/histogram_mean.h"
#include "promql/functions/mixed_window.h"

namespace thermocline::promql {
namespace {

// What happened while a window's histograms were put together.
class Reconciliation {
 public:
  void See(const FloatHistogram& histogram) {
    resets_ = resets_ || histogram.reset_hint == CounterResetHint::kReset;
    not_resets_ = not_resets_ || histogram.reset_hint == CounterResetHint::kNotReset;
  }
  void See(const HistogramSumNotes& notes) { bounds_ = bounds_ || notes.bounds_reconciled; }
  void Report(WindowNotes* notes) const {
    if (resets_ && not_resets_) notes->warnings.push_back(ResetCollisionText("aggregation"));
    if (bounds_) notes->infos.push_back(MismatchedBoundsText("aggregation"));
  }

 private:
  bool resets_ = false;
  bool not_resets_ = false;
  bool bounds_ = false;
};

template <typename Accumulator>
bool Fold(const HistogramView& window, std::string_view metric_name, WindowNotes* notes,
          WindowAnswer* out) {
  Reconciliation reconciliation;
  Accumulator accumulator(window.at(0));
  reconciliation.See(window.at(0));
  for (size_t i = 1; i < window.count; ++i) {
    reconciliation.See(window.at(i));
    const auto added = accumulator.Add(window.at(i));
    if (!added) {
      notes->warnings.push_back(MixedBucketsText(metric_name));
      return false;
    }
    reconciliation.See(*added);
  }
  reconciliation.Report(notes);
  out->histogram = std::make_shared<FloatHistogram>(accumulator.Take());
  return true;
}

}  // namespace

bool SumHistograms(const HistogramView& window, std::string_view metric_name, WindowNotes* notes,
                   WindowAnswer* out) {
  return Fold<HistogramTotal>(window, metric_name, notes, out);
}

bool AverageHistograms(const HistogramView& window, std::string_view metric_name,
                       WindowNotes* notes, WindowAnswer* out) {
  return Fold<HistogramMean>(window, metric_name, notes, out);
}

}  // namespace thermocline::promql
