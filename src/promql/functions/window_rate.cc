// rate, increase, delta, irate, idelta, resets, changes.
#include <cmath>

#include "promql/functions/window.h"

namespace thermocline::promql {
namespace {

bool IsReset(const WindowView& window, size_t i) {
  return window.values[i] < window.values[i - 1] ||
         IsStartReset(window.start_of(i - 1), window.times[i - 1], window.start_of(i),
                      window.times[i]);
}

// `change` over the samples, stretched to the window.
bool Extrapolated(RateKind kind, const WindowView& window, double change, double* out) {
  const SampledSpan span{window.times[0], window.times[window.count - 1],
                         window.count,    window.start_ms,
                         window.end_ms,   window.start_of(0)};
  return Extrapolate(kind, span, window.values[0], change, out);
}

bool Counted(RateKind kind, const WindowView& window, double* out) {
  double change = window.values[window.count - 1] - window.values[0];
  for (size_t i = 1; i < window.count; ++i) {
    if (IsReset(window, i)) change += window.values[i - 1];
  }
  return Extrapolated(kind, window, change, out);
}

bool Rate(const WindowView& window, double* out) { return Counted(RateKind::kRate, window, out); }
bool Increase(const WindowView& window, double* out) {
  return Counted(RateKind::kIncrease, window, out);
}
bool Delta(const WindowView& window, double* out) {
  return Extrapolated(RateKind::kDelta, window, window.values[window.count - 1] - window.values[0],
                      out);
}

// The last two samples; false when there are not two at distinct times.
bool InstantChange(const WindowView& window, bool is_rate, double* out) {
  if (window.count < 2) return false;
  const size_t last = window.count - 1;
  const int64_t gap_ms = window.times[last] - window.times[last - 1];
  if (gap_ms == 0) return false;
  const double before = window.values[last - 1];
  const double after = window.values[last];
  double change = is_rate && IsReset(window, last) ? after : after - before;
  if (is_rate) change /= static_cast<double>(gap_ms) / 1000;
  *out = change;
  return true;
}
bool Irate(const WindowView& window, double* out) { return InstantChange(window, true, out); }
bool Idelta(const WindowView& window, double* out) { return InstantChange(window, false, out); }

bool Resets(const WindowView& window, double* out) {
  int64_t resets = 0;
  for (size_t i = 1; i < window.count; ++i) resets += IsReset(window, i);
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

bool IsStartReset(TimestampMs before_start_ms, TimestampMs before_ms, TimestampMs now_start_ms,
                  TimestampMs now_ms) {
  // Unknown, or not to be believed.
  if (now_start_ms == 0 || now_start_ms >= now_ms) return false;
  if (now_start_ms != before_ms) return now_start_ms > before_ms;
  // A delta that starts where the one before ended, unless the start before is unknown too.
  if (before_start_ms > before_ms) return false;
  return before_start_ms != 0 && before_start_ms != before_ms;
}

bool StartsOverlap(TimestampMs before_start_ms, TimestampMs before_ms, TimestampMs now_start_ms) {
  return now_start_ms != 0 && now_start_ms < before_ms && now_start_ms != before_start_ms;
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
