// Functions of windows that hold native histograms, or histograms and floats.
// Source: Prometheus' promql/functions.go; promql-semantics 2.3 to 2.7.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/float_histogram.h"
#include "promql/ast.h"
#include "promql/functions/window.h"
#include "promql/functions/window_extended.h"

namespace thermocline::promql {

// What a change over many windows needs to know of each histogram of a series, found out once.
struct HistogramTraits {
  int8_t schema = 0;
  bool is_gauge = false;
  bool custom_bounds = false;
  bool is_reset = false;  // of a counter, between the histogram before and this one
};

// The histograms of a window, in time order.
struct HistogramView {
  const TimestampMs* times = nullptr;
  const FloatHistogram* const* histograms = nullptr;
  const TimestampMs* starts = nullptr;  // as WindowView::starts
  size_t count = 0;
  const HistogramTraits* traits = nullptr;  // parallel; for HistogramRate only

  const FloatHistogram& at(size_t i) const { return *histograms[i]; }
  const FloatHistogram& last() const { return *histograms[count - 1]; }
  TimestampMs start_of(size_t i) const { return starts == nullptr ? 0 : starts[i]; }
};

// Floats and histograms of a window apart. One of the two may be empty.
struct MixedWindow {
  WindowView floats;  // also has the window's bounds, step and parameters
  HistogramView histograms;
};

// What a function noticed in a window: texts of annotations.
struct WindowNotes {
  std::vector<std::string> warnings;
  std::vector<std::string> infos;
  int start_overlaps = 0;  // windows in which start timestamps overlapped

  bool empty() const { return warnings.empty() && infos.empty() && start_overlaps == 0; }
  void Clear() {
    warnings.clear();
    infos.clear();
    start_overlaps = 0;
  }
};

// A histogram when `histogram` is set, else `value`.
struct WindowAnswer {
  double value = 0;
  std::shared_ptr<const FloatHistogram> histogram;
};

// False: no value at this step. `metric_name` goes into the texts of `notes`, which are added.
bool EvaluateMixed(Function function, const MixedWindow& window, std::string_view metric_name,
                   WindowNotes* notes, WindowAnswer* out);
// The same for anchored and smoothed windows, whose samples EvaluateExtended describes.
bool EvaluateMixedExtended(Function function, Extension extension, const MixedWindow& window,
                           std::string_view metric_name, WindowNotes* notes, WindowAnswer* out);

// Between two histograms: what `at_ms` has on the line from one to the other. A counter that was
// reset between them rose from zero. Null: they do not combine (one of exponential, one of custom
// buckets).
std::shared_ptr<FloatHistogram> InterpolateHistograms(const FloatHistogram& before,
                                                      TimestampMs before_ms,
                                                      const FloatHistogram& after,
                                                      TimestampMs after_ms, TimestampMs at_ms,
                                                      bool is_counter, WindowNotes* notes);

// --- texts that several functions and operators use ---
std::string MixedFloatsText(std::string_view metric_name);
std::string MixedBucketsText(std::string_view metric_name);
// `operation`: addition, subtraction or aggregation.
std::string MismatchedBoundsText(std::string_view operation);
std::string ResetCollisionText(std::string_view operation);

// The traits of a series' histograms; `resets` are of no use to delta.
std::vector<HistogramTraits> TraitsOf(const HistogramView& series, bool resets);

// --- by topic ---
// rate, increase and delta, irate and idelta; two histograms at least for the latter.
bool HistogramRate(RateKind kind, const MixedWindow& window, std::string_view metric_name,
                   WindowNotes* notes, WindowAnswer* out);
bool InstantHistogramChange(bool is_rate, const MixedWindow& window, std::string_view metric_name,
                            WindowNotes* notes, WindowAnswer* out);
bool ExtendedHistogramRate(RateKind kind, bool smoothed, const MixedWindow& window,
                           std::string_view metric_name, WindowNotes* notes, WindowAnswer* out);
// sum_over_time and avg_over_time of histograms alone.
bool SumHistograms(const HistogramView& window, std::string_view metric_name, WindowNotes* notes,
                   WindowAnswer* out);
bool AverageHistograms(const HistogramView& window, std::string_view metric_name,
                       WindowNotes* notes, WindowAnswer* out);

}  // namespace thermocline::promql
