// Compaction of blocks: the same answer from one block, and nothing lost on the way.
#include <gtest/gtest.h>

#include <random>

#include "cold/cold_tier_case.h"
#include "cold/test_series.h"

namespace thermocline {
namespace {

constexpr TimestampMs kDay = kColdTestDay;

class ColdMerge : public ColdTierCase {
 protected:
  BlockEntry Add(const std::vector<TestSeries>& series, std::vector<FlushMark> marks = {}) {
    BlockRequest request;
    request.flushed = std::move(marks);
    auto entries = tier_->WriteBlocks(TestSeriesSet(series), request);
    EXPECT_TRUE(entries.ok()) << entries.status().ToString();
    EXPECT_EQ(entries->size(), 1u);
    EXPECT_TRUE(tier_->Install(*entries).ok());
    return entries->at(0);
  }
  std::map<std::string, TestSeries> All() {
    SelectRequest select;
    select.range = {kMinTimestampMs, kMaxTimestampMs};
    auto set = tier_->Select(select);
    EXPECT_TRUE(set.ok()) << set.status().ToString();
    EXPECT_TRUE((*set)->warnings().empty());
    return *ReadAll(**set);
  }
  std::vector<BlockId> Ids() {
    std::vector<BlockId> ids;
    for (const BlockEntry& entry : tier_->entries()) ids.push_back(entry.id);
    return ids;
  }
  Status MergeAll() {
    ASSIGN_OR_RETURN(auto merged, tier_->WriteMerged(Ids()));
    return tier_->Install(std::move(merged));
  }
};

// Some of 30 series, some of a day's times: blocks overlap, and disagree where they meet.
std::vector<TestSeries> RandomSeries(std::mt19937_64& random, bool starts) {
  std::vector<TestSeries> series;
  for (int s = 0; s < 30; ++s) {
    if (random() % 3 == 0) continue;
    TestSeries one{Labels{{"__name__", "m" + std::to_string(s % 4)},
                          {"id", std::to_string(s)},
                          {"l" + std::to_string(s % 5), "x"}}};
    for (TimestampMs t = kDay; t < kDay + kDayMs; t += 10 * kMinuteMs) {
      if (random() % 3 != 0) continue;
      one.Add(t, static_cast<double>(random() % 1000));
      if (starts) one.starts.push_back(kDay);
    }
    if (!one.times.empty()) series.push_back(std::move(one));
  }
  return series;
}

TEST_F(ColdMerge, TheMergedBlockAnswersAsTheBlocksDid) {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    for (int n = 0; n < 5; ++n) Add(RandomSeries(random, seed % 2 == 0 && n == 3));
    const auto before = All();
    ASSERT_TRUE(MergeAll().ok());
    EXPECT_TRUE(All() == before);
    ASSERT_EQ(tier_->entries().size(), 1u);
    EXPECT_EQ(tier_->entries()[0].series, before.size());
    EXPECT_TRUE(tier_->CheckAll()->empty());
    Reopen();
    EXPECT_TRUE(All() == before);
    // Merged with newer ones it is one of several.
    Add(RandomSeries(random, false));
    const auto more = All();
    ASSERT_TRUE(MergeAll().ok());
    EXPECT_TRUE(All() == more);
    ASSERT_TRUE(tier_->RemoveBlocks(Ids()).ok());
  }
}

TEST_F(ColdMerge, GenerationMarksAndReplacedBlocksOutliveALostManifest) {
  std::mt19937_64 random(3);
  const TimeRange hour{kDay, kDay + kHourMs - 1};
  Add(RandomSeries(random, false), {{hour, Lsn(4)}});
  Add(RandomSeries(random, false), {{hour, Lsn(9)}});
  const std::vector<BlockId> replaced = Ids();
  const auto before = All();
  ASSERT_TRUE(MergeAll().ok());
  const std::vector<BlockEntry> entries = tier_->entries();
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].generation, 1u);
  EXPECT_EQ(entries[0].replaces, replaced);
  const std::vector<FlushMark> marks = {{hour, Lsn(9)}};
  EXPECT_EQ(entries[0].flushed, marks);
  EXPECT_EQ(tier_->flush_marks(), marks);
  SimulatedFileSystem::Image image = env_.files.TakeImage();
  std::erase_if(image,
                [](const auto& file) { return file.first.find("MANIFEST") != file.first.npos; });
  tier_.reset();
  env_.files.LoadImage(image);
  Reopen();
  EXPECT_TRUE(summary_.rebuilt);
  EXPECT_EQ(tier_->entries(), entries);
  EXPECT_EQ(tier_->flush_marks(), marks);
  EXPECT_TRUE(All() == before);
}

TEST_F(ColdMerge, ReplacedFilesStayForReadersUntilTheGraceEnds) {
  std::mt19937_64 random(4);
  const BlockEntry old = Add(RandomSeries(random, false));
  Add(RandomSeries(random, false));
  SelectRequest select;
  select.range = {kMinTimestampMs, kMaxTimestampMs};
  auto set = tier_->Select(select);
  ASSERT_TRUE(set.ok());
  const auto before = All();
  ASSERT_TRUE(MergeAll().ok());
  ASSERT_TRUE(tier_->DeleteExpired(env_.clock.NowMs() + kHourMs - 1).ok());
  EXPECT_TRUE(*ReadAll(**set) == before);
  ASSERT_TRUE(tier_->DeleteExpired(env_.clock.NowMs() + kHourMs).ok());
  for (const BlockFile& file : old.files) {
    EXPECT_FALSE(env_.files.Stat("data/cold/" + file.key).ok()) << file.key;
  }
  EXPECT_TRUE(All() == before);
}

TEST_F(ColdMerge, ADamagedBlockIsNeverMergedAway) {
  std::mt19937_64 random(5);
  Add(RandomSeries(random, false));
  const BlockEntry damaged = Add(RandomSeries(random, false));
  const std::string path = "data/cold/" + damaged.Find(BlockFileKind::kSamples)->key;
  std::string bytes = *env_.files.ReadFile(path);
  bytes[bytes.size() / 3] ^= 1;
  env_.files.PutFile(path, bytes);
  for (int attempt = 0; attempt < 2; ++attempt) {
    EXPECT_EQ(tier_->WriteMerged(Ids()).status().code(), Code::kCorruption);
    EXPECT_EQ(tier_->quarantined(), std::vector<BlockId>{damaged.id});
  }
  EXPECT_EQ(tier_->entries().size(), 2u);
}

TEST_F(ColdMerge, BlocksOfTwoDaysOrUnknownOnesAreRefused) {
  TestSeries one{Labels{{"__name__", "m"}}};
  one.Add(kDay + 1, 1);
  TestSeries other{Labels{{"__name__", "m"}}};
  other.Add(kDay + kDayMs, 1);
  Add({one});
  Add({other});
  EXPECT_EQ(tier_->WriteMerged(Ids()).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(tier_->WriteMerged({BlockId()}).status().code(), Code::kNotFound);
}

}  // namespace
}  // namespace thermocline
