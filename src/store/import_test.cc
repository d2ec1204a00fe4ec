// Imports: any time, seen at once or not at all, what is there wins, other work goes on.
#include "store/import.h"

#include <gtest/gtest.h>

#include <random>

#include "cold/test_series.h"
#include "store/store_fixture.h"

namespace thermocline {
namespace {

constexpr TimestampMs kOldMs = 1'500'000'000'000 / kDayMs * kDayMs;

class ImportTest : public testing::Test {
 protected:
  void Open(const StoreOptions& options = TestStoreOptions()) {
    machine_.clock.SetNowMs(kTestStartMs);
    store_.reset();
    OpenSummary summary;
    auto opened = Store::Open(options, machine_.env(), &summary);
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    store_ = *std::move(opened);
  }
  Contents Read() const {
    const auto read = ReadAll(*store_);
    EXPECT_TRUE(read.ok()) << read.status().ToString();
    return read.ok() ? *read : Contents();
  }
  // `count` samples of series `number`, 15 s apart.
  static TestSeries Points(int number, TimestampMs from_ms, int count, double offset = 0) {
    TestSeries series{SeriesLabels(number), {}, {}, {}};
    for (int i = 0; i < count; ++i) {
      const TimestampMs t_ms = from_ms + i * 15'000;
      series.Add(t_ms, ValueOf(series.labels.packed(), t_ms) + offset);
    }
    return series;
  }
  Status Import(std::vector<TestSeries> series, ImportCounts* counts = nullptr) {
    TimeRange range;
    for (const TestSeries& one : series) {
      for (const TimestampMs t_ms : one.times) range.Extend(t_ms);
    }
    StoreImport import(*store_, 1);
    RETURN_IF_ERROR(import.Write(TestSeriesSet(std::move(series)), range, {}));
    RETURN_IF_ERROR(import.Publish(nullptr));
    if (counts != nullptr) *counts = import.counts();
    return Status::Ok();
  }
  static Contents Of(const std::vector<TestSeries>& all) {
    Contents contents;
    for (const TestSeries& series : all) {
      for (size_t i = 0; i < series.times.size(); ++i) {
        contents[series.labels.packed()][series.times[i]] = series.values[i];
      }
    }
    return contents;
  }

