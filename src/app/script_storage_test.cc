#include "app/script_storage.h"

#include <gtest/gtest.h>

#include "convert/compare.h"
#include "env/simulated/seeded_executor.h"
#include "promql/test_script/memory_storage.h"

namespace thermocline {
namespace {

promql::MemoryStorage Loaded() {
  promql::MemoryStorage loaded;
  for (int i = 0; i < 40; ++i) {
    const Labels labels{{"__name__", "up"}, {"pod", std::to_string(100 + i)}};
    for (int k = 0; k < 50; ++k) loaded.Add(labels, k * kMinuteMs, i * k);
  }
  return loaded;
}

TEST(ScriptStorage, HoldsTheSameInEveryLayoutAndInManyPieces) {
  SeededExecutor executor;
  for (const char* name : {"head", "samples", "parquet-common", "gateway"}) {
    SCOPED_TRACE(name);
    const auto store = MakeScriptStorage(name, executor);
    ASSERT_TRUE(store.ok());
    const promql::MemoryStorage loaded = Loaded();
    const auto stored = (*store)(loaded);
    ASSERT_TRUE(stored.ok()) << stored.status().ToString();
    ReadCounters counters;
    SelectRequest request;
    request.range = {kMinTimestampMs, kMaxTimestampMs};
    request.counters = &counters;
    const auto found = Compare(loaded, **stored, request, {});
    ASSERT_TRUE(found.ok()) << found.status().ToString();
    EXPECT_TRUE(found->equal());
    EXPECT_EQ(found->samples, 40u * 50);
    if (std::string_view(name) != "head") EXPECT_GT(counters.pages_read, 20u);
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
