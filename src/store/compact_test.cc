// Compaction as the ticker does it: when a day is due, what one job may hold, what it leaves alone.
#include <gtest/gtest.h>

#include "store/store_fixture.h"

namespace thermocline {
namespace {

constexpr TimestampMs kDayEnd = kTestStartMs / kDayMs * kDayMs + kDayMs;

class CompactTest : public testing::Test {
 protected:
  void Open(const StoreOptions& options) {
    machine_.clock.SetNowMs(kTestStartMs + kHourMs);
    OpenSummary summary;
    auto opened = Store::Open(options, machine_.env(), &summary);
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    store_ = *std::move(opened);
  }
  // A flush of `steps` samples of 20 series, 15 s apart.
  void FlushedBlock(TimestampMs from_ms, int steps = 10) {
    for (int step = 0; step < steps; ++step) {
      WriteBatch batch;
      for (int s = 0; s < 20; ++s) AddPoint(s, from_ms + step * 15'000, &batch, &sent_);
      const auto summary = store_->Append(batch);
      ASSERT_TRUE(summary.ok() && summary->rejected_count == 0);
    }
    ASSERT_TRUE(store_->FlushAll().ok());
  }
  Status MaintainAt(TimestampMs now_ms) {
    machine_.clock.SetNowMs(now_ms);
    return store_->Maintain(now_ms);
  }
  size_t Blocks() const { return store_->cold().entries().size(); }
  void ExpectAllThere() {
    const auto read = ReadAll(*store_);
    ASSERT_TRUE(read.ok()) << read.status().ToString();
    EXPECT_EQ(*read, sent_);
  }

  SimulatedEnv machine_;
  std::unique_ptr<Store> store_;
  Contents sent_;
};

TEST_F(CompactTest, ADayThatIsOverBecomesOneBlock) {
  Open(TestStoreOptions());
  for (int n = 0; n < 4; ++n) FlushedBlock(kTestStartMs + n * 10 * 15'000);
  ASSERT_EQ(Blocks(), 4u);
  const int64_t window_ms = TestStoreOptions().head.out_of_order_window_ms;
  ASSERT_TRUE(MaintainAt(kDayEnd + window_ms - 1).ok());
  EXPECT_EQ(Blocks(), 4u);
  ASSERT_TRUE(MaintainAt(kDayEnd + window_ms).ok());
  ASSERT_EQ(Blocks(), 1u);
  EXPECT_EQ(store_->cold().entries()[0].generation, 1u);
  EXPECT_EQ(ColdSamples(*store_), CountSamples(sent_));
  ExpectAllThere();
  // Once is enough.
  const BlockId id = store_->cold().entries()[0].id;
  ASSERT_TRUE(MaintainAt(kDayEnd + 3 * kHourMs).ok());
  EXPECT_EQ(store_->cold().entries()[0].id, id);
  store_.reset();
  Open(TestStoreOptions());
  ExpectAllThere();
}

TEST_F(CompactTest, LateDataJoinTheirDayAnHourLater) {
  StoreOptions options = TestStoreOptions();
  options.head.out_of_order_window_ms = 3 * kDayMs;
  Open(options);
  FlushedBlock(kTestStartMs);
  machine_.clock.SetNowMs(kDayEnd + 4 * kDayMs);
  FlushedBlock(kTestStartMs + 5'000);
  ASSERT_EQ(Blocks(), 2u);
  ASSERT_TRUE(MaintainAt(kDayEnd + 4 * kDayMs + kHourMs - 1).ok());
  EXPECT_EQ(Blocks(), 2u);
  ASSERT_TRUE(MaintainAt(kDayEnd + 4 * kDayMs + kHourMs + kMinuteMs).ok());
  EXPECT_EQ(Blocks(), 1u);
  ExpectAllThere();
}

TEST_F(CompactTest, ManyBlocksOfADayThatGoesOnAreDue) {
  StoreOptions options = TestStoreOptions();
  options.compact_blocks = 6;
  Open(options);
  for (int n = 0; n < 5; ++n) FlushedBlock(kTestStartMs + n * 10 * 15'000);
  ASSERT_TRUE(MaintainAt(kTestStartMs + kHourMs).ok());
  EXPECT_EQ(Blocks(), 5u);
  FlushedBlock(kTestStartMs + 5 * 10 * 15'000);
  ASSERT_TRUE(MaintainAt(kTestStartMs + kHourMs).ok());
  EXPECT_EQ(Blocks(), 1u);
  ExpectAllThere();
}

TEST_F(CompactTest, OneJobHoldsNoMoreThanItsLimits) {
  StoreOptions options = TestStoreOptions();
  options.compact_max_samples = 500;  // two of the first kind, or three with the second
  Open(options);
  for (int n = 0; n < 3; ++n) FlushedBlock(kTestStartMs + n * 10 * 15'000);
  FlushedBlock(kTestStartMs + 30 * 15'000, 5);
  for (int tick = 0; tick < 6; ++tick) {
    ASSERT_TRUE(MaintainAt(kDayEnd + (2 + 2 * tick) * kHourMs).ok());
    for (const BlockEntry& block : store_->cold().entries()) EXPECT_LE(block.samples, 500u);
  }
  EXPECT_EQ(Blocks(), 2u);
  ExpectAllThere();
}

TEST_F(CompactTest, ARowOfBlocksThatOneAboveOverlapsStays) {
  StoreOptions options = TestStoreOptions();
  options.compact_max_series = 45;  // two blocks
  options.head.out_of_order_window_ms = kDayMs;
  Open(options);
  FlushedBlock(kTestStartMs);
  FlushedBlock(kTestStartMs + 10 * 15'000);
  FlushedBlock(kTestStartMs + 5'000);  // over the first's time
  const BlockId first = store_->cold().entries()[0].id;
  ASSERT_TRUE(MaintainAt(kDayEnd + 2 * kDayMs).ok());
  ASSERT_EQ(Blocks(), 2u);
  // The second and third were merged: they rank above the first and still do.
  EXPECT_EQ(store_->cold().entries()[0].id, first);
  ExpectAllThere();
}

TEST_F(CompactTest, WithoutRoomForBothNothingIsWritten) {
  Open(TestStoreOptions());
  for (int n = 0; n < 3; ++n) FlushedBlock(kTestStartMs + n * 10 * 15'000);
  uint64_t used = 0;
  for (const auto& [path, content] : machine_.files.TakeImage()) used += content.size();
  uint64_t blocks = 0;
  for (const BlockEntry& block : store_->cold().entries()) blocks += block.size_bytes();
  machine_.files.SetCapacity(used + blocks / 2);
  static_cast<void>(MaintainAt(kDayEnd + 2 * kHourMs));
  EXPECT_EQ(Blocks(), 3u);
  machine_.files.SetCapacity(used + (64 << 20));
  ASSERT_TRUE(MaintainAt(kDayEnd + 3 * kHourMs).ok());
  EXPECT_EQ(Blocks(), 1u);
  ExpectAllThere();
}

}  // namespace
}  // namespace thermocline
