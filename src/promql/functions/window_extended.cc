#include "promql/functions/window_extended.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace thermocline::promql {
namespace {

// The value at `at_ms` on the line between samples `i` and `i + 1`. A counter that fell between
// them rose from zero.
double Interpolate(const WindowView& window, size_t i, TimestampMs at_ms, bool is_counter) {
  double before = window.values[i];
  const double after = window.values[i + 1];
  if (is_counter && after < before) before = 0;
  return before + (after - before) * static_cast<double>(at_ms - window.times[i]) /
                      static_cast<double>(window.times[i + 1] - window.times[i]);
}

struct Edges {
  double left = 0;
  double right = 0;
};

// The last sample at or before `at_ms`, or the first of all.
size_t LastUpTo(const WindowView& window, TimestampMs at_ms) {
  const auto after = std::upper_bound(window.times, window.times + window.count, at_ms);
  return after == window.times ? 0 : static_cast<size_t>(after - window.times) - 1;
}

// False when no sample lies after the start of the window.
bool FindEdges(const WindowView& window, bool smoothed, bool is_counter, Edges* edges) {
  const size_t first = LastUpTo(window, window.start_ms);
  size_t last = window.count - 1;
  if (smoothed) {
    const auto reach = std::lower_bound(window.times, window.times + last, window.end_ms);
    last = static_cast<size_t>(reach - window.times);
  }
  if (window.times[last] <= window.start_ms) return false;
  edges->left = smoothed && window.times[first] < window.start_ms
                    ? Interpolate(window, first, window.start_ms, is_counter)
                    : window.values[first];
  edges->right = smoothed && last > 0 && window.times[last] > window.end_ms
                     ? Interpolate(window, last - 1, window.end_ms, is_counter)
                     : window.values[last];
  return true;
}

bool Change(const WindowView& window, Function function, bool smoothed, double* out) {
  const bool is_counter = function != Function::kDelta;
  Edges edges;
  if (!FindEdges(window, smoothed, is_counter, &edges)) return false;
  if (smoothed && window.times[LastUpTo(window, window.start_ms)] > window.end_ms) return false;
  double change = edges.right - edges.left;
  if (is_counter) {
    double lost = 0;  // in resets; added up on its own
    double before = edges.left;
    for (size_t i = 0; i < window.count; ++i) {
      if (window.times[i] <= window.start_ms || window.times[i] >= window.end_ms) continue;
      if (window.values[i] < before) lost += before;
      before = window.values[i];
    }
    if (edges.right < before) lost += before;
    change += lost;
  }
  if (function == Function::kRate) {
    change /= static_cast<double>(window.end_ms - window.start_ms) / 1000;
  }
  *out = change;
  return true;
}

bool IsAnchorable(Function function) {
  switch (function) {
    case Function::kChanges:
    case Function::kDelta:
    case Function::kIncrease:
    case Function::kRate:
    case Function::kResets: return true;
    default: return false;
  }
}

bool IsSmoothable(Function function) {
  return function == Function::kDelta || function == Function::kIncrease ||
         function == Function::kRate;
}

}  // namespace

Status CheckExtension(Extension extension, const Signature& function) {
  if (extension == Extension::kAnchored && !IsAnchorable(function.function)) {
    return Status::OutOfRange(
        "anchored modifier can only be used with: changes, delta, increase, rate, resets - not "
        "with " +
        std::string(function.name));
  }
  if (extension == Extension::kSmoothed && !IsSmoothable(function.function)) {
    return Status::OutOfRange(
        "smoothed modifier can only be used with: delta, increase, rate - not with " +
        std::string(function.name));
  }
  return Status::Ok();
}

bool EvaluateExtended(Function function, Extension extension, const WindowView& window,
                      double* out) {
  if (function != Function::kChanges && function != Function::kResets) {
    return Change(window, function, extension == Extension::kSmoothed, out);
  }
  if (window.times[window.count - 1] <= window.start_ms) return false;
  const size_t first = LastUpTo(window, window.start_ms);
  WindowView inner = window;
  inner.times += first;
  inner.values += first;
  if (inner.starts != nullptr) inner.starts += first;
  inner.count -= first;
  return FindWindowFunction(function)(inner, out);
}

std::vector<Sample> ExtendSamples(Extension extension, const WindowView& window) {
  std::vector<Sample> samples;
  Edges edges;
  if (window.count == 0 || !FindEdges(window, extension == Extension::kSmoothed, false, &edges)) {
    return samples;
  }
  samples.push_back({window.start_ms, edges.left});
  for (size_t i = 0; i < window.count; ++i) {
    if (window.times[i] <= window.start_ms || window.times[i] >= window.end_ms) continue;
    samples.push_back({window.times[i], window.values[i]});
  }
  samples.push_back({window.end_ms, edges.right});
  return samples;
}

std::optional<double> SmoothedValue(const WindowView& window, TimestampMs at_ms) {
  if (window.count == 0 || window.times[0] > at_ms) return std::nullopt;
  const size_t at = LastUpTo(window, at_ms);
  if (window.times[at] == at_ms || at + 1 == window.count) return window.values[at];
  return Interpolate(window, at, at_ms, false);
}

}  // namespace thermocline::promql
