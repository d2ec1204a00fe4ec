// What the store does when memory is short.
#include <gtest/gtest.h>

#include <algorithm>

#include "store/store_fixture.h"

namespace thermocline {
namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr int kSeriesPerBatch = 1000;

StoreOptions SmallHead() {
  StoreOptions options = TestStoreOptions();
  options.wal.segment_size_bytes = 16 << 20;
  options.head_memory_bytes = 16 * kMiB;
  options.small_range_wait_ms = kDayMs;
  options.cold.writer = {};
  return options;
}

double MetricValue(Metrics& metrics, std::string_view name) {
  for (const MetricFamily& family : metrics.Collect()) {
    if (family.name == name) return family.points[0].value;
  }
  ADD_FAILURE() << "no metric " << name;
  return 0;
}

class StoreMemory : public testing::Test {
 protected:
  StoreMemory() { machine_.clock.SetNowMs(kTestStartMs); }

  void Open(const StoreOptions& options) {
    store_.reset();
    OpenSummary summary;
    auto store = Store::Open(options, machine_.env(), &summary);
    ASSERT_TRUE(store.ok()) << store.status().ToString();
    store_ = std::move(*store);
  }
  // One sample each of `kSeriesPerBatch` series that are not there yet; counted when acknowledged.
  Status WriteNewSeries() {
    WriteBatch batch;
    for (int i = 0; i < kSeriesPerBatch; ++i) {
      AddPoint(next_series_ + i, kTestStartMs, &batch, nullptr);
    }
    RETURN_IF_ERROR(store_->Append(batch).status());
    next_series_ += kSeriesPerBatch;
    return {};
  }
  void ExpectAllThereOnce() {
    const auto read = ReadAll(*store_);
    ASSERT_TRUE(read.ok()) << read.status().ToString();
    EXPECT_EQ(read->size(), static_cast<size_t>(next_series_));
    EXPECT_EQ(CountSamples(*read), static_cast<uint64_t>(next_series_));
    ASSERT_TRUE(store_->FlushAll().ok());
    EXPECT_EQ(ColdSamples(*store_), static_cast<uint64_t>(next_series_));
  }

  SimulatedEnv machine_;
  std::unique_ptr<Store> store_;
  int next_series_ = 0;
};

TEST_F(StoreMemory, AnOpenRangeIsFlushedOnReachingTheHeadsMemory) {
  Open(SmallHead());
  uint64_t held_bytes = 0;
  while (ColdSamples(*store_) == 0) {
    ASSERT_LE(held_bytes, 16 * kMiB) << "no flush above the limit";
    ASSERT_TRUE(WriteNewSeries().ok());
    held_bytes = store_->head_memory_bytes();
    ASSERT_TRUE(store_->Maintain(kTestStartMs).ok());
  }
  EXPECT_GT(held_bytes, 16 * kMiB) << "a flush below the limit";
  EXPECT_LT(store_->head_memory_bytes(), 4 * kMiB);
  EXPECT_EQ(MetricValue(machine_.metrics, "thermocline_store_writes_shed_total"), 0);
  ExpectAllThereOnce();
}

TEST_F(StoreMemory, WritesThatAFlushDoesNotKeepUpWithAreRefusedUntilItHasMadeRoom) {
  Open(SmallHead());
  Status status;
  while (status.ok() && next_series_ < 200'000) status = WriteNewSeries();
  EXPECT_EQ(status.code(), Code::kResourceExhausted);
  EXPECT_LT(store_->head_memory_bytes(), 21 * kMiB);
  EXPECT_GT(store_->head_memory_bytes(), 16 * kMiB);
  EXPECT_EQ(WriteNewSeries().code(), Code::kResourceExhausted);
  EXPECT_EQ(MetricValue(machine_.metrics, "thermocline_store_writes_shed_total"), 2);
  ASSERT_TRUE(store_->Maintain(kTestStartMs).ok());
  EXPECT_TRUE(WriteNewSeries().ok());
  ExpectAllThereOnce();
}

TEST_F(StoreMemory, WritesAreRefusedWhileTheLedgerShedsAndItsEmergencyFlushesTheHead) {
  MemoryLedger ledger(1000 * kMiB);
  StoreOptions options = SmallHead();
  options.ledger = &ledger;
  Open(options);
  ASSERT_TRUE(WriteNewSeries().ok());
  ledger.Set(MemoryUse::kQueries, 850 * kMiB);
  const Status refused = WriteNewSeries();
  EXPECT_EQ(refused.code(), Code::kResourceExhausted);
  EXPECT_NE(refused.message().find("of the 1048576000 bytes"), std::string::npos)
      << refused.message();
  ASSERT_TRUE(store_->Maintain(kTestStartMs).ok());
  EXPECT_EQ(ColdSamples(*store_), 0u);
  ledger.Set(MemoryUse::kQueries, 900 * kMiB);
  ASSERT_TRUE(store_->Maintain(kTestStartMs).ok());
  EXPECT_EQ(ColdSamples(*store_), static_cast<uint64_t>(kSeriesPerBatch));
  ledger.Set(MemoryUse::kQueries, 0);
  EXPECT_TRUE(WriteNewSeries().ok());
  EXPECT_GT(ledger.used_bytes(), 0u) << "the head's share";
  ExpectAllThereOnce();
}

TEST_F(StoreMemory, AHeadThatMakesTheLedgerShedGivesWayWithoutAnEmergency) {
  MemoryLedger ledger(14 * kMiB);
  StoreOptions options = SmallHead();
  options.ledger = &ledger;
  Open(options);
  // Between ticks the head is estimated, so that a refusal may come early.
  for (int i = 0; i < 100 && ColdSamples(*store_) == 0; ++i) {
    if (WriteNewSeries().ok()) continue;
    ASSERT_TRUE(store_->Maintain(kTestStartMs).ok());
  }
  EXPECT_GT(ColdSamples(*store_), 0u);
  EXPECT_FALSE(ledger.IsEmergency());
  EXPECT_TRUE(WriteNewSeries().ok());
  ExpectAllThereOnce();
}

TEST_F(StoreMemory, ReplayHoldsNoMoreThanSteadyStateDoes) {
  StoreOptions options = SmallHead();
  options.head_memory_bytes = 256 * kMiB;
  Open(options);
  constexpr int kSeries = 10'000;
  uint64_t samples = 0;
  for (int step = 0; store_->head_memory_bytes() < 28 * kMiB; ++step) {
    WriteBatch batch;
    for (int s = 0; s < kSeries; ++s) AddPoint(s, kTestStartMs + step * 1000, &batch, nullptr);
    ASSERT_TRUE(store_->Append(batch).ok());
    samples += kSeries;
  }
  store_.reset();
  options.head_memory_bytes = 16 * kMiB;
  double peak_bytes = 0;
  options.give_up = [&] {
    peak_bytes =
        std::max(peak_bytes, MetricValue(machine_.metrics, "thermocline_head_memory_bytes"));
    return false;
  };
  Open(options);
  EXPECT_GT(peak_bytes, 15 * kMiB) << "not looked at often enough to tell";
  EXPECT_LT(peak_bytes, 20 * kMiB);
  EXPECT_GT(ColdSamples(*store_), samples / 4);
  const auto read = ReadAll(*store_);
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(CountSamples(*read), samples);
  ASSERT_TRUE(store_->FlushAll().ok());
  EXPECT_EQ(ColdSamples(*store_), samples);
  EXPECT_LT(store_->head_memory_bytes(), 4 * kMiB) << "series without samples stay";
}

}  // namespace
}  // namespace thermocline
