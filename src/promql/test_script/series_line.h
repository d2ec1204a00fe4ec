// One line of a test script: a series and its sequence of values
// ("http_requests{job="a"} 0+10x5 _ stale 7").
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/float_histogram.h"
#include "model/labels.h"

namespace thermocline::promql {

struct SequenceValue {
  enum Kind : uint8_t { kOmitted, kFloat, kHistogram };
  Kind kind = kOmitted;
  double value = 0;                                 // kFloat; the stale marker for "stale"
  std::shared_ptr<const FloatHistogram> histogram;  // kHistogram
  bool hint_set = false;  // its counter_reset_hint was written: results must have it
};

struct SeriesLine {
  Labels labels;
  std::vector<SequenceValue> values;
  bool is_start_timestamps = false;  // "series@st offsets"; `values` stay empty
  // Of a start-timestamp line, and of the samples' line once a script is parsed: empty, or what to
  // add to each sample's time; nullopt for no start timestamp.
  std::vector<std::optional<int64_t>> start_offsets_ms;
};

// InvalidArgument when `line` is neither a series with values nor a start-timestamp line.
Result<SeriesLine> ParseSeriesLine(std::string_view line);

// A number that stands alone, with an optional sign: Go's ParseInt, failing that ParseFloat.
bool ParseSignedNumber(std::string_view text, double* value);

}  // namespace thermocline::promql
