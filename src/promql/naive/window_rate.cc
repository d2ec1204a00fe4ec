// rate, increase, delta, irate, idelta, resets and changes of the naive evaluator
// (promql-semantics 2.2 to 2.5).
#include <algorithm>
#include <cmath>

#include "promql/naive/notes.h"
#include "promql/naive/window.h"

namespace thermocline::promql::naive {
namespace {

using F = Function;

bool Fell(const Point& before, const Point& now) { return now.value < before.value; }

// The change of floats, resets of counters made up for.
double FloatChange(bool counter, const Window& window, WindowNotes* notes) {
  const std::vector<Point>& floats = window.floats;
  double change = floats.back().value - floats.front().value;
  for (size_t i = 1; counter && i < floats.size(); ++i) {
    if (Fell(floats[i - 1], floats[i]) || StartsAnew(window, floats[i - 1], floats[i])) {
      change += floats[i - 1].value;
    }
    if (window.use_starts && StartsOverlap(floats[i - 1], floats[i])) notes->start_overlap = true;
  }
  return change;
}

// How far the samples of a window reach, in seconds.
struct Reach {
  double to_start = 0;
  double sampled = 0;
  double to_end = 0;
  double average = 0;  // between samples

  Reach(const Window& window, const std::vector<Point>& samples)
      : to_start(Seconds(samples.front().t_ms - window.start_ms)),
        sampled(Seconds(samples.back().t_ms - samples.front().t_ms)),
        to_end(Seconds(window.end_ms - samples.back().t_ms)),
        average(samples.size() > 1 ? sampled / static_cast<double>(samples.size() - 1) : 0) {}

