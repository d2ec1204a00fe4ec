// Pieces of query results as JSON, byte for byte as Prometheus prints numbers and times. Everything
// appends to a string; commas and brackets between pieces are the caller's.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/time.h"
#include "model/labels.h"

namespace thermocline {

// Shortest text that reads back as the same double: fixed notation for 1e-6 <= |x| < 1e21 and 0,
// else with exponent; NaN, +Inf, -Inf. As Prometheus' jsonutil.MarshalFloat, without the quotes.
void AppendFloat(std::string* out, double value);

// Quoted and escaped. Bytes that are not UTF-8 become \ufffd.
void AppendJsonString(std::string* out, std::string_view text);
// As the API prints all texts but labels: <, > and & are escaped too.
void AppendJsonText(std::string* out, std::string_view text);
// As the API prints string results: like texts, but \b and \f have their short forms.
void AppendJsonStringResult(std::string* out, std::string_view text);
// Seconds: 1435781430, 1435781430.781 (three decimals when there is a fraction).
void AppendJsonTimestamp(std::string* out, TimestampMs t_ms);
// {"__name__":"up","job":"x"}; escaped is only what JSON cannot hold.
void AppendJsonLabels(std::string* out, LabelsView labels);
// [1435781430.781,"1"]
void AppendJsonSample(std::string* out, TimestampMs t_ms, double value);
// [[1435781430.781,"1"],...]; both spans have the same length.
void AppendJsonSamples(std::string* out, std::span<const TimestampMs> times_ms,
                       std::span<const double> values);
// ["a","b"], each as AppendJsonText.
void AppendJsonStrings(std::string* out, std::span<const std::string> texts);

}  // namespace thermocline
