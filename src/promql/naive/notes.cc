#include "promql/naive/notes.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <ctime>

#include "promql/parser.h"
#include "promql/text.h"

namespace thermocline::promql::naive {
namespace {

std::string UtcText(TimestampMs at_ms) {
  const std::time_t seconds = FloorTo(at_ms, 1000) / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[40];
  const size_t size = std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return std::string(text, size);
}

std::string Complete(std::string_view kind, std::string_view text, std::string_view query,
                     int32_t position) {
  return fmt::format("PromQL {}: {} ({})", kind, text, PositionText(query, position));
}

}  // namespace

void Notes::Repaired(const std::string& metric_name, const BucketRepair& repair, TimestampMs at_ms,
                     int32_t position) {
  const auto [found, added] =
      repairs_.try_emplace(metric_name, Repairs{repair, at_ms, at_ms, 1, position});
  if (added) return;
  Repairs& all = found->second;
  all.widest.lowest = std::min(all.widest.lowest, repair.lowest);
  all.widest.highest = std::max(all.widest.highest, repair.highest);
  all.widest.largest_fall = std::max(all.widest.largest_fall, repair.largest_fall);
  all.first_ms = std::min(all.first_ms, at_ms);
  all.last_ms = std::max(all.last_ms, at_ms);
  ++all.count;
}

void Notes::StartOverlap(const std::string& metric_name, int32_t position) {
  ++overlaps_.try_emplace(metric_name, Overlaps{0, position}).first->second.count;
}

std::vector<std::string> Notes::Warnings(std::string_view query) const {
  std::vector<std::string> list;
  for (const auto& [text, position] : warnings_) {
    list.push_back(Complete("warning", text, query, position));
  }
  for (const auto& [name, overlaps] : overlaps_) {
    std::string text =
        "sample has start time that overlaps with previous sample timestamp for metric " +
        GoQuote(name);
    if (overlaps.count > 1) text += fmt::format(" ({} occurrences)", overlaps.count);
    list.push_back(Complete("warning", text, query, overlaps.position));
  }
  return list;
}

std::vector<std::string> Notes::Infos(std::string_view query) const {
  std::vector<std::string> list;
  for (const auto& [text, position] : infos_) {
    list.push_back(Complete("info", text, query, position));
  }
  for (const auto& [name, all] : repairs_) {
    const double fall = all.widest.largest_fall;
    const std::string text = fmt::format(
        "input to histogram_quantile needed to be fixed for monotonicity (see "
        "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)"
        "{}, from buckets {} to {}, with a max diff of {}, over {} samples from {} to {}",
        ForMetric(name), FormatShortest(all.widest.lowest), FormatShortest(all.widest.highest),
        std::isfinite(fall) ? fmt::format("{:.2g}", fall) : FormatShortest(fall), all.count,
        UtcText(all.first_ms), UtcText(all.last_ms));
    list.push_back(Complete("info", text, query, all.position));
  }
  return list;
}

std::string ForMetric(std::string_view metric_name) {
  return metric_name.empty() ? "" : " for metric name " + GoQuote(metric_name);
}

std::string MixedFloats(std::string_view metric_name) {
  return "encountered a mix of histograms and floats for metric name " + GoQuote(metric_name);
}

std::string MixedBuckets(std::string_view metric_name) {
  return "vector contains a mix of histograms with exponential and custom buckets schemas for "
         "metric name " +
         GoQuote(metric_name);
}

std::string IgnoredInRange(std::string_view metric_name) {
  return "ignored histograms in a range containing both floats and histograms for metric name " +
         GoQuote(metric_name);
}

std::string IgnoredInAggregation(std::string_view operation) {
  return fmt::format("ignored histogram in {} aggregation", operation);
}

std::string NotACounter(std::string_view metric_name) {
  return "this native histogram metric is not a counter: " + GoQuote(metric_name);
}

std::string NotAGauge(std::string_view metric_name) {
  return "this native histogram metric is not a gauge: " + GoQuote(metric_name);
}

std::string InvalidQuantile(double q) {
  return "quantile value should be between 0 and 1, got " + FormatShortest(q);
}

std::string MismatchedBounds(std::string_view operation) {
  return fmt::format("mismatched custom buckets were reconciled during {}", operation);
}

std::string ResetCollision(std::string_view operation) {
  return fmt::format("conflicting counter resets during histogram {}", operation);
}

}  // namespace thermocline::promql::naive
