// A parsed test script in Prometheus' promqltest language: clear, load, eval.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/matcher.h"
#include "promql/test_script/series_line.h"

namespace thermocline::promql {

struct ClearCommand {};

struct LoadCommand {
  int64_t step_ms = 0;
  bool with_custom_buckets = false;  // load_with_nhcb
  std::vector<SeriesLine> series;    // values at 0, step_ms, 2 * step_ms, ...
};

// The text an error or annotation must have; anything when both are absent.
struct TextExpectation {
  std::optional<std::string> message;
  std::optional<Matcher> pattern;

  bool Accepts(std::string_view text) const;
  std::string ToString() const;
};

struct ExpectedSeries {
  Labels labels;
  std::vector<SequenceValue> values;
  int position = 0;  // from 1, for ordered results
};

struct EvalCommand {
  int line = 0;  // from 1
  std::string query;
  bool is_range = false;
  TimestampMs at_ms = 0;  // instant queries
  TimestampMs start_ms = 0, end_ms = 0;
  int64_t step_ms = 0;

  bool ordered = false;
  bool is_range_vector = false;  // expect range vector: start_ms .. end_ms are its times
  std::optional<TextExpectation> fail;
  std::vector<TextExpectation> warnings, infos;
  bool no_warnings = false, no_infos = false;

  std::optional<double> scalar;
  std::optional<std::string> text;
  std::vector<ExpectedSeries> series;
};

using ScriptCommand = std::variant<ClearCommand, LoadCommand, EvalCommand>;

// InvalidArgument with "line N: ..." for the first line that is not understood. Queries are not
// parsed here.
Result<std::vector<ScriptCommand>> ParseScript(std::string_view text);

}  // namespace thermocline::promql
