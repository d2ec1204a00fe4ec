#include "server/metrics_text.h"

#include <gtest/gtest.h>

#include <map>

#include "wire/exposition.h"

namespace thermocline {
namespace {

TEST(MetricsText, EachFamilyHasHelpTypeAndItsSamples) {
  Metrics metrics;
  metrics.GetCounter("b_total", "Counts\nthings \\.", {{"path", "a\"b"}}).Add(3);
  metrics.GetGauge("a", "A gauge.").Set(-1.5);
  EXPECT_EQ(MetricsText(metrics),
            "# HELP a A gauge.\n# TYPE a gauge\na -1.5\n"
            "# HELP b_total Counts\\nthings \\\\.\n# TYPE b_total counter\n"
            "b_total{path=\"a\\\"b\"} 3\n");
}

TEST(MetricsText, WhatIsWrittenReadsBackAsTheSameSeries) {
  Metrics metrics;
  metrics.GetCounter("c_total", "C.", {{"x", "\xC3\xBC \\"}}).Add(7);
  HistogramMetric& histogram = metrics.GetHistogram("h", "H.", {0.5, 1}, {{"l", "v"}});
  for (const double v : {0.1, 0.5, 0.7, 30.0}) histogram.Observe(v);
  WriteBatch batch;
  ExpositionOptions options;
  options.default_time_ms = 42;
  ASSERT_TRUE(ParseExposition(MetricsText(metrics), options, &batch).ok());
  std::map<std::string, double> read;
  for (const auto& series : batch.series) {
    ASSERT_EQ(series.sample_count, 1u);
    read[batch.labels(series).ToString()] = batch.samples[series.first_sample].value;
  }
  const std::map<std::string, double> wanted = {
      {Labels{{"__name__", "c_total"}, {"x", "\xC3\xBC \\"}}.ToString(), 7},
      {Labels{{"__name__", "h_bucket"}, {"l", "v"}, {"le", "0.5"}}.ToString(), 2},
      {Labels{{"__name__", "h_bucket"}, {"l", "v"}, {"le", "1.0"}}.ToString(), 3},
      {Labels{{"__name__", "h_bucket"}, {"l", "v"}, {"le", "+Inf"}}.ToString(), 4},
      {Labels{{"__name__", "h_count"}, {"l", "v"}}.ToString(), 4},
      {Labels{{"__name__", "h_sum"}, {"l", "v"}}.ToString(), 31.3}};
  EXPECT_EQ(read, wanted);
}

}  // namespace
}  // namespace thermocline
