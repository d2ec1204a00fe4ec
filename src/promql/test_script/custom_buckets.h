// load_with_nhcb: native histograms with custom bounds from classic ones.
// Source: Prometheus' util/convertnhcb and promql/promqltest/test.go, appendCustomHistogram.
#pragma once

#include <map>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/float_histogram.h"
#include "model/labels.h"

namespace thermocline::promql {

// Gathers the samples of x_bucket, x_count and x_sum and makes the histograms of x.
class CustomBuckets {
 public:
  // Series that belong to no classic histogram are ignored, as are bounds that are no number.
  void Add(const Labels& labels, TimestampMs t_ms, double value);

  struct Converted {
    Labels labels;
    TimestampMs t_ms;
    std::shared_ptr<const FloatHistogram> histogram;
  };
  // Series by series, in time order. InvalidArgument: the samples of a time make no histogram.
  Result<std::vector<Converted>> Convert() const;

 private:
  // What is known of one time of a series.
  struct Classic {
    std::map<double, double> buckets;  // cumulative
    double count = 0;
    double sum = 0;
    bool has_count = false;
  };
  static Result<FloatHistogram> ToHistogram(Classic classic);

  std::map<Labels, std::map<TimestampMs, Classic>> series_;
};

}  // namespace thermocline::promql
