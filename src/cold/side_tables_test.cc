// Exemplars and metadata: every field back, through restarts, rebuilding and compaction.
#include <gtest/gtest.h>

#include <limits>

#include "cold/cold_tier_case.h"
#include "cold/test_series.h"
#include "model/exemplar.h"

namespace thermocline {
namespace {

constexpr TimestampMs kDay = kColdTestDay;
constexpr TimeRange kAlways{kMinTimestampMs, kMaxTimestampMs};

Labels Bucket(std::string_view le) {
  return Labels{{"__name__", "latency_bucket"}, {"job", "api"}, {"le", le}};
}

SeriesExemplars Of(const Labels& series, std::vector<Exemplar> exemplars) {
  return {series, std::move(exemplars)};
}

class SideTablesTest : public ColdTierCase {
 protected:
  // A block a day of `days` with a sample at noon of two series.
  std::vector<BlockId> Add(std::vector<SeriesExemplars> exemplars,
                           const std::vector<BatchMetadata>& metadata, int days = 1) {
    std::vector<TestSeries> series = {{Bucket("1.0"), {}, {}, {}}, {Bucket("+Inf"), {}, {}, {}}};
    for (TestSeries& one : series) {
      for (int d = 0; d < days; ++d) one.Add(kDay + d * kDayMs + kDayMs / 2, d);
    }
    PutInOrder(kAlways, &exemplars);
    BlockRequest request;
    request.exemplars = &exemplars;
    request.metadata = &metadata;
    auto entries = tier_->WriteBlocks(TestSeriesSet(series), request);
    EXPECT_TRUE(entries.ok()) << entries.status().ToString();
    std::vector<BlockId> ids;
    for (const BlockEntry& entry : *entries) ids.push_back(entry.id);
    EXPECT_TRUE(tier_->Install(*entries).ok());
    return ids;
  }
  std::vector<SeriesExemplars> Exemplars(ExemplarRequest request = {}, TimeRange range = kAlways) {
    request.range = range;
    auto all = tier_->Exemplars(request);
    EXPECT_TRUE(all.ok()) << all.status().ToString();
    return all.ok() ? *all : std::vector<SeriesExemplars>();
  }
  std::string Metadata(const MetadataRequest& request = {}) {
    auto all = tier_->Metadata(request);
    EXPECT_TRUE(all.ok()) << all.status().ToString();
    std::string text;
    for (const BatchMetadata& one : *all) {
      text += one.family + "|" + one.type + "|" + one.help + "|" + one.unit + "\n";
    }
    return text;
  }
};

std::vector<SeriesExemplars> Odd() {
  const double nan = std::bit_cast<double>(uint64_t{0x7ff8000000000123});
  return {
      Of(Bucket("+Inf"), {{Labels{{"trace_id", "a\"b\\c"}}, kDay + 5, 0.25},
                          {Labels{}, kDay + 7, -0.0},
                          {Labels{{"span_id", "s"}, {"trace_id", "t\xff"}}, kDay + 9, nan}}),
      Of(Bucket("1.0"), {{Labels{{"trace_id", "x"}}, kDay, 1},
                         {Labels{{"trace_id", "x"}}, kDay + kDayMs - 1, 1},
                         {Labels{{"trace_id", "y"}}, kDay + kDayMs, 2}}),
      // A series without samples, with a label that the block has no column for.
      Of(Labels{{"__name__", "other"}, {"zone", "z"}}, {{Labels{{"trace_id", "o"}}, kDay + 1, 3}}),
  };
}

TEST_F(SideTablesTest, ExemplarsComeBackBitForBit) {
  auto expected = Odd();
  PutInOrder(kAlways, &expected);
  Add(Odd(), {}, 2);
  EXPECT_EQ(Exemplars(), expected);
  Reopen();
  EXPECT_EQ(Exemplars(), expected);
  const auto problems = tier_->CheckAll();
  ASSERT_TRUE(problems.ok());
  EXPECT_TRUE(problems->empty());
}

TEST_F(SideTablesTest, MatchersAndRangeSelect) {
  Add(Odd(), {}, 2);
  ExemplarRequest request;
  auto matcher = Matcher::Make(MatchType::kEqual, "le", "1.0");
  ASSERT_TRUE(matcher.ok());
  request.matcher_sets = {{*matcher}};
  auto found = Exemplars(request);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].exemplars.size(), 3u);
  found = Exemplars(request, {kDay + kDayMs, kDay + 2 * kDayMs});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].exemplars.size(), 1u);
  EXPECT_TRUE(Exemplars(request, {0, 5}).empty());
  EXPECT_TRUE(Exemplars({TenantId("other"), {}, {}}).empty());
}

TEST_F(SideTablesTest, MetadataIsThatOfTheBlocksMetrics) {
  const std::vector<BatchMetadata> metadata = {
      {"latency", "histogram", "Time\n\"taken\".", "seconds"}, {"unknown_metric", "gauge", "", ""}};
  Add({}, metadata);
  EXPECT_EQ(Metadata(), "latency|histogram|Time\n\"taken\".|seconds\n");
  EXPECT_EQ(Metadata({.tenant = {}, .family = "late"}), "");
  EXPECT_EQ(Metadata({.tenant = {}, .family = "latency"}),
            "latency|histogram|Time\n\"taken\".|seconds\n");
  EXPECT_TRUE(Exemplars().empty());
}

TEST_F(SideTablesTest, CompactionAndALostManifestKeepThem) {
  const auto first = Add({Odd()[0]}, {{"latency", "histogram", "old", ""}});
  const auto second = Add({Odd()[0], Odd()[2]}, {{"latency", "histogram", "new", ""}});
  auto expected = std::vector<SeriesExemplars>{Odd()[0], Odd()[2]};
  PutInOrder(kAlways, &expected);
  EXPECT_EQ(Exemplars(), expected);
  auto merged = tier_->WriteMerged({first[0], second[0]});
  ASSERT_TRUE(merged.ok()) << merged.status().ToString();
  ASSERT_TRUE(tier_->Install(*std::move(merged)).ok());
  ASSERT_EQ(tier_->entries().size(), 1u);
  EXPECT_EQ(Exemplars(), expected);
  EXPECT_EQ(Metadata(), "latency|histogram|new|\nlatency|histogram|old|\n");
  const auto entries = tier_->entries();
  tier_.reset();
  const auto files = env_.files.List("data/cold");
  ASSERT_TRUE(files.ok());
  for (const DirectoryEntry& file : *files) {
    if (!file.name.starts_with("MANIFEST")) continue;
    ASSERT_TRUE(env_.files.RemoveFile("data/cold/" + file.name).ok());
  }
  Reopen();
  EXPECT_EQ(tier_->entries(), entries);
  EXPECT_EQ(Exemplars(), expected);
}

TEST_F(SideTablesTest, ADamagedTableSetsItsBlockAside) {
  Add(Odd(), {});
  const BlockEntry entry = tier_->entries()[0];
  const BlockFile* const file = entry.Find(BlockFileKind::kExemplars);
  ASSERT_NE(file, nullptr);
  const std::string path = "data/cold/" + file->key;
  auto bytes = env_.files.ReadFile(path);
  ASSERT_TRUE(bytes.ok());
  for (size_t at = 4; at < bytes->size() / 2; at += 8) (*bytes)[at] ^= 0x10;
  ASSERT_TRUE(env_.files.WriteFileAtomically(path, *bytes).ok());
  Reopen();
  EXPECT_TRUE(Exemplars().empty());
  EXPECT_EQ(tier_->quarantined().size(), 1u);
}

}  // namespace
}  // namespace thermocline