  SimulatedEnv machine_;
  std::unique_ptr<Store> store_;
};

TEST_F(ImportTest, SamplesOfAnyDayAreThereAtOnceAndAfterARestart) {
  Open();
  const std::vector<TestSeries> old = {Points(1, kOldMs, 100), Points(2, kOldMs, 7)};
  StoreImport import(*store_, 2);
  TimeRange range{kOldMs, kOldMs + kDayMs - 1};
  ASSERT_TRUE(import.Write(TestSeriesSet(old), range, {}).ok());
  EXPECT_TRUE(Read().empty());  // written, not published
  std::vector<BlockId> announced;
  ASSERT_TRUE(import
                  .Publish([&](const std::vector<BlockEntry>& blocks) {
                    for (const BlockEntry& block : blocks) announced.push_back(block.id);
                    return Status::Ok();
                  })
                  .ok());
  EXPECT_EQ(import.counts().samples, 107u);
  EXPECT_EQ(import.counts().there, 0u);
  EXPECT_EQ(Read(), Of(old));
  ASSERT_EQ(announced.size(), 1u);
  EXPECT_EQ(store_->cold().entries()[0].id, announced[0]);
  const auto names = store_->LabelNames({.tenant = {}, .range = {0, kMaxTimestampMs}});
  ASSERT_TRUE(names.ok());
  EXPECT_EQ(names->size(), 3u);
  Open();
  EXPECT_EQ(Read(), Of(old));
}

TEST_F(ImportTest, WhatIsThereWinsWhereverItIs) {
  Open();
  Contents sent;
  WriteBatch batch;
  for (int i = 0; i < 40; ++i) AddPoint(1, kTestStartMs - 3'000'000 + i * 15'000, &batch, &sent);
  ASSERT_TRUE(store_->Append(batch).ok());
  ASSERT_TRUE(store_->FlushAll().ok());
  batch.Clear();
  for (int i = 40; i < 80; ++i) AddPoint(1, kTestStartMs - 3'000'000 + i * 15'000, &batch, &sent);
  ASSERT_TRUE(store_->Append(batch).ok());
  // Both in a block and in the head: 80 of 100 times are there, with other values; 20 are new.
  const TestSeries other = Points(1, kTestStartMs - 3'000'000, 100, 0.5);
  ImportCounts counts;
  ASSERT_TRUE(Import({other}, &counts).ok());
  EXPECT_EQ(counts.samples, 20u);
  EXPECT_EQ(counts.there, 80u);
  EXPECT_EQ(counts.there_other, 80u);
  for (int i = 80; i < 100; ++i) sent[other.labels.packed()][other.times[i]] = other.values[i];
  EXPECT_EQ(Read(), sent);
  // Flushed and compacted, the answer stays.
  ASSERT_TRUE(store_->FlushAll().ok());
  EXPECT_EQ(Read(), sent);
  machine_.clock.SetNowMs(kTestStartMs + 3 * kDayMs);
  ASSERT_TRUE(store_->Maintain(kTestStartMs + 3 * kDayMs).ok());
  EXPECT_EQ(store_->cold().entries().size(), 1u);
  EXPECT_EQ(Read(), sent);
}

TEST_F(ImportTest, OnceMoreChangesNothing) {
  Open();
  const std::vector<TestSeries> old = {Points(1, kOldMs, 100), Points(2, kOldMs + 5, 9)};
  ASSERT_TRUE(Import(old).ok());
  ImportCounts counts;
  ASSERT_TRUE(Import(old, &counts).ok());
  EXPECT_EQ(counts.samples, 0u);
  EXPECT_EQ(counts.there, 109u);
  EXPECT_EQ(counts.there_other, 0u);
  EXPECT_EQ(store_->cold().entries().size(), 1u);
  EXPECT_EQ(Read(), Of(old));
}

TEST_F(ImportTest, WhatIsNotPublishedIsGone) {
  Open();
  {
    StoreImport import(*store_, 1);
    ASSERT_TRUE(
        import.Write(TestSeriesSet({Points(1, kOldMs, 10)}), {kOldMs, kOldMs + kDayMs - 1}, {})
            .ok());
    const Status refused = import.Publish([](const auto&) { return Status::Io("no"); });
    EXPECT_EQ(refused.code(), Code::kIo);
  }
  EXPECT_TRUE(Read().empty());
  EXPECT_EQ(store_->cold().total_bytes(), 0u);
  const auto left = machine_.files.List("/data/cold/series");
  EXPECT_TRUE(!left.ok() || left->size() <= 1);
}

TEST_F(ImportTest, BeyondRetentionIsRefusedAndNotSilentlyRemoved) {
  StoreOptions options = TestStoreOptions();
  options.retention_time_ms = 10 * kDayMs;
  Open(options);
  const Status old = Import({Points(1, kOldMs, 10)});
  EXPECT_EQ(old.code(), Code::kOutOfRange);
  EXPECT_NE(old.message().find("--min-time="), std::string_view::npos) << old.ToString();
  EXPECT_TRUE(Read().empty());
  EXPECT_TRUE(Import({Points(1, kTestStartMs - 5 * kDayMs, 10)}).ok());
  options.retention_time_ms = 0;
  options.retention_size_bytes = store_->cold().total_bytes() + (64 << 10) + 100;
  Open(options);
  EXPECT_EQ(Import({Points(2, kTestStartMs - 3 * kDayMs, 20000)}).code(), Code::kResourceExhausted);
  EXPECT_EQ(store_->cold().entries().size(), 1u);
}

TEST_F(ImportTest, AFullVolumeIsToldBefore) {
  StoreOptions options = TestStoreOptions();
  Open(options);
  options.free_space_floor_bytes = *machine_.files.FreeSpace("/data") + 1;
  Open(options);
  EXPECT_EQ(Import({Points(1, kOldMs, 10)}).code(), Code::kResourceExhausted);
}

TEST_F(ImportTest, APowerCutLeavesAllOrNothing) {
  const std::vector<TestSeries> old = {Points(1, kOldMs, 60), Points(5, kOldMs, 60)};
  const uint64_t before = machine_.files.mutating_calls();
  Open();
  const uint64_t opened = machine_.files.mutating_calls() - before;
  ASSERT_TRUE(Import(old).ok());
  const uint64_t all = machine_.files.mutating_calls() - before;
  ASSERT_GT(all, opened);
  int whole = 0;
  int none = 0;
  for (uint64_t calls = opened + 1; calls <= all; ++calls) {
    SimulatedEnv machine;
    machine.clock.SetNowMs(kTestStartMs);
    OpenSummary summary;
    {
      auto store = Store::Open(TestStoreOptions(), machine.env(), &summary);
      ASSERT_TRUE(store.ok());
      machine.files.CutPowerAfter(calls - opened);
      StoreImport import(**store, 1);
      Status status = import.Write(TestSeriesSet(old), {kOldMs, kOldMs + kDayMs - 1}, {});
      if (status.ok()) status = import.Publish(nullptr);
      (void)status;  // whether it was told or not, a restart decides
    }
    machine.files.Crash(calls);
    auto store = Store::Open(TestStoreOptions(), machine.env(), &summary);
    ASSERT_TRUE(store.ok()) << store.status().ToString();
    const auto read = ReadAll(**store);
    ASSERT_TRUE(read.ok());
    if (read->empty()) {
      ++none;
    } else {
      EXPECT_EQ(*read, Of(old)) << "power cut after call " << calls - opened;
      ++whole;
    }
  }
  EXPECT_GT(none, 0);
  EXPECT_GT(whole, 0);
}

// Random series against a map: what was there first stays.
TEST_F(ImportTest, AnyMixtureIsTheUnionWithTheFirstOfEachTime) {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    SimulatedEnv machine;
    machine.clock.SetNowMs(kTestStartMs);
    OpenSummary summary;
    auto store = Store::Open(TestStoreOptions(), machine.env(), &summary);
    ASSERT_TRUE(store.ok());
    Contents expected;
    for (int round = 0; round < 6; ++round) {
      std::vector<TestSeries> given;
      TimeRange range;
      for (int s = 0; s < 12; ++s) {
        TestSeries series{SeriesLabels(s), {}, {}, {}};
        TimestampMs t_ms = kOldMs + static_cast<TimestampMs>(random() % kDayMs);
        for (uint64_t n = random() % 50; n > 0 && t_ms < kOldMs + kDayMs; --n) {
          const auto value = static_cast<double>(random() % 5);
          series.Add(t_ms, value);
          expected[series.labels.packed()].emplace(t_ms, value);
          range.Extend(t_ms);
          t_ms += static_cast<TimestampMs>(1 + random() % 4) * 1000 - t_ms % 1000;
        }
        given.push_back(std::move(series));
      }
      StoreImport import(**store, 1);
      ASSERT_TRUE(import.Write(TestSeriesSet(std::move(given)), range, {}).ok());
      ASSERT_TRUE(import.Publish(nullptr).ok());
    }
    std::erase_if(expected, [](const auto& entry) { return entry.second.empty(); });
    const auto read = ReadAll(**store);
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(*read, expected);
  }
}

}  // namespace
}  // namespace thermocline
