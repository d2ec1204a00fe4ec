// rate, increase and delta of many windows of floats at once: what StretchFactor and Extrapolate
// (window.h) say of each, the same to the bit.
#pragma once

#include <cstddef>

#include "promql/functions/window.h"

namespace thermocline::promql {

// Windows of at least two samples, without start timestamps, column by column.
struct RateBatch {
  static constexpr size_t kCapacity = 128;
  size_t count = 0;
  double to_start_ms[kCapacity];  // from the window's start to its first sample
  double to_end_ms[kCapacity];    // from its last sample to its end
  double sampled_ms[kCapacity];   // from its first sample to its last
  double window_ms[kCapacity];
  double gaps[kCapacity];    // samples - 1
  double first[kCapacity];   // the first sample's value
  double change[kCapacity];  // over the samples, resets included

  bool full() const { return count == kCapacity; }
  void Add(const SampledSpan& span, double first_value, double change_value) {
    to_start_ms[count] = static_cast<double>(span.first_ms - span.window_start_ms);
    to_end_ms[count] = static_cast<double>(span.window_end_ms - span.last_ms);
    sampled_ms[count] = static_cast<double>(span.last_ms - span.first_ms);
    window_ms[count] = static_cast<double>(span.window_end_ms - span.window_start_ms);
    gaps[count] = static_cast<double>(span.count - 1);
    first[count] = first_value;
    change[count++] = change_value;
  }
};

// `out` gets batch.count values.
void ExtrapolateBatch(RateKind kind, const RateBatch& batch, double* out);

}  // namespace thermocline::promql
