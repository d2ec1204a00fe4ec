#include "promql/test_script/memory_storage.h"

#include <gtest/gtest.h>

#include "promql/test_script/custom_buckets.h"
#include "promql/test_script/series_line.h"

namespace thermocline::promql {
namespace {

TEST(MemoryStorage, SelectsByMatchersAndRange) {
  MemoryStorage storage;
  storage.Add(Labels{{"__name__", "b"}}, 20, 2);
  storage.Add(Labels{{"__name__", "a"}}, 10, 1);
  storage.Add(Labels{{"__name__", "a"}}, 30, 3);
  SelectRequest request;
  request.matchers = {Matcher::Make(MatchType::kRegex, "__name__", "a|b").value()};
  request.range = {15, 30};
  const auto set = storage.Select(request).value();
  ASSERT_EQ(set->series_count(), 2u);
  EXPECT_EQ(set->labels(0).metric_name(), "b");  // in the order of creation
  const uint32_t both[] = {0, 1};
  SeriesBatch batch;
  ASSERT_TRUE(set->Read(both, &batch).ok());
  EXPECT_EQ(batch.values, (std::vector<double>{2, 3}));
  EXPECT_EQ(batch.offsets, (std::vector<uint32_t>{0, 1, 2}));
  request.hints.sorted = true;
  EXPECT_EQ(storage.Select(request).value()->labels(0).metric_name(), "a");
  EXPECT_EQ(storage.LabelValues("__name__", {}).value(), (std::vector<std::string>{"a", "b"}));
}

// The samples of the only series that is stored.
SeriesBatch All(const MemoryStorage& storage, TimeRange range = {0, 1'000'000'000}) {
  SelectRequest request;
  request.range = range;
  const auto set = storage.Select(request).value();
  EXPECT_EQ(set->series_count(), 1u);
  const uint32_t first = 0;
  SeriesBatch batch;
  EXPECT_TRUE(set->Read(std::span(&first, 1), &batch).ok());
  return batch;
}

void AddLine(std::string_view line, MemoryStorage* storage) {
  const SeriesLine parsed = ParseSeriesLine(line).value();
  for (size_t i = 0; i < parsed.values.size(); ++i) {
    const auto t_ms = static_cast<TimestampMs>(i) * kMinuteMs;
    if (parsed.values[i].kind == SequenceValue::kHistogram) {
      storage->Add(parsed.labels, t_ms, parsed.values[i].histogram);
    } else if (parsed.values[i].kind == SequenceValue::kFloat) {
      storage->Add(parsed.labels, t_ms, parsed.values[i].value);
    }
  }
}

std::string HintsOf(const SeriesBatch& batch) {
  std::string text;
  for (size_t i = 0; i < batch.values.size(); ++i) {
    const Histogram* h = batch.histogram(i);
    text += h == nullptr ? 'f' : "urng"[static_cast<int>(h->reset_hint)];
  }
  return text;
}

TEST(MemoryStorage, HoldsFloatsHistogramsAndStartTimestamps) {
  MemoryStorage storage;
  AddLine("h 1 {{count:2 sum:7 buckets:[2]}}", &storage);
  storage.Add(Labels{{"__name__", "h"}}, 2 * kMinuteMs, 3, 5);
  const SeriesBatch batch = All(storage);
  EXPECT_EQ(batch.values, (std::vector<double>{1, 7, 3}));
  EXPECT_EQ(batch.histogram(0), nullptr);
  ASSERT_NE(batch.histogram(1), nullptr);
  EXPECT_EQ(batch.histogram(1)->positive_floats, (std::vector<double>{2}));
  EXPECT_EQ(batch.start_timestamps_ms, (std::vector<TimestampMs>{0, 0, 5}));
  const SeriesBatch first = All(storage, {0, 0});
  EXPECT_TRUE(first.histogram_index.empty());
  EXPECT_TRUE(first.start_timestamps_ms.empty());
}

// u: unknown, r: reset, n: not reset, g: gauge, f: a float.
TEST(MemoryStorage, HistogramsReadBackWithTheHintsOfChunks) {
  const auto hints = [](std::string_view values) {
    MemoryStorage storage;
    AddLine("h " + std::string(values), &storage);
    return HintsOf(All(storage));
  };
  EXPECT_EQ(hints("{{count:1}}x2"), "unn");
  EXPECT_EQ(hints("{{count:2}} {{count:1}} {{count:1}}"), "uun");
  EXPECT_EQ(hints("{{count:1}} {{count:1 counter_reset_hint:reset}} {{count:1}}"), "uun");
  EXPECT_EQ(hints("{{count:1}} 5 {{count:1}}"), "ufu");
  EXPECT_EQ(hints("{{count:2 counter_reset_hint:gauge}} {{count:1 counter_reset_hint:gauge}} {{}}"),
            "ggu");
  EXPECT_EQ(hints("{{count:1}} {{schema:1 count:1}} {{schema:1 count:1 z_bucket_w:1}}"), "uuu");
  EXPECT_EQ(hints("{{count:1 buckets:[1]}} {{count:2 buckets:[1 1]}} {{count:2 buckets:[2]}}"),
            "unu");
}

TEST(MemoryStorage, ARangeDoesNotChangeHints) {
  MemoryStorage storage;
  AddLine("h {{count:1}}x3", &storage);
  EXPECT_EQ(HintsOf(All(storage, {kMinuteMs, 2 * kMinuteMs})), "nn");
}

std::string ConvertedText(const std::vector<std::pair<std::string, double>>& samples) {
  CustomBuckets classic;
  for (const auto& [series, value] : samples) {
    classic.Add(ParseSeriesLine(series).value().labels, 0, value);
  }
  const auto converted = classic.Convert();
  if (!converted.ok()) return std::string(converted.status().message());
  std::string text;
  for (const auto& one : *converted) {
    text += one.labels.ToString() + TestExpression(*one.histogram);
  }
  return text;
}

TEST(CustomBuckets, AreMadeOfClassicOnes) {
  EXPECT_EQ(ConvertedText({{"x_bucket{le=\"+Inf\",i=\"1\"}", 6},
                           {"x_bucket{le=\"0.5\",i=\"1\"}", 1},
                           {"x_bucket{le=\"2\",i=\"1\"}", 4},
                           {"x_sum{i=\"1\"}", 7.5},
                           {"x_count{i=\"1\"}", 6},
                           {"other", 1}}),
            "{__name__=\"x\", i=\"1\"}{{schema:-53 count:6 sum:7.5 custom_values:[0.5 2] "
            "buckets:[1 3 2]}}");
  // No +Inf bucket: the count closes the list. Fractions make a float histogram.
  EXPECT_EQ(ConvertedText({{"x_bucket{le=\"1\"}", 0.5}, {"x_count", 2}}),
            "{__name__=\"x\"}{{schema:-53 count:2 custom_values:[1] buckets:[0.5 1.5]}}");
  EXPECT_EQ(ConvertedText({{"x_bucket{le=\"1\"}", 3}}),
            "{__name__=\"x\"}{{schema:-53 count:3 custom_values:[1] buckets:[3]}}");
}

TEST(CustomBuckets, RefuseWhatIsNotCumulative) {
  EXPECT_EQ(ConvertedText({{"x_bucket{le=\"1\"}", 3}, {"x_bucket{le=\"2\"}", 2}}),
            "count is not cumulative");
  EXPECT_EQ(ConvertedText({{"x_bucket{le=\"+Inf\"}", 3}, {"x_count", 4}}), "count mismatch");
  EXPECT_EQ(ConvertedText({{"x_bucket{le=\"1\"}", -3}}), "bucket count must be non-negative");
  EXPECT_EQ(ConvertedText({{"x_bucket{le=\"none\"}", 3}}), "");
}

}  // namespace
}  // namespace thermocline::promql
