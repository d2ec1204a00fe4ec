// rate, increase and delta of anchored and smoothed windows in the naive evaluator
// (promql-semantics 2.3).
#include <algorithm>

#include "promql/naive/notes.h"
#include "promql/naive/window.h"

namespace thermocline::promql::naive {
namespace {

// The samples that bound a window: the last at or before its start, and its last one or, smoothed,
// the first at or after its end. nullopt: nothing is known about the window.
struct Bounds {
  size_t first = 0;
  size_t last = 0;
};

std::optional<Bounds> BoundsOf(const Window& window, const std::vector<Point>& samples) {
  const bool smoothed = window.extension == Extension::kSmoothed;
  Bounds bounds;
  bounds.last = samples.size() - 1;
  for (size_t i = 0; i < bounds.last; ++i) {
    if (samples[i].t_ms <= window.start_ms) bounds.first = i;
  }
  // The very last sample bounds the start only from before the one that ends the search.
  if (smoothed) {
    size_t i = 0;
    while (i < bounds.last && samples[i].t_ms < window.end_ms) ++i;
    bounds.last = i;
  }
  if (samples[bounds.last].t_ms <= window.start_ms) return std::nullopt;
  if (smoothed && samples[bounds.first].t_ms > window.end_ms) return std::nullopt;
  return bounds;
}

bool SpansStart(const Window& window, const std::vector<Point>& samples, const Bounds& bounds) {
  return window.extension == Extension::kSmoothed && samples[bounds.first].t_ms < window.start_ms;
}

bool SpansEnd(const Window& window, const std::vector<Point>& samples, const Bounds& bounds) {
  return window.extension == Extension::kSmoothed && bounds.last > 0 &&
         samples[bounds.last].t_ms > window.end_ms;
}

// The sum of what a counter lost from `left` over the samples strictly inside to `right`.
double Lost(const Window& window, const Bounds& bounds, double left, double right) {
  std::vector<double> course = {left};
  for (size_t i = bounds.first; i <= bounds.last; ++i) {
    const Point& point = window.floats[i];
    const bool edge = (i == bounds.first && point.t_ms <= window.start_ms) ||
                      (i == bounds.last && point.t_ms >= window.end_ms);
    if (!edge) course.push_back(point.value);
  }
  course.push_back(right);
  double lost = 0;
  for (size_t i = 1; i < course.size(); ++i) {
    if (course[i] < course[i - 1]) lost += course[i - 1];
  }
  return lost;
}

MaybeAnswer FloatChange(Function function, const Window& window) {
  const bool counter = function != Function::kDelta;
  const std::vector<Point>& floats = window.floats;
  const std::optional<Bounds> bounds = BoundsOf(window, floats);
  if (!bounds) return std::nullopt;
  double left = floats[bounds->first].value;
  double right = floats[bounds->last].value;
  if (SpansStart(window, floats, *bounds)) {
    left = Interpolated(floats[bounds->first], floats[bounds->first + 1], window.start_ms, counter);
  }
  if (SpansEnd(window, floats, *bounds)) {
    right = Interpolated(floats[bounds->last - 1], floats[bounds->last], window.end_ms, counter);
  }
  double change = right - left;
  if (counter) change += Lost(window, *bounds, left, right);
  if (function == Function::kRate) change /= Seconds(window.range_ms);
  return Answer{change, nullptr};
}

// Whether the samples of a window go together at all.
bool AreAlike(const Window& window, const Bounds& bounds, bool counter, WindowNotes* notes) {
  const auto& samples = window.histograms;
  for (size_t i = bounds.first; i <= bounds.last; ++i) {
    if (samples[i].histogram->uses_custom_bounds() !=
        samples[bounds.first].histogram->uses_custom_bounds()) {
      notes->warnings.push_back(MixedBuckets(window.metric()));
      return false;
    }
    if (counter && IsGauge(samples[i].histogram)) {
      notes->warnings.push_back(NotACounter(window.metric()));
    }
  }
  return true;
}

// Adds what the counter had before each of its resets; false: it does not go together.
bool AddLost(const Window& window, const Bounds& bounds, const HistogramPtr& left,
             const HistogramPtr& right, FloatHistogram* change, WindowNotes* notes) {
  const auto& samples = window.histograms;
  std::vector<HistogramPtr> course = {left};
  size_t next = bounds.first + 1;
  if (SpansStart(window, samples, bounds) &&
      DetectReset(*samples[next].histogram, *samples[bounds.first].histogram)) {
    // The left edge already lies behind that reset.
    course = {samples[next].histogram};
    ++next;
  }
  if (next > bounds.last) return true;  // nothing lies between the edges
  for (; next < bounds.last; ++next) course.push_back(samples[next].histogram);
  course.push_back(right);
  std::shared_ptr<FloatHistogram> lost;
  for (size_t i = 1; i < course.size(); ++i) {
    if (!DetectReset(*course[i], *course[i - 1])) continue;
    if (lost == nullptr) {
      lost = CopyOf(course[i - 1]);
    } else if (!AddTo(lost.get(), *course[i - 1], window.metric(), notes)) {
      return false;
    }
  }
  return lost == nullptr || AddTo(change, *lost, window.metric(), notes);
}

}  // namespace

MaybeAnswer ExtendedChange(Function function, const Window& window, WindowNotes* notes) {
  if (!window.floats.empty() && !window.histograms.empty()) {
    notes->warnings.push_back(MixedFloats(window.metric()));
    return std::nullopt;
  }
  return window.floats.empty() ? ExtendedHistogramChange(function, window, notes)
                               : FloatChange(function, window);
}

MaybeAnswer ExtendedHistogramChange(Function function, const Window& window, WindowNotes* notes) {
  const bool counter = function != Function::kDelta;
  const auto& samples = window.histograms;
  const std::string metric = window.metric();
  const std::optional<Bounds> bounds = BoundsOf(window, samples);
  if (!bounds || !AreAlike(window, *bounds, counter, notes)) return std::nullopt;
  std::shared_ptr<FloatHistogram> left = CopyOf(samples[bounds->first].histogram);
  std::shared_ptr<FloatHistogram> right = CopyOf(samples[bounds->last].histogram);
  if (SpansStart(window, samples, *bounds)) {
    left = InterpolatedHistogram(samples[bounds->first], samples[bounds->first + 1],
                                 window.start_ms, counter, metric, notes);
    if (left == nullptr) return std::nullopt;
  }
  if (SpansEnd(window, samples, *bounds)) {
    right = InterpolatedHistogram(samples[bounds->last - 1], samples[bounds->last], window.end_ms,
                                  counter, metric, notes);
    if (right == nullptr) return std::nullopt;
  }
  if (!counter && (!IsGauge(left) || !IsGauge(right))) {
    notes->warnings.push_back(NotAGauge(metric));
  }
  auto change = CopyOf(right);
  if (!SubtractFrom(change.get(), *left, metric, notes)) return std::nullopt;
  if (counter && !AddLost(window, *bounds, left, right, change.get(), notes)) return std::nullopt;
  if (function == Function::kRate) Divide(change.get(), Seconds(window.range_ms));
  change->reset_hint = CounterResetHint::kGauge;
  Compact(change.get(), 0);
  return Answer{0, change};
}

}  // namespace thermocline::promql::naive
