#include "server/metrics_json.h"

#include <fmt/core.h>

#include <cmath>

#include "wire/json.h"

namespace thermocline {
namespace {

// As protobuf's JSON mapping has it: a number, or a text where JSON has no number.
void AppendNumber(double value, std::string* json) {
  if (std::isnan(value)) {
    *json += R"("NaN")";
  } else if (std::isinf(value)) {
    *json += value > 0 ? R"("Infinity")" : R"("-Infinity")";
  } else {
    AppendFloat(json, value);
  }
}

void AppendLabels(const MetricLabels& labels, std::string* json) {
  *json += R"("label":[)";
  for (const auto& [name, value] : labels) {
    *json += json->back() == '[' ? R"({"name":)" : R"(,{"name":)";
    AppendJsonText(json, name);
    *json += R"(,"value":)";
    AppendJsonText(json, value);
    *json += '}';
  }
  *json += ']';
}

// 64-bit counts are texts there.
void AppendHistogram(const MetricPoint& point, std::string* json) {
  *json += fmt::format(R"("histogram":{{"sampleCount":"{}","sampleSum":)", point.count);
  AppendNumber(point.sum, json);
  *json += R"(,"bucket":[)";
  for (const auto& [bound, count] : point.buckets) {
    *json += json->back() == '[' ? "{" : ",{";
    *json += fmt::format(R"("cumulativeCount":"{}","upperBound":)", count);
    AppendNumber(bound, json);
    *json += '}';
  }
  *json += "]}";
}

void AppendFamily(const MetricFamily& family, std::string* json) {
  const bool counter = family.type == MetricType::kCounter;
  const bool histogram = family.type == MetricType::kHistogram;
  *json += R"({"name":)";
  AppendJsonText(json, family.name);
  *json += R"(,"help":)";
  AppendJsonText(json, family.help);
  *json += fmt::format(R"(,"type":"{}","metric":[)", counter     ? "COUNTER"
                                                     : histogram ? "HISTOGRAM"
                                                                 : "GAUGE");
  for (const MetricPoint& point : family.points) {
    *json += json->back() == '[' ? "{" : ",{";
    if (!point.labels.empty()) {
      AppendLabels(point.labels, json);
      *json += ',';
    }
    if (histogram) {
      AppendHistogram(point, json);
    } else {
      *json += counter ? R"("counter":{"value":)" : R"("gauge":{"value":)";
      AppendNumber(point.value, json);
      *json += '}';
    }
    *json += '}';
  }
  *json += "]}";
}

}  // namespace

std::string MetricsJson(const Metrics& metrics, const Matcher& name) {
  std::string json = "[";
  for (const MetricFamily& family : metrics.Collect()) {
    if (!name.Matches(family.name)) continue;
    if (json.size() > 1) json += ',';
    AppendFamily(family, &json);
  }
  return json + ']';
}

}  // namespace thermocline
