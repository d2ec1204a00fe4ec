#include "blocks/block.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "blocks/block_set.h"
#include "blocks/test_block.h"
#include "bucket/local_bucket.h"
#include "env/simulated/simulated_env.h"

namespace thermocline {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr TimeRange kAll{kMinTimestampMs, kMaxTimestampMs};

class BlockTest : public ::testing::Test {
 protected:
  std::unique_ptr<Block> Open(const BlockOptions& options = {}) {
    auto block = TryOpen(options);
    EXPECT_TRUE(block.ok()) << block.status().ToString();
    return block.ok() ? *std::move(block) : nullptr;
  }
  Result<std::unique_ptr<Block>> TryOpen(const BlockOptions& options = {}) {
    LocalBucket bucket(env_.files, "/b");
    return Block::Open(bucket, "", options);
  }
  static std::unique_ptr<SeriesSet> Select(const Queryable& source, TimeRange range = kAll,
                                           std::vector<Matcher> matchers = {}) {
    SelectRequest request;
    request.range = range;
    request.matchers = std::move(matchers);
    request.hints.sorted = true;
    auto set = source.Select(request);
    EXPECT_TRUE(set.ok()) << set.status().ToString();
    return set.ok() ? *std::move(set) : nullptr;
  }
  static std::vector<uint32_t> Everything(const SeriesSet& set) {
    std::vector<uint32_t> all(set.series_count());
    std::iota(all.begin(), all.end(), 0u);
    return all;
  }

