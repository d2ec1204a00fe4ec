#include "app/script_storage.h"

#include <gtest/gtest.h>

#include "convert/compare.h"
#include "env/simulated/seeded_executor.h"
#include "promql/test_script/memory_storage.h"

namespace thermocline {
namespace {

// Floats and native histograms, with start timestamps or without.
promql::MemoryStorage Loaded(bool with_starts) {
  promql::MemoryStorage loaded;
  for (int i = 0; i < 40; ++i) {
    const Labels labels{{"__name__", "up"}, {"pod", std::to_string(100 + i)}};
    for (int k = 0; k < 50; ++k) {
      const TimestampMs t_ms = k * kMinuteMs;
      loaded.Add(labels, t_ms, i * k, with_starts && k % 3 == 1 ? t_ms - i : 0);
    }
  }
  for (int i = 0; i < 5; ++i) {
    const Labels labels{{"__name__", "size"}, {"pod", std::to_string(100 + i)}};
    for (int k = 0; k < 50; ++k) {
      auto h = std::make_shared<FloatHistogram>();
      h->schema = i == 4 ? kCustomBoundsSchema : i;
      h->count = h->sum = k + 0.5;
      h->positive_spans = {{i, 2}};
      h->positive_buckets = {0.5, static_cast<double>(k)};
      if (i == 4) h->custom_bounds = {1, 2, 3, 4, 5, 6};
      if (i == 3) h->reset_hint = CounterResetHint::kGauge;
      const TimestampMs t_ms = k * kMinuteMs;
      loaded.Add(labels, t_ms, std::move(h), with_starts ? t_ms - 1 - i : 0);
    }
  }
  return loaded;
}

TEST(ScriptStorage, HoldsTheSameInEveryLayoutAndInManyPieces) {
  SeededExecutor executor;
  for (const std::string_view name : {"head", "samples", "parquet-common", "gateway"}) {
    SCOPED_TRACE(name);
    const auto store = MakeScriptStorage(name, executor);
    ASSERT_TRUE(store.ok());
    // Shards' chunks have no start timestamps.
    const promql::MemoryStorage loaded = Loaded(name == "head" || name == "samples");
    const auto stored = (*store)(loaded);
    ASSERT_TRUE(stored.ok()) << stored.status().ToString();
    ReadCounters counters;
    SelectRequest request;
    request.range = {kMinTimestampMs, kMaxTimestampMs};
    request.counters = &counters;
    const auto found = Compare(loaded, **stored, request, {});
    ASSERT_TRUE(found.ok()) << found.status().ToString();
    EXPECT_TRUE(found->equal());
    EXPECT_EQ(found->samples, 45u * 50);
    if (name != "head") EXPECT_GT(counters.pages_read, 20u);
  }
}

TEST(ScriptStorage, NothingLoadedIsNothingStored) {
  SeededExecutor executor;
  for (const char* name : {"head", "samples", "parquet-common", "gateway"}) {
    const auto stored = MakeScriptStorage(name, executor).value()(promql::MemoryStorage());
    ASSERT_TRUE(stored.ok()) << name << ": " << stored.status().ToString();
    SelectRequest request;
    request.range = {kMinTimestampMs, kMaxTimestampMs};
    EXPECT_EQ((*stored)->Select(request).value()->series_count(), 0u);
  }
}

TEST(ScriptStorage, KnowsItsNames) {
  SeededExecutor executor;
  EXPECT_EQ(MakeScriptStorage("memory", executor).value(), nullptr);
  for (const char* name : {"", "block", "disk"}) {
    const auto unknown = MakeScriptStorage(name, executor);
    ASSERT_FALSE(unknown.ok());
    EXPECT_NE(unknown.status().message().find("memory, head, samples, parquet-common, gateway"),
              std::string::npos);
  }
}

}  // namespace
}  // namespace thermocline
