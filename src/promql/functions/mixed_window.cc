#include "promql/functions/mixed_window.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "model/labels.h"

namespace thermocline::promql {
namespace {

// Functions of floats that say when they leave histograms out.
bool IgnoresHistograms(Function function) {
  switch (function) {
    case Function::kDeriv:
    case Function::kDoubleExponentialSmoothing:
    case Function::kMadOverTime:
    case Function::kMaxOverTime:
    case Function::kMinOverTime:
    case Function::kPredictLinear:
    case Function::kQuantileOverTime:
    case Function::kStddevOverTime:
    case Function::kStdvarOverTime:
    case Function::kTsOfMaxOverTime:
    case Function::kTsOfMinOverTime: return true;
    default: return false;
  }
}

struct AnySample {
  TimestampMs t_ms = 0;
  TimestampMs start_ms = 0;
  double value = 0;
  const FloatHistogram* histogram = nullptr;
};

// Calls `visit(before, now)` for neighbours of either kind in time order, beginning with the given
// first samples.
template <typename Visit>
void ForEachPair(const MixedWindow& window, size_t first_float, size_t first_histogram,
                 const Visit& visit) {
  const WindowView& floats = window.floats;
  const HistogramView& view = window.histograms;
  size_t f = first_float;
  size_t h = first_histogram;
  AnySample before;
  while (f < floats.count || h < view.count) {
    AnySample now;
    if (h >= view.count || (f < floats.count && floats.times[f] <= view.times[h])) {
      now = {floats.times[f], floats.start_of(f), floats.values[f], nullptr};
      ++f;
    } else {
      now = {view.times[h], view.start_of(h), 0, view.histograms[h]};
      ++h;
    }
    if (f + h > first_float + first_histogram + 1) visit(before, now);
    before = now;
  }
}

double CountResets(const MixedWindow& window, size_t first_float, size_t first_histogram) {
  double resets = 0;
  ForEachPair(window, first_float, first_histogram, [&](const auto& before, const auto& now) {
    bool reset = (before.histogram == nullptr) != (now.histogram == nullptr);
    if (!reset) {
      reset = IsStartReset(before.start_ms, before.t_ms, now.start_ms, now.t_ms) ||
              (now.histogram == nullptr ? now.value < before.value
                                        : DetectReset(*now.histogram, *before.histogram));
    }
    resets += reset ? 1 : 0;
  });
  return resets;
}

double CountChanges(const MixedWindow& window, size_t first_float, size_t first_histogram) {
  double changes = 0;
  ForEachPair(window, first_float, first_histogram, [&](const auto& before, const auto& now) {
    bool change = (before.histogram == nullptr) != (now.histogram == nullptr);
    if (!change) {
      change = now.histogram == nullptr ? now.value != before.value &&
                                              !(std::isnan(now.value) && std::isnan(before.value))
                                        : !Equals(*now.histogram, *before.histogram);
    }
    changes += change ? 1 : 0;
  });
  return changes;
}

// The oldest or the newest sample of either kind; of equal times the histogram.
bool Edge(const MixedWindow& window, bool newest, WindowAnswer* out) {
  const WindowView& floats = window.floats;
  const HistogramView& view = window.histograms;
  const size_t f = newest && floats.count > 0 ? floats.count - 1 : 0;
  const size_t h = newest && view.count > 0 ? view.count - 1 : 0;
  const bool is_float =
      view.count == 0 || (floats.count > 0 && (newest ? view.times[h] < floats.times[f]
                                                      : floats.times[f] < view.times[h]));
  if (is_float) {
    out->value = floats.values[f];
  } else {
    out->histogram = std::make_shared<FloatHistogram>(view.at(h));
  }
  return true;
}

bool EdgeTime(const MixedWindow& window, bool newest, WindowAnswer* out) {
  const WindowView& floats = window.floats;
  const HistogramView& view = window.histograms;
  std::vector<TimestampMs> times;
  if (floats.count > 0) times.push_back(floats.times[newest ? floats.count - 1 : 0]);
  if (view.count > 0) times.push_back(view.times[newest ? view.count - 1 : 0]);
  const auto [oldest_ms, newest_ms] = std::minmax_element(times.begin(), times.end());
  out->value = static_cast<double>(newest ? *newest_ms : *oldest_ms) / 1000;
  return true;
}

bool EvaluateFloats(Function function, const MixedWindow& window, WindowAnswer* out) {
  return window.floats.count > 0 && FindWindowFunction(function)(window.floats, &out->value);
}

bool EvaluateIgnoring(Function function, const MixedWindow& window, std::string_view metric_name,
                      WindowNotes* notes, WindowAnswer* out) {
  if (window.floats.count > 0 && window.histograms.count > 0) {
    notes->infos.push_back(
        "ignored histograms in a range containing both floats and histograms for metric name " +
        GoQuote(metric_name));
  }
  return EvaluateFloats(function, window, out);
}

// For functions of one kind at a time: false, with a warning, when there are both.
bool OneKind(const MixedWindow& window, std::string_view metric_name, WindowNotes* notes) {
  if (window.floats.count == 0 || window.histograms.count == 0) return true;
  notes->warnings.push_back(MixedFloatsText(metric_name));
  return false;
}

bool HasStartOverlap(const WindowView& floats) {
  for (size_t i = 1; i < floats.count; ++i) {
    if (StartsOverlap(floats.start_of(i - 1), floats.times[i - 1], floats.start_of(i))) return true;
  }
  return false;
}

RateKind RateKindOf(Function function) {
  if (function == Function::kRate) return RateKind::kRate;
  return function == Function::kIncrease ? RateKind::kIncrease : RateKind::kDelta;
}

}  // namespace

std::string MixedFloatsText(std::string_view metric_name) {
  return "encountered a mix of histograms and floats for metric name " + GoQuote(metric_name);
}

std::string MixedBucketsText(std::string_view metric_name) {
  return "vector contains a mix of histograms with exponential and custom buckets schemas for "
         "metric name " +
         GoQuote(metric_name);
}

std::string MismatchedBoundsText(std::string_view operation) {
  return "mismatched custom buckets were reconciled during " + std::string(operation);
}

std::string ResetCollisionText(std::string_view operation) {
  return "conflicting counter resets during histogram " + std::string(operation);
}

bool EvaluateMixed(Function function, const MixedWindow& window, std::string_view metric_name,
                   WindowNotes* notes, WindowAnswer* out) {
  const bool only_floats = window.histograms.count == 0;
  if (IgnoresHistograms(function)) {
    return EvaluateIgnoring(function, window, metric_name, notes, out);
  }
  switch (function) {
    case Function::kCountOverTime:
      out->value = static_cast<double>(window.floats.count + window.histograms.count);
      return true;
    case Function::kPresentOverTime: out->value = 1; return true;
    case Function::kFirstOverTime: return Edge(window, false, out);
    case Function::kLastOverTime: return Edge(window, true, out);
    case Function::kTsOfFirstOverTime: return EdgeTime(window, false, out);
    case Function::kTsOfLastOverTime: return EdgeTime(window, true, out);
    case Function::kResets: out->value = CountResets(window, 0, 0); return true;
    case Function::kChanges: out->value = CountChanges(window, 0, 0); return true;
    case Function::kIrate:
    case Function::kIdelta:
      return InstantHistogramChange(function == Function::kIrate, window, metric_name, notes, out);
    default: break;
  }
  if (!OneKind(window, metric_name, notes)) return false;
  if (only_floats) {
    const bool counter = function == Function::kRate || function == Function::kIncrease;
    if (counter && HasStartOverlap(window.floats)) ++notes->start_overlaps;
    return EvaluateFloats(function, window, out);
  }
  switch (function) {
    case Function::kRate:
    case Function::kIncrease:
    case Function::kDelta:
      return HistogramRate(RateKindOf(function), window, metric_name, notes, out);
    case Function::kSumOverTime: return SumHistograms(window.histograms, metric_name, notes, out);
    case Function::kAvgOverTime:
      return AverageHistograms(window.histograms, metric_name, notes, out);
    default: return false;
  }
}

namespace {

struct FirstSamples {
  size_t floats = 0;
  size_t histograms = 0;
};

// Where an anchored window begins: at the newest sample of either kind at or before its start.
// False: nothing lies after the start.
bool FindAnchor(const MixedWindow& window, FirstSamples* first) {
  const auto up_to_start = [&](const TimestampMs* times, size_t count) {
    return static_cast<size_t>(std::upper_bound(times, times + count, window.floats.start_ms) -
                               times);
  };
  const WindowView& floats = window.floats;
  const HistogramView& view = window.histograms;
  const size_t f = up_to_start(floats.times, floats.count);
  const size_t h = up_to_start(view.times, view.count);
  if (f == floats.count && h == view.count) return false;
  if (f == 0 && h == 0) return true;
  if (h == 0 || (f > 0 && floats.times[f - 1] >= view.times[h - 1])) {
    *first = {f - 1, h};
  } else {
    *first = {f, h - 1};
  }
  return true;
}

}  // namespace

bool EvaluateMixedExtended(Function function, Extension extension, const MixedWindow& window,
                           std::string_view metric_name, WindowNotes* notes, WindowAnswer* out) {
  if (function == Function::kChanges || function == Function::kResets) {
    FirstSamples first;
    if (!FindAnchor(window, &first)) return false;
    out->value = function == Function::kResets
                     ? CountResets(window, first.floats, first.histograms)
                     : CountChanges(window, first.floats, first.histograms);
    return true;
  }
  if (!OneKind(window, metric_name, notes)) return false;
  if (window.histograms.count == 0) {
    return EvaluateExtended(function, extension, window.floats, &out->value);
  }
  return ExtendedHistogramRate(RateKindOf(function), extension == Extension::kSmoothed, window,
                               metric_name, notes, out);
}

std::shared_ptr<FloatHistogram> InterpolateHistograms(const FloatHistogram& before,
                                                      TimestampMs before_ms,
                                                      const FloatHistogram& after,
                                                      TimestampMs after_ms, TimestampMs at_ms,
                                                      bool is_counter, WindowNotes* notes) {
  if (at_ms == before_ms) return std::make_shared<FloatHistogram>(before);
  auto result = std::make_shared<FloatHistogram>(after);
  if (at_ms == after_ms) return result;
  const double fraction =
      static_cast<double>(at_ms - before_ms) / static_cast<double>(after_ms - before_ms);
  if (is_counter && DetectReset(after, before)) {
    Multiply(result.get(), fraction);
    return result;
  }
  const auto subtracted = Subtract(result.get(), before);
  if (!subtracted) return nullptr;
  if (subtracted->bounds_reconciled) notes->infos.push_back(MismatchedBoundsText("subtraction"));
  Multiply(result.get(), fraction);
  const auto added = Add(result.get(), before);
  if (!added) return nullptr;
  if (added->bounds_reconciled) notes->infos.push_back(MismatchedBoundsText("addition"));
  return result;
}

}  // namespace thermocline::promql
