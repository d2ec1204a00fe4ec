// Which exposition format a scraping client takes, and names as it can read them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace thermocline {

// What becomes of names that are not [a-zA-Z_:][a-zA-Z0-9_:]*.
enum class NameEscaping : uint8_t { kAllowUtf8, kUnderscores, kDots, kValues };

struct ExpositionFormat {
  bool protobuf = false;  // delimited io.prometheus.client.MetricFamily; else text 0.0.4
  NameEscaping escaping = NameEscaping::kUnderscores;

  std::string ContentType() const;
};

// The first clause of an Accept header, in its order of preference, that is served; text when none
// is. Of escapings the last one named before that counts.
// Source: prometheus/common's expfmt.Negotiate, and goautoneg, whose order it is.
ExpositionFormat NegotiateExposition(std::string_view accept);

// `name` as it is where it is a legacy name or escaping is kAllowUtf8.
// Source: prometheus/common's model.EscapeName and EscapeMetricFamily.
std::string EscapeName(std::string_view name, NameEscaping escaping);

}  // namespace thermocline
