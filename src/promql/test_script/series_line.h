// One line of a test script: a series and its sequence of values
// ("http_requests{job="a"} 0+10x5 _ stale 7").
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/labels.h"

namespace thermocline::promql {

struct SequenceValue {
  enum Kind : uint8_t { kOmitted, kFloat, kHistogram };
  Kind kind = kOmitted;
  double value = 0;  // kFloat; the stale marker for "stale"
};

struct SeriesLine {
  Labels labels;
  std::vector<SequenceValue> values;
  bool has_histograms = false;
  bool is_start_timestamps = false;  // "series@st offsets"; values stay empty
};

// InvalidArgument when `line` is neither a series with values nor a start-timestamp line.
// Histograms ({{...}}) are recognised and counted, not understood.
Result<SeriesLine> ParseSeriesLine(std::string_view line);

// A number that stands alone, with an optional sign: Go's ParseInt, failing that ParseFloat.
bool ParseSignedNumber(std::string_view text, double* value);

}  // namespace thermocline::promql