  SimulatedEnv env_;
};

TEST_F(BlockTest, EveryIndexVersionGivesTheSameSeriesAndSamples) {
  for (const int version : {1, 2, 3}) {
    for (const bool parts : {false, true}) {
      SCOPED_TRACE(version);
      PutTestBlock(&env_.files, "/b", 100, 5, {version, parts});
      const auto block = Open();
      ASSERT_NE(block, nullptr);
      const auto set = Select(*block);
      ASSERT_EQ(set->series_count(), 100u);
      SeriesBatch batch;
      ASSERT_TRUE(set->Read(Everything(*set), &batch).ok());
      for (uint32_t i = 0; i < 100; ++i) {
        EXPECT_EQ(set->labels(i).Get("i"), std::to_string(1000 + i));
        ASSERT_EQ(batch.times(i).size(), 5u);
        EXPECT_EQ(batch.times(i)[4], (i + 4) * 1000);
        EXPECT_EQ(batch.floats(i)[4], i + 4);
      }
      const auto values =
          block->LabelValues("i", {.tenant = {}, .matcher_sets = {}, .range = kAll});
      ASSERT_TRUE(values.ok());
      EXPECT_EQ(values->size(), 100u);
      EXPECT_TRUE(std::is_sorted(values->begin(), values->end()));
    }
  }
}

TEST_F(BlockTest, RangeCutsSamplesAndLeavesOutSeries) {
  PutTestBlock(&env_.files, "/b", 100, 5);
  const auto block = Open();
  const auto set = Select(*block, {10'000, 11'500});
  ASSERT_EQ(set->series_count(), 6u);  // those that begin at 6 to 11 seconds
  SeriesBatch batch;
  ASSERT_TRUE(set->Read(Everything(*set), &batch).ok());
  EXPECT_EQ(batch.times(0).size(), 1u);
  EXPECT_EQ(batch.times(1).size(), 2u);
  EXPECT_EQ(Select(*block, {1'000'000, 2'000'000})->series_count(), 0u);
}

TEST_F(BlockTest, LabelCallsFollowMatchersLimitAndRange) {
  PutTestBlock(&env_.files, "/b", 10, 5);
  const auto block = Open();
  LabelRequest request;
  request.range = kAll;
  const auto names = block->LabelNames(request);
  ASSERT_TRUE(names.ok());
  EXPECT_THAT(*names, ElementsAre("__name__", "i", "parity"));
  request.matcher_sets = {{Matcher::Equal("parity", "")}, {Matcher::Equal("i", "1000")}};
  const auto values = block->LabelValues("i", request);
  ASSERT_TRUE(values.ok());
  EXPECT_THAT(*values, ElementsAre("1000", "1001", "1003", "1005", "1007", "1009"));
  request.limit = 2;
  EXPECT_THAT(*block->LabelValues("i", request), ElementsAre("1000", "1001"));
  request.range = {1'000'000, 2'000'000};
  EXPECT_TRUE(block->LabelValues("i", request)->empty());
}

TEST_F(BlockTest, TombstonesTakeSamplesAndWholeChunks) {
  PutTestBlock(&env_.files, "/b", 3, 5);
  const auto refs = Open()->index().All();
  ASSERT_TRUE(refs.ok());
  std::string body;
  ByteWriter writer(&body);
  const auto remove = [&](size_t series, int64_t from, int64_t to) {
    writer.Varint((*refs)[series].number);
    writer.SignedVarint(from);
    writer.SignedVarint(to);
  };
  remove(0, -10, 100'000);
  remove(1, 2000, 2000);
  remove(1, 3500, 4000);
  remove(1, 3900, 4999);
  std::string file;
  PutBig32(&file, 0x0130BA30);
  file += '\1';
  file += body;
  PutBig32(&file, Crc32c(body));
  env_.files.PutFile("/b/tombstones", file);
  const auto block = Open();
  const auto set = Select(*block);
  ASSERT_EQ(set->series_count(), 2u);
  SeriesBatch batch;
  ASSERT_TRUE(set->Read(Everything(*set), &batch).ok());
  EXPECT_EQ(batch.timestamps_ms,
            (std::vector<TimestampMs>{1000, 3000, 5000, 2000, 3000, 4000, 5000, 6000}));
  EncodedBatch encoded;
  ASSERT_TRUE(set->ReadEncoded(Everything(*set), &encoded).ok());
  ASSERT_EQ(encoded.chunks.size(), 2u);
  EXPECT_EQ(encoded.of(0)[0].max_ms, 5000);
  EXPECT_EQ(*ChunkSampleCount(encoded.of(0)[0].encoding, encoded.of(0)[0].bytes), 3u);
}

TEST_F(BlockTest, DamagedChunkNamesFileAndOffsetOrIsSkippedAndCounted) {
  PutTestBlock(&env_.files, "/b", 10, 5);
  std::string segment = *env_.files.ReadFile("/b/chunks/000001");
  segment[8 + 3] = static_cast<char>(segment[8 + 3] ^ 1);
  env_.files.PutFile("/b/chunks/000001", segment);
  SeriesBatch batch;
  {
    const auto block = Open();
    const auto set = Select(*block);
    const Status read = set->Read(Everything(*set), &batch);
    EXPECT_EQ(read.code(), Code::kCorruption);
    EXPECT_THAT(std::string(read.message()), HasSubstr("chunks/000001: offset 8"));
  }
  const auto block = Open({.skip_damaged = true});
  const auto set = Select(*block);
  ASSERT_TRUE(set->Read(Everything(*set), &batch).ok());
  EXPECT_EQ(batch.values.size(), 45u);
  EXPECT_TRUE(batch.times(0).empty());
  EXPECT_EQ(block->damage().chunks(), 1u);
  ASSERT_EQ(block->damage().messages().size(), 1u);
  EXPECT_THAT(block->damage().messages()[0], HasSubstr("chunks/000001: offset 8"));
}

TEST_F(BlockTest, ThanosAggregatesAreRefusedInOneLine) {
  PutTestBlock(&env_.files, "/b", 1, 5);
  std::string segment;
  PutChunk(&segment, 255, "whatever");
  env_.files.PutFile("/b/chunks/000001", segment);
  const auto block = Open({.skip_damaged = true});
  SeriesBatch batch;
  const auto set = Select(*block);
  const Status read = set->Read(Everything(*set), &batch);
  EXPECT_EQ(read.code(), Code::kUnimplemented);
  EXPECT_THAT(std::string(read.message()), HasSubstr("encoding 255"));
  env_.files.PutFile("/b/meta.json", TestMeta(0, 10'000, "01DXXFZDYD1MQW6079WK0K6EDQ",
                                              R"(,"thanos":{"downsample":{"resolution":300000}})"));
  const auto refused = TryOpen();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.status().code(), Code::kUnimplemented);
  const std::string message(refused.status().message());
  EXPECT_THAT(message, HasSubstr("encoding 255"));
  EXPECT_THAT(message, HasSubstr("meta.json: "));
  EXPECT_THAT(message, Not(HasSubstr("\n")));
}

// A bucket of Thanos holds blocks of three resolutions side by side.
TEST_F(BlockTest, ASetRefusesDownsampledBlocksByNameOrLeavesThemOut) {
  const std::string raw = "01DXXFZDYD1MQW6079WK0K6EDA";
  const std::string coarse = "01DXXFZDYD1MQW6079WK0K6EDB";
  for (const std::string& ulid : {raw, coarse}) {
    PutTestBlock(&env_.files, "/set/" + ulid, 10, 5);
    const std::string more =
        ulid == raw ? R"(,"thanos":{"labels":{"cluster":"a"},"downsample":{"resolution":0}})"
                    : R"(,"compaction":{"parents":[{"ulid":")" + raw +
                          R"("}]},"thanos":{"downsample":{"resolution":3600000}})";
    env_.files.PutFile("/set/" + ulid + "/meta.json", TestMeta(0, 30'000, ulid, more));
  }
  LocalBucket bucket(env_.files, "/set");
  const auto refused = BlockSet::Open(bucket, "", {});
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr(coarse + "/meta.json"));
  const auto set = BlockSet::Open(bucket, "", {.skip_damaged = true});
  ASSERT_TRUE(set.ok()) << set.status().ToString();
  ASSERT_EQ((*set)->blocks().size(), 1u);
  EXPECT_EQ((*set)->blocks()[0]->meta().id.ToString(), raw);
  EXPECT_EQ((*set)->damage().blocks(), 1u);
  EXPECT_THAT((*set)->damage().messages(), ElementsAre(HasSubstr(coarse)));
}

