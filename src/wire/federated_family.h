// Families of samples, each with its own time, for another server to scrape.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "model/histogram.h"
#include "model/labels.h"
#include "wire/exposition_format.h"

namespace thermocline {

enum class FamilyKind : uint8_t { kUntyped, kHistogram, kGaugeHistogram };

// Borrowed: labels and histogram outlive it.
struct FamilyMember {
  LabelsView labels;  // the metric name among them is left out; without `instance` it gets one
                      // that is empty, so that the scraping server does not add its own
  TimestampMs t_ms = 0;
  double value = 0;
  const Histogram* histogram = nullptr;  // null for a float
};

struct FederatedFamily {
  std::string_view name;  // of every member
  FamilyKind kind = FamilyKind::kUntyped;
  std::vector<FamilyMember> members;
};

// Appends one family. Histograms with custom bounds become classic ones with counts as floats;
// exponential ones have no place in the text format and must not be in the family there.
// Source: Prometheus' web/federate.go; prometheus/common's expfmt/text_create.go;
// io/prometheus/client/metrics.proto.
void AppendFamilyText(const FederatedFamily& family, NameEscaping escaping, std::string* out);
void AppendFamilyMessage(const FederatedFamily& family, NameEscaping escaping, std::string* out);

// Per bound of a histogram with custom bounds, the count of what is not above it.
std::vector<double> CumulativeCounts(const Histogram& h);

}  // namespace thermocline
