// Request parameters as Prometheus' API reads them: forms, times, durations, limits, names.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace thermocline {

// Decoded name=value pairs in the order they came. A name may repeat (match[]).
class Parameters {
 public:
  static constexpr size_t kMaxCount = 4096;

  // Adds the pairs of an application/x-www-form-urlencoded text: a form body or what follows '?'.
  // In Go's FormValue the body's values win: add the body before the URL. InvalidArgument with
  // Go's texts (`invalid URL escape "%zz"`, `invalid semicolon separator in query`), or when there
  // are more than kMaxCount; pairs before the bad one stay.
  Status Add(std::string_view form);

  // The first value, "" when there is none.
  std::string_view Get(std::string_view name) const;
  bool Has(std::string_view name) const;
  std::vector<std::string_view> GetAll(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& pairs() const { return pairs_; }

 private:
  std::vector<std::pair<std::string, std::string>> pairs_;
};

// The earliest and latest instants Prometheus' API knows: defaults of optional start and end.
inline constexpr TimestampMs kApiMinTimeMs = -9223309901257974000;
inline constexpr TimestampMs kApiMaxTimeMs = 9223309901257974999;

// Float seconds since the epoch (rounded to milliseconds), RFC 3339 with an optional fraction, or
// the two special texts of the extreme instants. InvalidArgument:
// `cannot parse "x" to a valid timestamp`.
Result<TimestampMs> ParseTime(std::string_view text);
// Float seconds or Prometheus' durations (1h30m), in milliseconds; may be negative as a float.
// InvalidArgument: `cannot parse "x" to a valid duration`.
Result<int64_t> ParseDurationOrSecondsMs(std::string_view text);

// The parameter's time, `absent` when it is missing or empty. The error names the parameter as
// Prometheus does and is ready to be shown.
Result<TimestampMs> TimeParameter(const Parameters& parameters, std::string_view name,
                                  TimestampMs absent);
// Non-negative; 0 (no limit) when missing. Error texts as Prometheus.
Result<uint64_t> LimitParameter(const Parameters& parameters, std::string_view name = "limit");
// As the metadata endpoints read limits: -1 (no limit) when missing or negative; InvalidArgument
// `name must be a number`.
Result<int64_t> CountParameter(const Parameters& parameters, std::string_view name);
// strconv.ParseInt(text, 10, 32). InvalidArgument with Go's text.
Result<int64_t> ParseGoInt32(std::string_view text);
// strconv.ParseBool; `absent` when missing or empty. InvalidArgument
// `invalid name "x": must be boolean`.
Result<bool> BoolParameter(const Parameters& parameters, std::string_view name, bool absent);
// Milliseconds, 0 when missing.
Result<int64_t> DurationParameter(const Parameters& parameters, std::string_view name);

struct QuerySteps {
  TimestampMs start_ms = 0;
  TimestampMs end_ms = 0;
  int64_t step_ms = 0;
};
// start, end and step of query_range with Prometheus' checks: end before start, step not positive,
// more than 11,000 points. Every error is InvalidArgument with Prometheus' text.
Result<QuerySteps> StepsParameters(const Parameters& parameters);

// `invalid parameter "name": why`.
Status InvalidParameter(std::string_view name, std::string_view why);

// %xx decoded, '+' left alone. InvalidArgument with Go's text.
Result<std::string> DecodePathSegment(std::string_view segment);

// The label name of a path segment (decoded): names that start with U__ hold other characters as
// _<hex>_ and underscores doubled; what does not decode stays as it is. InvalidArgument
// `invalid label name: "x"` when the name is empty or not UTF-8.
Result<std::string> LabelNameFromPath(std::string_view segment);

}  // namespace thermocline
