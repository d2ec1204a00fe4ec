#pragma once

#include "base/time.h"
#include "model/histogram.h"

namespace thermocline {

// What few samples have beside time and value.
struct SampleExtra {
  const Histogram* histogram = nullptr;  // null: a float. Else the sample's value is its sum
  TimestampMs start_ms = 0;              // 0 = none

  bool any() const { return histogram != nullptr || start_ms != 0; }
  SampleKind kind() const { return histogram == nullptr ? SampleKind::kFloat : histogram->kind; }
};

}  // namespace thermocline
