// rate, increase, delta, irate, idelta, resets, changes.
#include <algorithm>
#include <cmath>

#include "promql/functions/window.h"

namespace thermocline::promql {
namespace {

double ResetsSum(const WindowView& window) {
  double sum = 0;
  for (size_t i = 1; i < window.count; ++i) {
    if (window.values[i] < window.values[i - 1]) sum += window.values[i - 1];
  }
  return sum;
}

bool Rate(const WindowView& window, double* out) {
  return Extrapolate(RateKind::kRate, window, ResetsSum(window), out);
}
bool Increase(const WindowView& window, double* out) {
  return Extrapolate(RateKind::kIncrease, window, ResetsSum(window), out);
}
bool Delta(const WindowView& window, double* out) {
  return Extrapolate(RateKind::kDelta, window, 0, out);
}

// The last two samples; false when there are not two at distinct times.
bool InstantChange(const WindowView& window, bool is_rate, double* out) {
  if (window.count < 2) return false;
  const size_t last = window.count - 1;
  const int64_t gap_ms = window.times[last] - window.times[last - 1];
  if (gap_ms == 0) return false;
  const double before = window.values[last - 1];
  const double after = window.values[last];
  double change = is_rate && after < before ? after : after - before;
  if (is_rate) change /= static_cast<double>(gap_ms) / 1000;
  *out = change;
  return true;
}
bool Irate(const WindowView& window, double* out) { return InstantChange(window, true, out); }
bool Idelta(const WindowView& window, double* out) { return InstantChange(window, false, out); }

bool Resets(const WindowView& window, double* out) {
  int64_t resets = 0;
  for (size_t i = 1; i < window.count; ++i) resets += window.values[i] < window.values[i - 1];
  *out = static_cast<double>(resets);
  return true;
}

bool Changes(const WindowView& window, double* out) {
  int64_t changes = 0;
  for (size_t i = 1; i < window.count; ++i) {
    const double before = window.values[i - 1];
    const double after = window.values[i];
    changes += before != after && !(std::isnan(before) && std::isnan(after));
  }
  *out = static_cast<double>(changes);
  return true;
}

}  // namespace

bool Extrapolate(RateKind kind, const WindowView& window, double resets_sum, double* out) {
  if (window.count < 2) return false;
  const size_t last = window.count - 1;
  double change = window.values[last] - window.values[0];
  if (kind != RateKind::kDelta) change += resets_sum;
  const auto seconds = [](int64_t span_ms) { return static_cast<double>(span_ms) / 1000; };
  double to_start = seconds(window.times[0] - window.start_ms);
  double to_end = seconds(window.end_ms - window.times[last]);
  const double sampled = seconds(window.times[last] - window.times[0]);
  const double average = sampled / static_cast<double>(last);
  // Beyond a little more than the usual gap the series probably began or ended inside the window.
  const double threshold = average * 1.1;
  if (to_start >= threshold) to_start = average / 2;
  if (kind != RateKind::kDelta && change > 0 && window.values[0] >= 0) {
    // A counter cannot have been below zero.
    to_start = std::min(to_start, sampled * (window.values[0] / change));
  }
  if (to_end >= threshold) to_end = average / 2;
  double factor = sampled == 0 ? 1 : (sampled + to_start + to_end) / sampled;
  if (kind == RateKind::kRate) factor /= seconds(window.end_ms - window.start_ms);
  *out = change * factor;
  return true;
}

WindowFunction FindRateFunction(Function function) {
  switch (function) {
    case Function::kRate: return Rate;
    case Function::kIncrease: return Increase;
    case Function::kDelta: return Delta;
    case Function::kIrate: return Irate;
    case Function::kIdelta: return Idelta;
    case Function::kResets: return Resets;
    case Function::kChanges: return Changes;
    default: return nullptr;
  }
}

WindowFunction FindWindowFunction(Function function) {
  if (const auto found = FindRateFunction(function)) return found;
  if (const auto found = FindStatisticsFunction(function)) return found;
  return FindRegressionFunction(function);
}

}  // namespace thermocline::promql
