// A random native histogram that grows, as a scraped one does.
#pragma once

#include <map>
#include <random>

#include "model/float_histogram.h"

namespace thermocline::promql::naive {

enum class HistogramKind { kExponential, kCustom, kGauge };

class RandomHistogram {
 public:
  RandomHistogram(std::mt19937_64* random, HistogramKind kind);

  // The next sample: whole counts, mostly grown; now and then reset or of another layout. Gauges
  // say so; the others' hints are unknown.
  FloatHistogram Next();

 private:
  size_t Below(size_t count) { return random_() % count; }
  void ChooseLayout();
  void Observe();

  std::mt19937_64& random_;
  const HistogramKind kind_;
  bool custom_ = false;
  FloatHistogram layout_;  // schema, zero threshold, bounds
  std::map<int, int> positive_;
  std::map<int, int> negative_;
  int zero_ = 0;
  int unseen_ = 0;  // counted, but in no bucket: observations of NaN
  double sum_ = 0;
};

}  // namespace thermocline::promql::naive
