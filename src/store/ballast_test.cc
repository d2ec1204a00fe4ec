#include "store/ballast.h"

#include <gtest/gtest.h>

#include "store/store_fixture.h"

namespace thermocline {
namespace {

constexpr uint64_t kMiB = 1 << 20;

TEST(Ballast, IsTakenOnlyWhereTheFloorStaysFreeBesideIt) {
  SimulatedEnv machine;
  machine.files.SetCapacity(4 * kMiB);
  ASSERT_TRUE(machine.files.CreateDirectories("/data").ok());
  Ballast ballast(machine.files, "/data/ballast", kMiB);
  ASSERT_TRUE(ballast.Open().ok());
  ASSERT_TRUE(ballast.Take(3 * kMiB + 1).ok());
  EXPECT_EQ(ballast.held_bytes(), 0u);
  ASSERT_TRUE(ballast.Take(5 * kMiB).ok());
  EXPECT_EQ(ballast.held_bytes(), 0u);
  ASSERT_TRUE(ballast.Take(3 * kMiB).ok());
  EXPECT_EQ(ballast.held_bytes(), kMiB);
  EXPECT_EQ(*machine.files.FreeSpace("/"), 3 * kMiB);
  ASSERT_TRUE(ballast.Release().ok());
  EXPECT_EQ(*machine.files.FreeSpace("/"), 4 * kMiB);
}

TEST(Ballast, SurvivesARestartAndALeftoverOfAnotherSizeDoesNot) {
  SimulatedEnv machine;
  ASSERT_TRUE(machine.files.CreateDirectories("/data").ok());
  ASSERT_TRUE(machine.files.SyncDirectory("/").ok());
  {
    Ballast ballast(machine.files, "/data/ballast", kMiB);
    ASSERT_TRUE(ballast.Take(0).ok());
  }
  machine.files.Crash(1);
  Ballast again(machine.files, "/data/ballast", kMiB);
  ASSERT_TRUE(again.Open().ok());
  EXPECT_EQ(again.held_bytes(), kMiB);
  Ballast larger(machine.files, "/data/ballast", 2 * kMiB);
  ASSERT_TRUE(larger.Open().ok());
  EXPECT_EQ(larger.held_bytes(), 0u);
  EXPECT_FALSE(machine.files.Exists("/data/ballast"));
  Ballast none(machine.files, "/data/ballast", 0);
  ASSERT_TRUE(none.Take(0).ok());
  EXPECT_FALSE(machine.files.Exists("/data/ballast"));
}

TEST(Ballast, AnAttemptThatFailsLeavesNothingBehind) {
  for (const FileOperation operation : {FileOperation::kWrite, FileOperation::kPreallocate,
                                        FileOperation::kSync, FileOperation::kSyncDirectory}) {
    SimulatedEnv machine;
    ASSERT_TRUE(machine.files.CreateDirectories("/data").ok());
    Ballast ballast(machine.files, "/data/ballast", kMiB);
    machine.files.FailNext(operation, FileFault::kNoSpace);
    const Status taken = ballast.Take(0);
    EXPECT_EQ(taken.ok(), machine.files.faults_fired() == 0);
    EXPECT_EQ(machine.files.Exists("/data/ballast"), taken.ok());
    EXPECT_EQ(ballast.held_bytes(), taken.ok() ? kMiB : 0u);
  }
}

// A store whose volume somebody else fills to the last byte while a closed range waits to be
// flushed.
class FullDisk : public testing::Test {
 protected:
  void Fill(StoreOptions options) {
    machine_.clock.SetNowMs(kTestStartMs);
    machine_.files.SetCapacity(16 * kMiB);
    options.ballast_bytes = 2 * kMiB;
    OpenSummary summary;
    auto opened = Store::Open(options, machine_.env(), &summary);
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    store_ = std::move(*opened);
    ASSERT_TRUE(store_->Maintain(kTestStartMs).ok());
    ASSERT_TRUE(machine_.files.Exists("/data/ballast"));
    for (int step = 0; step < 20; ++step) {
      WriteBatch batch;
      for (int s = 0; s < 10; ++s) AddPoint(s, kTestStartMs + step * 15'000, &batch, &contents_);
      ASSERT_TRUE(store_->Append(batch).ok());
    }
    machine_.files.PutFile("/others", std::string(*machine_.files.FreeSpace("/"), 'x'));
    later_ms_ = kTestStartMs + 6 * kHourMs;
    machine_.clock.SetNowMs(later_ms_);
  }
  Status Write() {
    WriteBatch batch;
    AddPoint(1, later_ms_, &batch, nullptr);
    return store_->Append(batch).status();
  }
  void ExpectRecovery() {
    ASSERT_TRUE(machine_.files.RemoveFile("/others").ok());
    ASSERT_TRUE(store_->Maintain(later_ms_ + 2).ok());
    EXPECT_TRUE(machine_.files.Exists("/data/ballast"));
    EXPECT_TRUE(store_->GetHealth().writable);
    EXPECT_TRUE(Write().ok());
  }

  SimulatedEnv machine_;
  std::unique_ptr<Store> store_;
  Contents contents_;
  TimestampMs later_ms_ = 0;
};

TEST_F(FullDisk, AFlushThatFoundNoRoomSucceedsWithTheBallastGone) {
  ASSERT_NO_FATAL_FAILURE(Fill(TestStoreOptions()));
  EXPECT_EQ(store_->Maintain(later_ms_).code(), Code::kResourceExhausted);
  EXPECT_FALSE(machine_.files.Exists("/data/ballast"));
  const Status second = store_->Maintain(later_ms_ + 1);
  EXPECT_TRUE(second.ok()) << second.ToString();
  EXPECT_EQ(ColdSamples(*store_), CountSamples(contents_));
  EXPECT_EQ(*ReadAll(*store_), contents_);
  // What the ballast gave back is not for writes.
  EXPECT_EQ(Write().code(), Code::kUnavailable);
  ExpectRecovery();
}

TEST_F(FullDisk, BelowTheFloorTheBallastGoesBeforeAnythingFails) {
  StoreOptions options = TestStoreOptions();
  options.free_space_floor_bytes = kMiB;
  ASSERT_NO_FATAL_FAILURE(Fill(options));
  const Status first = store_->Maintain(later_ms_);
  EXPECT_TRUE(first.ok()) << first.ToString();
  EXPECT_FALSE(machine_.files.Exists("/data/ballast"));
  EXPECT_EQ(ColdSamples(*store_), CountSamples(contents_));
  EXPECT_EQ(Write().code(), Code::kUnavailable);
  ExpectRecovery();
}

TEST_F(FullDisk, WithoutABallastTheFlushWaitsForRoom) {
  ASSERT_NO_FATAL_FAILURE(Fill(TestStoreOptions()));
  ASSERT_TRUE(machine_.files.RemoveFile("/data/ballast").ok());
  machine_.files.PutFile("/more", std::string(*machine_.files.FreeSpace("/"), 'x'));
  EXPECT_EQ(store_->Maintain(later_ms_).code(), Code::kResourceExhausted);
  EXPECT_EQ(store_->Maintain(later_ms_ + 1).code(), Code::kResourceExhausted);
  EXPECT_EQ(ColdSamples(*store_), 0u);
  EXPECT_EQ(*ReadAll(*store_), contents_);
}

TEST(StoreOpening, IsGivenUpOnRequestAndNothingIsLost) {
  SimulatedEnv machine;
  machine.clock.SetNowMs(kTestStartMs);
  StoreOptions options = TestStoreOptions();
  OpenSummary summary;
  Contents contents;
  {
    auto store = Store::Open(options, machine.env(), &summary);
    ASSERT_TRUE(store.ok());
    for (int n = 0; n < 600; ++n) {
      WriteBatch batch;
      AddPoint(n % 5, kTestStartMs + n * 1000, &batch, &contents);
      ASSERT_TRUE((*store)->Append(batch).ok());
    }
  }
  int asked = 0;
  options.give_up = [&] { return ++asked > 1; };
  EXPECT_EQ(Store::Open(options, machine.env(), &summary).status().code(), Code::kCancelled);
  EXPECT_EQ(asked, 2);
  options.give_up = {};
  auto store = Store::Open(options, machine.env(), &summary);
  ASSERT_TRUE(store.ok()) << store.status().ToString();
  EXPECT_EQ(*ReadAll(**store), contents);
}

}  // namespace
}  // namespace thermocline
