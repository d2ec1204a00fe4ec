// A native histogram as scripts write it: {{schema:0 count:3 sum:2.5 buckets:[1 2]}}.
// Source: the histogram descriptions of Prometheus' promql/parser/generated_parser.y.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/float_histogram.h"

namespace thermocline::promql {

struct HistogramLiteral {
  std::shared_ptr<const FloatHistogram> histogram;
  bool hint_set = false;  // counter_reset_hint was written, even as unknown
};

// Takes the literal at the front of `rest`, from "{{" to "}}". InvalidArgument: it is none.
Status TakeHistogramLiteral(std::string_view* rest, HistogramLiteral* literal);

// `base`, then `times` more, each the one before it plus (or minus) `step`. InvalidArgument: they
// do not add, or the step has a coarser schema.
Status ExpandHistograms(const HistogramLiteral& base, const HistogramLiteral& step, bool subtract,
                        uint64_t times, std::vector<HistogramLiteral>* out);

}  // namespace thermocline::promql
