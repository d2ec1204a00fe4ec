#include "server/metrics_text.h"

#include "wire/exposition.h"

namespace thermocline {
namespace {

std::string_view TypeName(MetricType type) {
  switch (type) {
    case MetricType::kCounter: return "counter";
    case MetricType::kGauge: return "gauge";
    case MetricType::kHistogram: return "histogram";
  }
  return "untyped";
}

}  // namespace

std::string MetricsText(const Metrics& metrics) {
  std::string text;
  ExpositionWriter writer(&text);
  for (const MetricFamily& family : metrics.Collect()) {
    writer.Family(family.name, family.help, TypeName(family.type));
    for (const MetricPoint& point : family.points) {
      if (family.type == MetricType::kHistogram) {
        writer.Histogram(family.name, point.labels, point.buckets, point.sum, point.count);
      } else {
        writer.Sample(family.name, point.labels, point.value);
      }
    }
  }
  return text;
}

}  // namespace thermocline