  double Factor() const { return sampled == 0 ? 1 : (sampled + to_start + to_end) / sampled; }
};

// The first sample says that the counter began at zero inside the window.
bool BeginsInside(const Window& window, const Point& first) {
  return window.use_starts && first.start_ms != 0 && first.start_ms > window.start_ms &&
         first.start_ms < first.t_ms;
}

}  // namespace

double Seconds(int64_t ms) { return static_cast<double>(ms) / 1000; }

bool StartsAnew(const Window& window, const Point& before, const Point& now) {
  if (!window.use_starts) return false;
  if (now.start_ms == 0 || now.start_ms >= now.t_ms || now.start_ms < before.t_ms) return false;
  if (now.start_ms > before.t_ms) return true;
  return before.start_ms <= before.t_ms && before.start_ms != 0 && before.start_ms != before.t_ms;
}

bool StartsOverlap(const Point& before, const Point& now) {
  return now.start_ms != 0 && now.start_ms < before.t_ms && now.start_ms != before.start_ms;
}

// The change, stretched to the window's edges where the first and last sample stand close enough
// to them.
MaybeAnswer Extrapolated(Function function, const Window& window, WindowNotes* notes) {
  const bool counter = function != F::kDelta;
  if (!window.floats.empty() && !window.histograms.empty()) {
    notes->warnings.push_back(MixedFloats(window.metric()));
    return std::nullopt;
  }
  const bool is_histogram = window.floats.empty();
  const std::vector<Point>& samples = is_histogram ? window.histograms : window.floats;
  double change = 0;
  std::shared_ptr<FloatHistogram> histogram;
  if (!is_histogram) {
    change = FloatChange(counter, window, notes);
  } else if (samples.size() > 1) {
    histogram = HistogramChange(counter, window, notes);
    if (histogram == nullptr) return std::nullopt;
  }
  Reach reach(window, samples);
  const double threshold = reach.average * 1.1;
  if (counter && BeginsInside(window, samples.front())) {
    reach.to_start = 0;
    reach.sampled = Seconds(samples.back().t_ms - samples.front().start_ms);
    if (!is_histogram) {
      change += samples.front().value;
    } else if (histogram == nullptr) {
      histogram = CopyOf(samples.front().histogram);
    } else if (!AddTo(histogram.get(), *samples.front().histogram, window.metric(), notes)) {
      return std::nullopt;
    }
  } else if (samples.size() == 1) {
    return std::nullopt;
  } else {
    if (reach.to_start >= threshold) reach.to_start = reach.average / 2;
    const double first = is_histogram ? samples.front().histogram->count : samples.front().value;
    const double grown = is_histogram ? histogram->count : change;
    if (counter && grown > 0 && first >= 0) {
      // A counter is not stretched below zero.
      reach.to_start = std::min(reach.to_start, reach.sampled * (first / grown));
    }
  }
  if (reach.to_end >= threshold) reach.to_end = reach.average / 2;
  double factor = reach.Factor();
  if (function == F::kRate) factor /= Seconds(window.range_ms);
  if (!is_histogram) return Answer{change * factor, nullptr};
  Multiply(histogram.get(), factor);
  return Answer{0, histogram};
}

MaybeAnswer LastTwo(bool is_rate, const Window& window, WindowNotes* notes) {
  const std::vector<Point> all = window.all();
  if (all.size() < 2) return std::nullopt;
  const Point& before = all[all.size() - 2];
  const Point& now = all.back();
  if (before.t_ms == now.t_ms) return std::nullopt;
  const double seconds = Seconds(now.t_ms - before.t_ms);
  if (before.histogram == nullptr && now.histogram == nullptr) {
    const bool anew = is_rate && (Fell(before, now) || StartsAnew(window, before, now));
    const double change = anew ? now.value : now.value - before.value;
    return Answer{is_rate ? change / seconds : change, nullptr};
  }
  if (before.histogram == nullptr || now.histogram == nullptr) {
    notes->warnings.push_back(MixedFloats(window.metric()));
    return std::nullopt;
  }
  const bool both_gauges = IsGauge(before.histogram) && IsGauge(now.histogram);
  if (is_rate && (IsGauge(before.histogram) || IsGauge(now.histogram))) {
    notes->warnings.push_back(NotACounter(window.metric()));
  }
  if (!is_rate && !both_gauges) notes->warnings.push_back(NotAGauge(window.metric()));
  auto change = CopyOf(now.histogram);
  const bool anew = is_rate && (StartsAnew(window, before, now) ||
                                DetectReset(*now.histogram, *before.histogram));
  if (!anew && !SubtractFrom(change.get(), *before.histogram, window.metric(), notes)) {
    return std::nullopt;
  }
  change->reset_hint = CounterResetHint::kGauge;
  Compact(change.get(), 0);
  if (is_rate) Divide(change.get(), seconds);
  return Answer{0, change};
}

namespace {

// Of an anchored window: the newest sample at or before its start, and all after it; nothing when
// none is after it.
std::vector<Point> AnchoredSamples(const Window& window) {
  const std::vector<Point> all = window.all();
  std::vector<Point> kept;
  for (const Point& point : all) {
    if (point.t_ms <= window.start_ms) kept.clear();
    kept.push_back(point);
  }
  return kept.empty() || kept.back().t_ms <= window.start_ms ? std::vector<Point>() : kept;
}

bool IsChange(const Point& before, const Point& now) {
  if ((before.histogram == nullptr) != (now.histogram == nullptr)) return true;
  if (now.histogram != nullptr) return !Equals(*now.histogram, *before.histogram);
  return now.value != before.value && !(std::isnan(now.value) && std::isnan(before.value));
}

bool IsReset(const Window& window, const Point& before, const Point& now) {
  if ((before.histogram == nullptr) != (now.histogram == nullptr)) return true;
  if (StartsAnew(window, before, now)) return true;
  return now.histogram == nullptr ? Fell(before, now)
                                  : DetectReset(*now.histogram, *before.histogram);
}

}  // namespace

MaybeAnswer CountSteps(bool resets, const Window& window) {
  const std::vector<Point> samples =
      window.extension == Extension::kAnchored ? AnchoredSamples(window) : window.all();
  if (samples.empty()) return std::nullopt;
  int count = 0;
  for (size_t i = 1; i < samples.size(); ++i) {
    count +=
        resets ? IsReset(window, samples[i - 1], samples[i]) : IsChange(samples[i - 1], samples[i]);
  }
  return Answer{static_cast<double>(count), nullptr};
}

}  // namespace thermocline::promql::naive
