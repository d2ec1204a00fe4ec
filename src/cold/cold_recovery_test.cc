// What survives: lost manifests, damaged files, power cuts, expiry.
#include <gtest/gtest.h>

#include <random>

#include "cold/cold_tier.h"
#include "cold/test_histograms.h"
#include "cold/test_series.h"
#include "env/failpoint.h"
#include "env/simulated/simulated_env.h"

namespace thermocline {
namespace {

constexpr TimestampMs kDay = 19'700 * kDayMs;
constexpr TimeRange kAlways{kMinTimestampMs, kMaxTimestampMs};

ColdTierOptions Options() {
  ColdTierOptions options;
  options.directory = "data/cold";
  options.writer.page_rows = 64;
  options.writer.series_page_rows = 64;
  options.writer.row_group_rows = 256;
  options.writer.dictionary_max_values = 4;
  return options;
}

Result<std::unique_ptr<ColdTier>> Open(SimulatedEnv& env, ColdOpenSummary* summary = nullptr,
                                       bool writable = true) {
  ColdOpenSummary unused;
  return ColdTier::Open(Options(), env.env(), writable, summary ? summary : &unused);
}

// Block `n`: some series, one sample an hour and one of its own.
std::vector<TestSeries> SeriesOf(int n) {
  std::mt19937_64 random(static_cast<uint64_t>(n));
  std::vector<TestSeries> series;
  for (int s = 0; s < 8; ++s) {
    TestSeries one{Labels{{"__name__", "m" + std::to_string(s % 2)},
                          {"id", std::to_string(s)},
                          {"block" + std::to_string(n), "x"}}};
    // The first is of both kinds, the last of histograms alone.
    for (int i = 0; i < 12; ++i) {
      const TimestampMs t = kDay + n * kMinuteMs + i * kHourMs;
      if (s == 7 || (s == 0 && i % 3 == 0)) {
        one.Add(t, RandomHistogram(random));
      } else {
        one.Add(t, n * 1000 + i * 0.1);
      }
    }
    series.push_back(one);
  }
  return series;
}

BlockRequest RequestOf(int n) {
  BlockRequest request;
  request.flushed = {{{kDay, kDay + (n % 3 + 1) * kHourMs}, Lsn(static_cast<uint64_t>(n))}};
  return request;
}

Status WriteBlock(ColdTier& tier, int n, const std::vector<BlockId>& replaces = {}) {
  BlockRequest request = RequestOf(n);
  request.replaces = replaces;
  request.generation = replaces.empty() ? 0 : 1;
  ASSIGN_OR_RETURN(std::vector<BlockEntry> entries,
                   tier.WriteBlocks(TestSeriesSet(SeriesOf(n)), request));
  return tier.Install(std::move(entries));
}

struct Answer {
  std::map<std::string, TestSeries> samples;
  std::vector<std::string> warnings;
};
Result<Answer> ReadTier(const ColdTier& tier) {
  SelectRequest select;
  select.range = kAlways;
  // Everything, but by way of the labels file, the label columns and the filter.
  for (const auto& [name, pattern] :
       {std::pair("id", "0|1|2|3|4|5|6|7"), std::pair("__name__", "m."), std::pair("block1", "x?"),
        std::pair("block2", ".*")}) {
    ASSIGN_OR_RETURN(Matcher matcher, Matcher::Make(MatchType::kRegex, name, pattern));
    select.matchers.push_back(std::move(matcher));
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<SeriesSet> set, tier.Select(select));
  Answer answer;
  answer.warnings = set->warnings();
  ASSIGN_OR_RETURN(answer.samples, ReadAll(*set));
  return answer;
}

std::map<std::string, TestSeries> Expected(const std::vector<int>& blocks) {
  std::map<std::string, TestSeries> all;
  for (const int n : blocks) {
    for (TestSeries& one : SeriesOf(n)) all.emplace(one.labels.packed(), std::move(one));
  }
  return all;
}

void RemoveManifests(SimulatedEnv& env) {
  SimulatedFileSystem::Image image = env.files.TakeImage();
  std::erase_if(image,
                [](const auto& file) { return file.first.find("MANIFEST") != file.first.npos; });
  env.files.LoadImage(image);
}

TEST(ColdRecovery, ALostManifestIsRebuiltExactly) {
  SimulatedEnv env;
  std::vector<BlockEntry> entries;
  std::vector<FlushMark> marks;
  {
    auto tier = *Open(env);
    for (int n = 1; n <= 5; ++n) ASSERT_TRUE(WriteBlock(*tier, n).ok());
    // 6 replaces 1 and 2; 3 goes by retention.
    ASSERT_TRUE(WriteBlock(*tier, 6, {tier->entries()[0].id, tier->entries()[1].id}).ok());
    ASSERT_TRUE(tier->RemoveBlocks({tier->entries()[0].id}).ok());
    entries = tier->entries();
    marks = tier->flush_marks();
    ASSERT_EQ(entries.size(), 3u);
  }
  RemoveManifests(env);
  ColdOpenSummary summary;
  {
    auto reader = *Open(env, &summary, /*writable=*/false);
    EXPECT_EQ(reader->entries(), entries);
    EXPECT_TRUE(summary.rebuilt);
  }
  auto tier = *Open(env, &summary);
  EXPECT_EQ(tier->entries(), entries);
  EXPECT_EQ(tier->flush_marks(), marks);
  EXPECT_EQ(tier->last_flushed_lsn(), Lsn(6));
  EXPECT_TRUE(summary.orphans.empty());
  EXPECT_TRUE(ReadTier(*tier)->samples == Expected({4, 5, 6}));
  EXPECT_TRUE(tier->CheckAll()->empty());
  // The table's column map is whole: a new block adds to it and nothing moves.
  ASSERT_TRUE(WriteBlock(*tier, 7).ok());
  EXPECT_TRUE(ReadTier(*tier)->samples == Expected({4, 5, 6, 7}));
}

TEST(ColdRecovery, ADamagedNewestManifestLosesNoBlock) {
  SimulatedEnv env;
  {
    auto tier = *Open(env);
    for (int n = 1; n <= 3; ++n) ASSERT_TRUE(WriteBlock(*tier, n).ok());
  }
  ManifestFiles files(env.files, "data/cold");
  const uint64_t newest = files.Numbers()->back();
  std::string bytes = *env.files.ReadFile(files.PathOf(newest));
  bytes[bytes.size() / 2] ^= 1;
  env.files.PutFile(files.PathOf(newest), bytes);
  ColdOpenSummary summary;
  auto tier = *Open(env, &summary);
  EXPECT_FALSE(summary.warnings.empty());
  EXPECT_EQ(tier->entries().size(), 3u);
  EXPECT_TRUE(ReadTier(*tier)->samples == Expected({1, 2, 3}));
}

TEST(ColdRecovery, AfterARebuildPartsOfBlocksAreSetAsideAndNeverDeleted) {
  SimulatedEnv env;
  std::string lost;
  {
    auto tier = *Open(env);
    for (int n = 1; n <= 2; ++n) ASSERT_TRUE(WriteBlock(*tier, n).ok());
    lost = tier->entries()[0].Find(BlockFileKind::kSeries)->key;
  }
  RemoveManifests(env);
  ASSERT_TRUE(env.files.RemoveFile("data/cold/" + lost).ok());
  ColdOpenSummary summary;
  auto tier = *Open(env, &summary);
  EXPECT_EQ(tier->entries().size(), 1u);
  EXPECT_EQ(summary.warnings.size(), 4u);  // its samples, histograms, labels and filter
  env.clock.Advance(100 * kDayMs);
  ASSERT_TRUE(tier->DeleteExpired(env.clock.NowMs()).ok());
  int kept = 0;
  for (const auto& [path, content] : env.files.TakeImage()) {
    kept += path.find("/lost/") != path.npos;
  }
  EXPECT_EQ(kept, 4);
}

TEST(ColdRecovery, RemovedFilesAndOrphansGoWhenTheGraceIsOver) {
  SimulatedEnv env;
  auto tier = *Open(env);
  for (int n = 1; n <= 2; ++n) ASSERT_TRUE(WriteBlock(*tier, n).ok());
  // Written and given up; written and never installed by a process that died.
  auto discarded = tier->WriteBlocks(TestSeriesSet(SeriesOf(8)), RequestOf(8));
  ASSERT_TRUE(discarded.ok());
  tier->Discard(*discarded);
  auto pending = tier->WriteBlocks(TestSeriesSet(SeriesOf(9)), RequestOf(9));
  ASSERT_TRUE(pending.ok());
  const size_t files = env.files.TakeImage().size();
  const uint64_t bytes = tier->total_bytes();
  ASSERT_TRUE(tier->RemoveBlocks({tier->entries()[0].id}).ok());
  EXPECT_EQ(tier->total_bytes(), bytes);  // its files are still there
  EXPECT_EQ(*tier->DeleteExpired(env.clock.NowMs()), 0u);
  env.clock.Advance(kHourMs);
  // The removed block and its tombstone go; what is being written stays.
  EXPECT_EQ(*tier->DeleteExpired(env.clock.NowMs()), 5u);
  EXPECT_EQ(env.files.TakeImage().size(), files - 5);
  EXPECT_LT(tier->total_bytes(), bytes);
  tier.reset();
  ColdOpenSummary summary;
  tier = *Open(env, &summary);
  EXPECT_EQ(summary.orphans.size(), 5u);
  EXPECT_EQ(*tier->DeleteExpired(env.clock.NowMs()), 5u);
  EXPECT_TRUE(ReadTier(*tier)->samples == Expected({2}));
  EXPECT_TRUE(tier->CheckAll()->empty());
}

TEST(ColdRecovery, EveryFlippedByteIsAnErrorAWarningOrTheSameAnswer) {
  SimulatedEnv env;
  uint64_t flips = 0;
  {
    auto tier = *Open(env);
    for (int n = 1; n <= 2; ++n) ASSERT_TRUE(WriteBlock(*tier, n).ok());
  }
  const SimulatedFileSystem::Image image = env.files.TakeImage();
  const auto whole = Expected({1, 2});
  std::map<std::string, TestSeries> only[] = {Expected({2}), Expected({1})};
  const std::vector<BlockEntry> entries = (*Open(env, nullptr, false))->entries();
  for (const BlockFile& file : entries[0].files) {
    const std::string path = "data/cold/" + file.key;
    ASSERT_TRUE(image.contains(path)) << path;
    // Each byte of a histograms file: histograms_test.cc.
    const size_t step = file.kind == BlockFileKind::kHistograms ? 13 : 1;
    for (size_t i = 0; i < image.at(path).size(); i += step) {
      SimulatedFileSystem::Image damaged = image;
      damaged[path][i] = static_cast<char>(damaged[path][i] ^ (1 << (i % 8)));
      SimulatedEnv life;
      life.files.LoadImage(damaged);
      auto tier = Open(life, nullptr, false);
      ASSERT_TRUE(tier.ok()) << tier.status().ToString();
      const Result<Answer> first = ReadTier(**tier);
      SCOPED_TRACE(file.key + " byte " + std::to_string(i));
      if (first.ok() && first->warnings.empty()) {
        EXPECT_TRUE(first->samples == whole);
      } else {
        // A damaged block is set aside at the latest now, and the other answers.
        const Result<Answer> second = ReadTier(**tier);
        ASSERT_TRUE(second.ok()) << second.status().ToString();
        EXPECT_EQ(second->warnings.size(), 1u);
        EXPECT_TRUE(second->samples == only[0]);
        EXPECT_EQ((*tier)->quarantined(), std::vector<BlockId>{entries[0].id});
      }
      if (++flips % 7 == 0) {
        EXPECT_EQ((*tier)->CheckAll()->size(), 1u);
      }
    }
  }
  EXPECT_GT(flips, 4000u);
}

TEST(ColdRecovery, AMissingOrCutFileLeavesTheOthersAnswering) {
  SimulatedEnv env;
  {
    auto tier = *Open(env);
    for (int n = 1; n <= 2; ++n) ASSERT_TRUE(WriteBlock(*tier, n).ok());
  }
  const SimulatedFileSystem::Image image = env.files.TakeImage();
  const std::vector<BlockEntry> entries = (*Open(env, nullptr, false))->entries();
  for (const BlockFile& file : entries[0].files) {
    for (const bool missing : {true, false}) {
      SCOPED_TRACE(file.key + (missing ? " missing" : " cut"));
      SimulatedFileSystem::Image damaged = image;
      const std::string path = "data/cold/" + file.key;
      if (missing) damaged.erase(path);
      if (!missing) damaged[path].resize(damaged[path].size() / 2);
      SimulatedEnv life;
      life.files.LoadImage(damaged);
      auto tier = Open(life, nullptr, false);
      ASSERT_TRUE(tier.ok());
      const Result<Answer> answer = ReadTier(**tier);
      ASSERT_TRUE(answer.ok()) << answer.status().ToString();
      EXPECT_EQ(answer->warnings.size(), 1u);
      EXPECT_TRUE(answer->samples == Expected({2}));
      EXPECT_TRUE(life.logger.Contains("damaged block", LogLevel::kError));
    }
  }
}

TEST(ColdRecovery, AFailedInstallationLeavesReadersAsTheyWereAndCanBeRepeated) {
  for (const char* point : {"cold.before_manifest=error", "cold.after_manifest_write=error",
                            "cold.after_manifest_rename=error"}) {
    SCOPED_TRACE(point);
    SimulatedEnv env;
    auto tier = *Open(env);
    ASSERT_TRUE(WriteBlock(*tier, 1).ok());
    ASSERT_TRUE(FailPoint::Arm(point).ok());
    auto entries = tier->WriteBlocks(TestSeriesSet(SeriesOf(2)), RequestOf(2));
    ASSERT_TRUE(entries.ok());
    EXPECT_FALSE(tier->Install(*entries).ok());
    FailPoint::DisarmAll();
    EXPECT_TRUE(ReadTier(*tier)->samples == Expected({1}));
    // Whatever a restart finds now, its files are there.
    tier->Discard(*entries);
    {
      auto restarted = *Open(env, nullptr, false);
      const Result<Answer> answer = ReadTier(*restarted);
      ASSERT_TRUE(answer.ok());
      EXPECT_TRUE(answer->warnings.empty());
      EXPECT_TRUE(answer->samples == Expected({1}) || answer->samples == Expected({1, 2}));
    }
    env.clock.Advance(2 * kHourMs);
    ASSERT_TRUE(tier->DeleteExpired(env.clock.NowMs()).ok());
    EXPECT_TRUE(ReadTier(*Open(env, nullptr, false).value())->samples == Expected({1}));
    ASSERT_TRUE(WriteBlock(*tier, 3).ok());
    EXPECT_TRUE(ReadTier(*tier)->samples == Expected({1, 3}));
  }
}

// Blocks are written, installed, replaced and expired until the power goes at a seeded moment.
// Afterwards every installed block answers whole, and nothing answers that was never installed.
TEST(ColdRecovery, APowerCutAnywhereInPublishingLosesNothingInstalled) {
  uint64_t cuts = 0;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    SimulatedEnv env(seed);
    std::vector<int> installed;
    std::vector<int> maybe;  // the installation that the power cut interrupted, if it counts
    {
      auto tier = *Open(env);
      env.files.CutPowerAfter(random() % 260);
      for (int n = 1; n <= 8 && !env.files.power_is_cut(); ++n) {
        std::vector<BlockId> replaces;
        std::vector<int> after = installed;
        if (n % 4 == 0) {
          for (const BlockEntry& entry : tier->entries()) replaces.push_back(entry.id);
          after.clear();
        }
        after.push_back(n);
        maybe = after;
        if (!WriteBlock(*tier, n, replaces).ok()) break;
        installed = after;
        maybe = after;
        if (n == 5) {
          maybe.erase(maybe.begin());
          if (!tier->RemoveBlocks({tier->entries()[0].id}).ok()) break;
          installed = maybe;
        }
        env.clock.Advance(kHourMs);
        const Result<uint64_t> expired = tier->DeleteExpired(env.clock.NowMs());
        if (!expired.ok()) break;
      }
    }
    cuts += env.files.power_is_cut();
    env.files.Crash(seed * 7);
    ColdOpenSummary summary;
    auto tier = Open(env, &summary);
    ASSERT_TRUE(tier.ok()) << tier.status().ToString();
    EXPECT_TRUE(summary.warnings.empty()) << summary.warnings[0];
    const Result<Answer> answer = ReadTier(**tier);
    ASSERT_TRUE(answer.ok()) << answer.status().ToString();
    EXPECT_TRUE(answer->warnings.empty());
    EXPECT_TRUE(answer->samples == Expected(installed) || answer->samples == Expected(maybe));
    EXPECT_TRUE((*tier)->CheckAll()->empty());
    // And with both manifests gone too: what was going on when the power went may be adopted.
    tier->reset();
    RemoveManifests(env);
    tier = Open(env, &summary);
    ASSERT_TRUE(tier.ok()) << tier.status().ToString();
    const Result<Answer> rebuilt = ReadTier(**tier);
    ASSERT_TRUE(rebuilt.ok()) << rebuilt.status().ToString();
    EXPECT_TRUE(rebuilt->samples == answer->samples || rebuilt->samples == Expected(maybe));
  }
  EXPECT_GT(cuts, 150u);
}

}  // namespace
}  // namespace thermocline
