// A read-only store: sees all that a writer left, and leaves every byte as it was.
#include <gtest/gtest.h>

#include <algorithm>

#include "store/store.h"
#include "store/store_fixture.h"

namespace thermocline {
namespace {

class ReadOnlyStoreTest : public ::testing::Test {
 protected:
  void SetUp() override { machine_.clock.SetNowMs(kTestStartMs + kHourMs); }

  // Samples in files and samples in the log.
  void Fill() {
    OpenSummary summary;
    auto store = Store::Open(TestStoreOptions(), machine_.env(), &summary);
    ASSERT_TRUE(store.ok()) << store.status().ToString();
    for (int step = 0; step < 60; ++step) {
      if (step == 40) {
        ASSERT_TRUE((*store)->FlushAll().ok());
      }
      WriteBatch batch;
      for (int s = 0; s < 20; ++s) {
        AddPoint(s, kTestStartMs + step * 15'000, &batch, step < 59 ? &but_last_ : nullptr);
        AddPoint(s + 20, kTestStartMs + step * 15'000, &batch, step < 59 ? &but_last_ : nullptr);
      }
      ASSERT_TRUE((*store)->Append(batch).ok());
    }
    ASSERT_TRUE((*store)->Close().ok());
    store->reset();
    image_ = machine_.files.TakeImage();
    calls_ = machine_.files.mutating_calls();
  }

  Result<std::unique_ptr<Store>> OpenForReading() {
    StoreOptions options = TestStoreOptions();
    options.read_only = true;
    summary_ = {};
    return Store::Open(options, machine_.env(), &summary_);
  }

  // What was the end of the bytes of the log's newest segment.
  std::string* LastSegment(size_t* end) {
    const auto is_segment = [](const auto& file) {
      return file.first.starts_with("/data/wal/") && file.first.ends_with(".wal");
    };
    const auto last = std::find_if(image_.rbegin(), image_.rend(), is_segment);
    EXPECT_NE(last, image_.rend());
    *end = last->second.find_last_not_of('\0') + 1;
    return &last->second;
  }

  void Load() {
    machine_.files.LoadImage(image_);
    calls_ = machine_.files.mutating_calls();
  }

  void ExpectUntouched() {
    EXPECT_EQ(machine_.files.mutating_calls(), calls_);
    EXPECT_TRUE(machine_.files.TakeImage() == image_);
  }

  SimulatedEnv machine_;
  SimulatedFileSystem::Image image_;
  uint64_t calls_ = 0;
  Contents but_last_;
  OpenSummary summary_;
};

TEST_F(ReadOnlyStoreTest, SeesBothTiersTwiceAtOnceAndChangesNoFile) {
  Fill();
  const auto first = OpenForReading();
  const auto second = OpenForReading();
  ASSERT_TRUE(first.ok()) << first.status().ToString();
  ASSERT_TRUE(second.ok()) << second.status().ToString();
  EXPECT_GT(summary_.cold_blocks, 0u);
  EXPECT_GT(summary_.replay.records, 0u);
  for (const auto& store : {&*first, &*second}) {
    const auto read = ReadAll(**store);
    ASSERT_TRUE(read.ok()) << read.status().ToString();
    EXPECT_EQ(CountSamples(*read), CountSamples(but_last_) + 40);
  }
  ASSERT_TRUE((*first)->Close().ok());
  ExpectUntouched();
}

TEST_F(ReadOnlyStoreTest, RefusesWhateverWrites) {
  Fill();
  const auto store = OpenForReading();
  ASSERT_TRUE(store.ok()) << store.status().ToString();
  WriteBatch batch;
  AddPoint(1, kTestStartMs + kHourMs, &batch, nullptr);
  EXPECT_EQ((*store)->Append(batch).status().code(), Code::kPermissionDenied);
  EXPECT_EQ((*store)->FlushAll().status().code(), Code::kPermissionDenied);
  EXPECT_EQ((*store)->Maintain(kTestStartMs + 40 * kDayMs).code(), Code::kPermissionDenied);
  const Health health = (*store)->GetHealth();
  EXPECT_TRUE(health.ready);
  EXPECT_FALSE(health.writable);
  EXPECT_EQ(health.reason, "/data: opened for reading only");
  ExpectUntouched();
}

TEST_F(ReadOnlyStoreTest, CountsATornTailAndLeavesIt) {
  Fill();
  size_t end = 0;
  std::string* segment = LastSegment(&end);
  segment->resize(end - 3);
  Load();
  const auto store = OpenForReading();
  ASSERT_TRUE(store.ok()) << store.status().ToString();
  EXPECT_GT(summary_.replay.torn_bytes, 0u);
  const auto read = ReadAll(**store);
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(*read, but_last_);
  ExpectUntouched();
}

TEST_F(ReadOnlyStoreTest, ReadsPastDamageOfTheLogWithoutACopyOfIt) {
  Fill();
  size_t end = 0;
  std::string* segment = LastSegment(&end);
  (*segment)[end / 4] ^= 0x55;
  Load();
  const auto store = OpenForReading();
  ASSERT_TRUE(store.ok()) << store.status().ToString();
  EXPECT_GT(summary_.replay.damaged_blocks, 0u);
  EXPECT_EQ(summary_.replay.quarantined_segments, 0u);
  EXPECT_TRUE(ReadAll(**store).ok());
  ExpectUntouched();
}

TEST_F(ReadOnlyStoreTest, MakesALostManifestAnewInMemoryOnly) {
  Fill();
  EXPECT_GT(
      std::erase_if(image_,
                    [](const auto& file) { return file.first.starts_with("/data/cold/MANIFEST"); }),
      0u);
  Load();
  const auto store = OpenForReading();
  ASSERT_TRUE(store.ok()) << store.status().ToString();
  const auto read = ReadAll(**store);
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(CountSamples(*read), CountSamples(but_last_) + 40);
  ExpectUntouched();
}

TEST_F(ReadOnlyStoreTest, RefusesAFolderOfSomethingElse) {
  image_ = {{"/data/01HF96RR88AEWTP9VWFAY43MQ6/meta.json", "{}"}, {"/data/wal/00000001", "x"}};
  Load();
  const auto store = OpenForReading();
  EXPECT_EQ(store.status().code(), Code::kNotFound);
  EXPECT_TRUE(store.status().message().starts_with("/data: not a data folder of ours"))
      << store.status().message();
  ExpectUntouched();
}

}  // namespace
}  // namespace thermocline
