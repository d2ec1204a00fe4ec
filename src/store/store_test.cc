#include "store/store.h"

#include <gtest/gtest.h>

#include "store/store_fixture.h"

namespace thermocline {
namespace {

std::unique_ptr<Store> OpenStore(const StoreOptions& options, SimulatedEnv& machine) {
  OpenSummary summary;
  auto store = Store::Open(options, machine.env(), &summary);
  EXPECT_TRUE(store.ok()) << store.status().ToString();
  return store.ok() ? std::move(*store) : nullptr;
}

void Append(Store& store, const WriteBatch& batch) {
  const auto summary = store.Append(batch);
  ASSERT_TRUE(summary.ok()) << summary.status().ToString();
  ASSERT_EQ(summary->rejected_count, 0u);
}

// `steps` rounds of one sample for each of `series` series, 15 s apart.
Contents Fill(Store& store, int series, int steps, TimestampMs from_ms) {
  Contents contents;
  for (int step = 0; step < steps; ++step) {
    WriteBatch batch;
    for (int s = 0; s < series; ++s) AddPoint(s, from_ms + step * 15'000, &batch, &contents);
    Append(store, batch);
  }
  return contents;
}

void Merge(const Contents& from, Contents* to) {
  for (const auto& [series, samples] : from) (*to)[series].insert(samples.begin(), samples.end());
}

TEST(HybridQueryTest, HotAndColdReadAsOneStreamAndTheColdPartComesFromParquet) {
  SimulatedEnv machine;
  machine.clock.SetNowMs(kTestStartMs + kHourMs);
  auto store = OpenStore(TestStoreOptions(), machine);
  Contents all = Fill(*store, 20, 40, kTestStartMs);
  const auto flushed = store->FlushAll();
  ASSERT_TRUE(flushed.ok()) << flushed.status().ToString();
  EXPECT_EQ(flushed->samples, 800u);
  Merge(Fill(*store, 20, 20, kTestStartMs + 40 * 15'000), &all);

  ReadCounters counters;
  const auto read = ReadAll(*store, &counters);
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(*read, all);
  EXPECT_EQ(counters.cold_samples.load(), 800u);
  EXPECT_EQ(counters.head_samples.load(), 400u);
  EXPECT_GT(counters.pages_read.load(), 0u);
}

TEST(HybridQueryTest, ARestartBetweenFlushAndQueryChangesNothing) {
  SimulatedEnv machine;
  machine.clock.SetNowMs(kTestStartMs + kHourMs);
  auto store = OpenStore(TestStoreOptions(), machine);
  Contents all = Fill(*store, 10, 30, kTestStartMs);
  ASSERT_TRUE(store->FlushAll().ok());
  Merge(Fill(*store, 10, 30, kTestStartMs + 30 * 15'000), &all);
  store.reset();
  store = OpenStore(TestStoreOptions(), machine);
  const auto read = ReadAll(*store);
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(*read, all);
  // Nothing was replayed that the cold tier holds: flushing again adds only the second half.
  ASSERT_TRUE(store->FlushAll().ok());
  EXPECT_EQ(ColdSamples(*store), CountSamples(all));
}

TEST(HybridQueryTest, MetadataOutliveTheLogWhetherAFileHasTheirMetricOrNot) {
  SimulatedEnv machine;
  machine.clock.SetNowMs(kTestStartMs + kHourMs);
  auto store = OpenStore(TestStoreOptions(), machine);
  WriteBatch batch;
  AddPoint(1, kTestStartMs, &batch, nullptr);
  const std::vector<BatchMetadata> all = {{"m1", "gauge", "Of a metric.", ""},
                                          {"nothing_has_it", "counter", "Of none.", "seconds"}};
  batch.metadata = all;
  Append(*store, batch);
  ASSERT_TRUE(store->FlushAll().ok());
  store.reset();
  store = OpenStore(TestStoreOptions(), machine);
  EXPECT_EQ(*store->Metadata({}), all);
}

TEST(StorageLifecycleTest, OneMillionPointsAreFlushedAndMemoryIsGivenBack) {
  SimulatedEnv machine;
  machine.clock.SetNowMs(kTestStartMs + kHourMs);
  StoreOptions options = TestStoreOptions();
  options.wal.segment_size_bytes = 16 << 20;
  options.cold.writer = {};
  auto store = OpenStore(options, machine);
  const uint64_t before_bytes = store->head_memory_bytes();
  constexpr int kSeries = 5000;
  constexpr int kSteps = 200;
  for (int step = 0; step < kSteps; ++step) {
    WriteBatch batch;
    for (int s = 0; s < kSeries; ++s) {
      AddPoint(s, kTestStartMs + step * 5000, &batch, nullptr);
    }
    Append(*store, batch);
  }
  const uint64_t full_bytes = store->head_memory_bytes();
  EXPECT_GT(full_bytes, before_bytes + (1 << 20));
  const auto flushed = store->FlushAll();
  ASSERT_TRUE(flushed.ok()) << flushed.status().ToString();
  EXPECT_EQ(flushed->samples, uint64_t{kSeries} * kSteps);
  ASSERT_FALSE(store->cold().entries().empty());
  for (const BlockEntry& block : store->cold().entries()) {
    for (const BlockFile& file : block.files) {
      EXPECT_TRUE(machine.files.Exists("/data/cold/" + file.key)) << file.key;
    }
  }
  EXPECT_LT(store->head_memory_bytes(), before_bytes + (full_bytes - before_bytes) / 10);
}

TEST(Store, AClosedRangeIsFlushedByMaintainAndAnOpenOneStays) {
  SimulatedEnv machine;
  machine.clock.SetNowMs(kTestStartMs);
  auto store = OpenStore(TestStoreOptions(), machine);
  Fill(*store, 5, 10, kTestStartMs);
  const TimestampMs range_end_ms = FloorTo(kTestStartMs, 2 * kHourMs) + 2 * kHourMs;
  ASSERT_TRUE(store->Maintain(range_end_ms + 30 * kMinuteMs - 1).ok());
  EXPECT_EQ(ColdSamples(*store), 0u);
  ASSERT_TRUE(store->Maintain(range_end_ms + 30 * kMinuteMs).ok());
  EXPECT_EQ(ColdSamples(*store), 50u);
}

TEST(Store, ASmallClosedRangeWaitsForCompany) {
  SimulatedEnv machine;
  machine.clock.SetNowMs(kTestStartMs);
  StoreOptions options = TestStoreOptions();
  options.small_range_wait_ms = kDayMs;
  auto store = OpenStore(options, machine);
  Fill(*store, 5, 10, kTestStartMs);
  const TimestampMs closed_ms = FloorTo(kTestStartMs, 2 * kHourMs) + 2 * kHourMs + 30 * kMinuteMs;
  ASSERT_TRUE(store->Maintain(closed_ms + kDayMs - 1).ok());
  EXPECT_EQ(ColdSamples(*store), 0u);
  ASSERT_TRUE(store->Maintain(closed_ms + kDayMs).ok());
  EXPECT_EQ(ColdSamples(*store), 50u);
}

TEST(Store, RetentionByTimeRemovesWholeBlocksAndOnlyOldOnes) {
  SimulatedEnv machine;
  machine.clock.SetNowMs(kTestStartMs + 3 * kDayMs);
  StoreOptions options = TestStoreOptions();
  options.retention_time_ms = kDayMs;
  auto store = OpenStore(options, machine);
  Fill(*store, 3, 10, kTestStartMs);
  ASSERT_TRUE(store->FlushAll().ok());
  const Contents fresh = Fill(*store, 3, 10, kTestStartMs + 3 * kDayMs);
  ASSERT_TRUE(store->FlushAll().ok());
  ASSERT_TRUE(store->Maintain(kTestStartMs + 3 * kDayMs).ok());
  const auto read = ReadAll(*store);
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(*read, fresh);
}

TEST(Store, RetentionBySizeRemovesTheOldestBlocksFirst) {
  SimulatedEnv machine;
  machine.clock.SetNowMs(kTestStartMs + 3 * kDayMs + kHourMs);
  StoreOptions options = TestStoreOptions();
  options.compact_blocks = 100;  // each flush stays a block
  options.compact_after_ms = 100 * kDayMs;
  std::map<int, Contents> days;
  std::map<TimestampMs, uint64_t> bytes_by_end;
  {
    auto store = OpenStore(options, machine);
    for (int day = 0; day < 4; ++day) {
      days[day] = Fill(*store, 40, 50, kTestStartMs + day * kDayMs);
      ASSERT_TRUE(store->FlushAll().ok());
    }
    for (const BlockEntry& block : store->cold().entries()) {
      bytes_by_end[block.range.end_ms] = block.size_bytes();
    }
  }
  ASSERT_EQ(bytes_by_end.size(), 4u);
  const auto newest = std::prev(bytes_by_end.end());
  // Room for the two newest blocks, the log's few bytes among them; not for a third.
  options.retention_size_bytes =
      newest->second + std::prev(newest)->second + bytes_by_end.begin()->second / 2;
  auto store = OpenStore(options, machine);
  ASSERT_TRUE(store->Maintain(kTestStartMs + 3 * kDayMs).ok());
  EXPECT_EQ(store->cold().entries().size(), 2u);
  Contents kept = days[2];
  Merge(days[3], &kept);
  const auto read = ReadAll(*store);
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_TRUE(*read == kept) << CountSamples(*read) << " samples";
}

TEST(Store, BelowTheFreeSpaceFloorWritesAreRefusedAndComeBackByThemselves) {
  SimulatedEnv machine;
  machine.clock.SetNowMs(kTestStartMs);
  machine.files.SetCapacity(8 << 20);
  StoreOptions options = TestStoreOptions();
  options.free_space_floor_bytes = 4 << 20;
  auto store = OpenStore(options, machine);
  ASSERT_TRUE(store->Maintain(kTestStartMs).ok());
  WriteBatch batch;
  AddPoint(1, kTestStartMs, &batch, nullptr);
  Append(*store, batch);
  machine.files.PutFile("/ballast", std::string(6 << 20, 'x'));
  ASSERT_TRUE(store->Maintain(kTestStartMs + 1).ok());
  WriteBatch refused;
  AddPoint(1, kTestStartMs + 1000, &refused, nullptr);
  EXPECT_EQ(store->Append(refused).status().code(), Code::kUnavailable);
  EXPECT_FALSE(store->GetHealth().writable);
  EXPECT_EQ(CountSamples(*ReadAll(*store)), 1u);
  ASSERT_TRUE(machine.files.RemoveFile("/ballast").ok());
  ASSERT_TRUE(store->Maintain(kTestStartMs + 2).ok());
  Append(*store, refused);
  EXPECT_TRUE(store->GetHealth().writable);
}

TEST(Store, ASecondStoreOnTheSameFolderIsRefused) {
  SimulatedEnv machine;
  auto store = OpenStore(TestStoreOptions(), machine);
  OpenSummary summary;
  const auto second = Store::Open(TestStoreOptions(), machine.env(), &summary);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), Code::kUnavailable);
}

TEST(Store, OneBadSampleRollsTheWholeRequestBack) {
  SimulatedEnv machine;
  machine.clock.SetNowMs(kTestStartMs + kHourMs);
  auto store = OpenStore(TestStoreOptions(), machine);
  const Contents before = Fill(*store, 3, 3, kTestStartMs + 30 * kMinuteMs);
  WriteBatch batch;
  AddPoint(7, kTestStartMs + 40 * kMinuteMs, &batch, nullptr);
  AddPoint(0, kTestStartMs - 2 * kHourMs, &batch, nullptr);  // far below the window
  const auto summary = store->Append(batch);
  ASSERT_TRUE(summary.ok());
  EXPECT_TRUE(summary->rolled_back);
  EXPECT_EQ(*ReadAll(*store), before);
}

TEST(Store, TheLogIsReleasedOnceEverythingIsInParquet) {
  SimulatedEnv machine;
  machine.clock.SetNowMs(kTestStartMs + 2 * kHourMs);
  auto store = OpenStore(TestStoreOptions(), machine);
  Fill(*store, 50, 400, kTestStartMs);
  const auto log_bytes = [&] {
    uint64_t bytes = 0;
    for (const auto& [path, content] : machine.files.TakeImage()) {
      if (path.find("/wal/segment") != std::string::npos) bytes += content.size();
    }
    return bytes;
  };
  EXPECT_GT(log_bytes(), 2u * (64 << 10));
  ASSERT_TRUE(store->FlushAll().ok());
  EXPECT_LE(log_bytes(), 64u << 10);
  Fill(*store, 50, 5, kTestStartMs + 400 * 15'000);
  store.reset();
  OpenSummary summary;
  auto reopened = Store::Open(TestStoreOptions(), machine.env(), &summary);
  ASSERT_TRUE(reopened.ok()) << reopened.status().ToString();
  EXPECT_LE(summary.replay.records, 6u);
  EXPECT_EQ(CountSamples(*ReadAll(**reopened)), 50u * 405);
}

}  // namespace
}  // namespace thermocline
