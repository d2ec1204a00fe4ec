// Functions of one series' samples in one window (promql-semantics 2.3 to 2.7).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "promql/ast.h"
#include "promql/naive/values.h"

namespace thermocline::promql::naive {

// What a window made to be said.
struct WindowNotes {
  std::vector<std::string> warnings;
  std::vector<std::string> infos;
  bool invalid_quantile = false;
  bool start_overlap = false;
};

// The samples of a window, floats and histograms apart. Those of anchored and smoothed windows
// reach beyond (start_ms, end_ms].
struct Window {
  Labels labels;
  std::vector<Point> floats;
  std::vector<Point> histograms;
  TimestampMs start_ms = 0;
  TimestampMs end_ms = 0;
  int64_t range_ms = 0;
  Extension extension = Extension::kNone;
  bool use_starts = false;      // start timestamps tell resets
  TimestampMs step_ms = 0;      // the step's own time
  std::vector<double> scalars;  // the other arguments, in order

  bool empty() const { return floats.empty() && histograms.empty(); }
  std::string metric() const { return std::string(labels.metric_name()); }
  std::vector<double> values() const;
  // Both kinds, in time order.
  std::vector<Point> all() const;
};

struct Answer {
  double value = 0;
  HistogramPtr histogram;
};
using MaybeAnswer = std::optional<Answer>;

// nullopt: no value at this step. OutOfRange for smoothing factors that are none.
Result<MaybeAnswer> WindowFunction(Function function, const Window& window, WindowNotes* notes);

// The mean of a growing list of histograms: a compensated sum until it would overflow, then an
// incremental mean, as avg.
class HistogramMean {
 public:
  explicit HistogramMean(const FloatHistogram& first);
  // `count`: how many it makes. nullopt: they do not go together.
  std::optional<HistogramSumNotes> Add(const FloatHistogram& histogram, double count);
  HistogramPtr Take(double count);

 private:
  FloatHistogram sum_;  // or the mean
  FloatHistogram lost_;
  bool compensated_ = false;
  bool overflowed_ = false;
};

// --- by topic ---
// rate, increase, delta; irate, idelta
MaybeAnswer Extrapolated(Function function, const Window& window, WindowNotes* notes);
MaybeAnswer LastTwo(bool is_rate, const Window& window, WindowNotes* notes);
MaybeAnswer ExtendedChange(Function function, const Window& window, WindowNotes* notes);
MaybeAnswer ExtendedHistogramChange(Function function, const Window& window, WindowNotes* notes);
MaybeAnswer SumOfHistograms(const Window& window, WindowNotes* notes);
MaybeAnswer MeanOfHistograms(const Window& window, WindowNotes* notes);
MaybeAnswer CountSteps(bool resets, const Window& window);
// The change over histograms alone (not extrapolated); null when they do not go together.
std::shared_ptr<FloatHistogram> HistogramChange(bool counter, const Window& window,
                                                WindowNotes* notes);

// --- shared by topics ---
// A counter that began anew, by its start timestamps.
bool StartsAnew(const Window& window, const Point& before, const Point& now);
bool StartsOverlap(const Point& before, const Point& now);
double Seconds(int64_t ms);
// A copy to change.
std::shared_ptr<FloatHistogram> CopyOf(const HistogramPtr& histogram);
bool IsGauge(const HistogramPtr& histogram);
// histogram += other, or -=, with notes; false: they do not go together.
bool AddTo(FloatHistogram* histogram, const FloatHistogram& other, const std::string& metric,
           WindowNotes* notes);
bool SubtractFrom(FloatHistogram* histogram, const FloatHistogram& other, const std::string& metric,
                  WindowNotes* notes);
double Interpolated(const Point& before, const Point& after, TimestampMs at_ms, bool counter);
// Null: they do not go together, which is noted.
std::shared_ptr<FloatHistogram> InterpolatedHistogram(const Point& before, const Point& after,
                                                      TimestampMs at_ms, bool counter,
                                                      const std::string& metric,
                                                      WindowNotes* notes);

}  // namespace thermocline::promql::naive