// meta.json as each of them writes it, with an index as they write it.
struct Writer {
  const char* name;
  const char* more;
  TestIndexShape shape;
  bool tombstones;
  size_t external;
};
const Writer kWriters[] = {
    {"Prometheus 2.30",
     R"(,"stats":{"numSamples":50,"numSeries":10,"numChunks":10},)"
     R"("compaction":{"level":1,"sources":["01DXXFZDYD1MQW6079WK0K6EDQ"]})",
     {2, true},
     true,
     0},
    {"Prometheus 3.14",
     R"(,"stats":{"numSamples":50,"numFloatSamples":50,"numSeries":10,"numChunks":10},)"
     R"("compaction":{"level":1,"sources":[],"hints":["from-out-of-order"]})",
     {2, false},
     true,
     0},
    {"Thanos sidecar and compactor",
     R"(,"compaction":{"level":2,"sources":[],"deletable":true},)"
     R"("thanos":{"version":1,"labels":{"cluster":"eu","replica":"0"},)"
     R"("downsample":{"resolution":0},"source":"compactor","segment_files":["000001"],)"
     R"("files":[{"rel_path":"chunks/000001","size_bytes":7},{"rel_path":"meta.json"}],)"
     R"("index_stats":{"series_max_size":16},"extensions":{"x":null},"rewrites":[{}]})",
     {2, true},
     false,
     2},
    {"Cortex",
     R"(,"thanos":{"labels":{"__org_id__":"user-1"},"downsample":{"resolution":0},)"
     R"("source":"receive","segment_files":["000001"],)"
     R"("extensions":{"partition_info":{"partitioned_group_id":1,"partition_count":1}}})",
     {2, true},
     false,
     1},
    {"Mimir's older ingester",
     R"(,"stats":{"numSamples":50,"numSeries":10,"numChunks":10},)"
     R"("compaction":{"level":1,"sources":["01DXXFZDYD1MQW6079WK0K6EDQ"],)"
     R"("parents":[{"ulid":"00000000000000000000000000","minTime":0,"maxTime":0}],)"
     R"("hints":["from-out-of-order"]},"out_of_order":false,)"
     R"("thanos":{"labels":{},"downsample":{"resolution":0},"source":"receive",)"
     R"("segment_files":["000001"],"files":[{"rel_path":"meta.json"}]})",
     {2, true},
     false,
     0},
    {"Mimir",
     R"(,"out_of_order":true,"compaction":{"level":1,"hints":["from-out-of-order"]},)"
     R"("thanos":{"version":1,"labels":{"__compactor_shard_id__":"1_of_4"},)"
     R"("source":"ingester","segment_files":["000001"],"downsample":{}})",
     {3, false},
     false,
     1},
};

TEST_F(BlockTest, BlocksOfThanosCortexAndMimirRead) {
  for (const Writer& writer : kWriters) {
    SCOPED_TRACE(writer.name);
    PutTestBlock(&env_.files, "/b", 10, 5, writer.shape);
    env_.files.PutFile("/b/meta.json",
                       TestMeta(0, 15'000, "01DXXFZDYD1MQW6079WK0K6EDQ", writer.more));
    if (env_.files.Exists("/b/tombstones")) CHECK_OK(env_.files.RemoveFile("/b/tombstones"));
    if (writer.tombstones) {
      env_.files.PutFile("/b/tombstones", std::string("\x01\x30\xBA\x30\x01\0\0\0\0", 9));
    }
    const auto block = Open();
    ASSERT_NE(block, nullptr);
    EXPECT_EQ(block->meta().external_labels.size(), writer.external);
    const auto set = Select(*block);
    ASSERT_EQ(set->series_count(), 10u);
    SeriesBatch batch;
    ASSERT_TRUE(set->Read(Everything(*set), &batch).ok());
    EXPECT_EQ(batch.values.size(), 50u);
  }
}

TEST_F(BlockTest, SeriesOutOfLabelOrderAreListedInOrder) {
  std::string segment;
  std::vector<TestSeries> series;
  for (const char* name : {"b", "a", "c"}) {
    const uint64_t offset = PutChunk(&segment, 1, TestXorChunk(0, 1, 1));
    series.push_back({Labels{{"__name__", name}}, {{0, 0, offset}}});
  }
  env_.files.PutFile("/b/index", TestIndexWriter::Write(series, {}));
  env_.files.PutFile("/b/chunks/000001", segment);
  env_.files.PutFile("/b/meta.json", TestMeta(0, 1000));
  const auto block = Open();
  const auto set = Select(*block);
  ASSERT_EQ(set->series_count(), 3u);
  EXPECT_EQ(set->labels(0).metric_name(), "a");
  EXPECT_EQ(set->labels(1).metric_name(), "b");
  EXPECT_EQ(set->labels(2).metric_name(), "c");
}

// One series in two segments, its chunks far apart, and its times overlapping in the file.
TEST_F(BlockTest, ChunksOfSeveralSegmentsOverlappingInTimeComeOutInOrder) {
  std::string segments[2];
  TestSeries one{Labels{{"__name__", "m"}}, {}};
  const uint64_t first = PutChunk(&segments[0], 1, TestXorChunk(0, 10, 100));
  segments[1].clear();
  PutChunk(&segments[1], 1, TestXorChunk(0, 1, 0));
  segments[1].append(300'000, 'x');
  const uint64_t second = PutChunk(&segments[1], 1, TestXorChunk(5000, 10, 200));
  // The index claims disjoint times; the chunks say otherwise.
  one.chunks = {{0, 4999, first}, {5000, 14'000, (uint64_t{1} << 32) | second}};
  env_.files.PutFile("/b/index", TestIndexWriter::Write({one}, {}));
  env_.files.PutFile("/b/chunks/000001", segments[0]);
  env_.files.PutFile("/b/chunks/000002", segments[1]);
  env_.files.PutFile("/b/meta.json", TestMeta(0, 20'000));
  const auto block = Open();
  const auto set = Select(*block);
  SeriesBatch batch;
  ASSERT_TRUE(set->Read(Everything(*set), &batch).ok());
  ASSERT_EQ(batch.values.size(), 15u);
  EXPECT_EQ(batch.values[4], 104);
  EXPECT_EQ(batch.values[5], 200);
  EXPECT_EQ(batch.values[14], 209);
}

TEST_F(BlockTest, ASetMergesItsBlocksAndLeavesOutWhatCompactionReplaced) {
  const std::string a = "01DXXFZDYD1MQW6079WK0K6EDA";
  const std::string b = "01DXXFZDYD1MQW6079WK0K6EDB";
  const std::string c = "01DXXFZDYD1MQW6079WK0K6EDC";
  for (const std::string& ulid : {a, b, c}) {
    PutTestBlock(&env_.files, "/set/" + ulid, ulid == b ? 20 : 10, 5);
    const std::string more =
        ulid == c ? R"(,"compaction":{"level":2,"parents":[{"ulid":")" + a + R"("}]})" : "";
    env_.files.PutFile("/set/" + ulid + "/meta.json", TestMeta(0, 30'000, ulid, more));
  }
  env_.files.PutFile("/set/" + a + ".tmp-for-deletion/meta.json", "{");
  LocalBucket bucket(env_.files, "/set");
  const auto set = BlockSet::Open(bucket, "", {});
  ASSERT_TRUE(set.ok()) << set.status().ToString();
  ASSERT_EQ((*set)->blocks().size(), 2u);
  EXPECT_EQ((*set)->blocks()[0]->meta().id.ToString(), b);
  const auto merged = Select(**set);
  ASSERT_EQ(merged->series_count(), 20u);
  SeriesBatch batch;
  ASSERT_TRUE(merged->Read(Everything(*merged), &batch).ok());
  EXPECT_EQ(batch.values.size(), 100u);
}

TEST(BlockMeta, UnknownKeysAndHintsAreTolerated) {
  const auto meta =
      ParseBlockMeta(TestMeta(5, 10, "01DXXFZDYD1MQW6079WK0K6EDQ",
                              R"(,"out_of_order":true,"stats":{"numSamples":7,"x":[1]},)"
                              R"("compaction":{"level":3,"hints":["from-stale-series","new"]},)"
                              R"("thanos":{"labels":{"a":"b","n":1},"files":[{}]})"),
                     "meta.json");
  ASSERT_TRUE(meta.ok()) << meta.status().ToString();
  EXPECT_EQ(meta->range(), (TimeRange{5, 9}));
  EXPECT_EQ(meta->sample_count, 7u);
  EXPECT_EQ(meta->level, 3u);
  EXPECT_TRUE(meta->partial_view());
  EXPECT_FALSE(meta->out_of_order());
  EXPECT_EQ(meta->external_labels.size(), 1u);
}

TEST(BlockMeta, WhatIsNoMetaIsRefused) {
  const auto code = [](std::string_view json) {
    return ParseBlockMeta(json, "meta.json").status().code();
  };
  EXPECT_EQ(code(""), Code::kCorruption);
  EXPECT_EQ(code("[]"), Code::kCorruption);
  EXPECT_EQ(code(R"({"version":1})"), Code::kCorruption);
  EXPECT_EQ(code(R"({"version":2,"ulid":"01DXXFZDYD1MQW6079WK0K6EDQ"})"), Code::kUnimplemented);
  EXPECT_EQ(code(TestMeta(10, 5)), Code::kCorruption);
  EXPECT_EQ(code(TestMeta(1, 5, "no ulid")), Code::kCorruption);
}

}  // namespace
}  // namespace thermocline
