// Shards written here: the same rows and, where the format leaves no freedom, the same bytes as the
// Go libraries' files that they were made from.
#include <gtest/gtest.h>

#include "bucket/local_bucket.h"
#include "codec/chunk.h"
#include "env/posix/posix_file_system.h"
#include "env/simulated/simulated_file_system.h"
#include "shards/gateway_days.h"
#include "shards/golden_truth.h"
#include "shards/shard_queryable.h"
#include "shards/shard_writer.h"

namespace thermocline::shards {
namespace {

using Shards = std::vector<std::shared_ptr<const Shard>>;

Shards OpenAll(Bucket& bucket, const std::string& prefix) {
  const auto places = FindShards(bucket, prefix);
  EXPECT_TRUE(places.ok()) << places.status().ToString();
  columnar::ReadStats stats;
  auto shards = OpenShards(bucket, *places, {}, &stats);
  EXPECT_TRUE(shards.ok()) << shards.status().ToString();
  return shards.ok() ? *shards : Shards();
}

std::unique_ptr<SeriesSet> SelectAll(const Shards& shards) {
  SelectRequest request;
  request.range = {kMinTimestampMs, kMaxTimestampMs};
  auto set = ShardQueryable(shards).Select(request);
  EXPECT_TRUE(set.ok()) << set.status().ToString();
  return *std::move(set);
}

// What a reader of rows sees: labels, hash and cells, whatever columns hold them.
std::vector<std::vector<std::string>> LogicalRows(const Shard& shard) {
  std::vector<uint64_t> numbers;
  for (uint64_t row = 0; row < shard.rows(); ++row) numbers.push_back(row);
  ShardReads reads;
  const auto labels = shard.ReadLabels(numbers, {}, &reads);
  EXPECT_TRUE(labels.ok()) << labels.status().ToString();
  std::vector<std::vector<std::string>> rows;
  for (size_t i = 0; i < labels->size(); ++i) rows.push_back({(*labels)[i].ToString()});
  const auto append = [&](const std::vector<std::string>& cells) {
    ASSERT_EQ(cells.size(), rows.size());
    for (size_t i = 0; i < cells.size(); ++i) rows[i].push_back(cells[i]);
  };
  if (shard.columns().labels_hash) append(ReadBytes(shard.labels(), *shard.columns().labels_hash));
  for (const uint32_t leaf : shard.columns().data) append(ReadBytes(shard.chunks(), leaf));
  return rows;
}

class ShardWriterTest : public testing::Test {
 protected:
  ShardWriterTest() : bucket_(memory_, "/out") {}

  // The room's own golden shard, so that a clone alone tests too.
  Shards SmallShard() {
    LocalBucket data(disk_, TestDataFolder().string());
    return OpenAll(data, "small-shards/");
  }

  PosixFileSystem disk_;
  SimulatedFileSystem memory_;
  LocalBucket bucket_;
};

ShardWriterOptions OptionsOf(const Shard& shard) {
  ShardWriterOptions options;
  options.layout = shard.columns().layout;
  options.range = shard.range();
  options.column_ms = shard.columns().column_ms;
  return options;
}

TEST_F(ShardWriterTest, WritesEveryRowOfAGoldenShardByteForByte) {
  const Shards golden = SmallShard();
  ASSERT_EQ(golden.size(), 1u);
  ShardWriterOptions options = OptionsOf(*golden[0]);
  options.sort_labels = {"__name__", "instance"};
  options.bloom_labels = {"__name__", "job"};
  options.row_group_rows = 300;
  options.label_page_rows = 64;
  options.chunk_page_bytes = 4096;
  for (const ChunkCompression compression :
       {ChunkCompression::kAuto, ChunkCompression::kZstd, ChunkCompression::kNone}) {
    options.chunk_compression = compression;
    const auto set = SelectAll(golden);
    const auto summary = WriteShards(*set, bucket_, "again/", options);
    ASSERT_TRUE(summary.ok()) << summary.status().ToString();
    EXPECT_EQ(summary->series, golden[0]->rows());
    EXPECT_EQ(summary->cells.chunks_encoded, 0u);
    EXPECT_EQ(summary->shards, 1u);
    const Shards ours = OpenAll(bucket_, "again/");
    ASSERT_EQ(ours.size(), 1u);
    EXPECT_EQ(LogicalRows(*ours[0]), LogicalRows(*golden[0]));
    EXPECT_EQ(ours[0]->labels().index->row_groups(), golden[0]->labels().index->row_groups());
    for (const std::string_view key : {kDurationKey, kMinTimeKey, kMaxTimeKey}) {
      for (const auto& [one, other] :
           {std::pair(ours[0]->labels().index, golden[0]->labels().index),
            std::pair(ours[0]->chunks().index, golden[0]->chunks().index)}) {
        ASSERT_NE(one->FindKey(key), nullptr);
        EXPECT_EQ(*one->FindKey(key), *other->FindKey(key));
      }
    }
    // The same columns, so lists of columns are the same bytes.
    std::vector<std::string> names[2];
    for (const auto& spec : ours[0]->labels().index->schema().columns) {
      names[0].push_back(spec.name);
    }
    for (const auto& spec : golden[0]->labels().index->schema().columns) {
      names[1].push_back(spec.name);
    }
    EXPECT_EQ(names[0], names[1]);
    EXPECT_EQ(ReadBytes(ours[0]->labels(), *ours[0]->columns().column_list),
              ReadBytes(golden[0]->labels(), *golden[0]->columns().column_list));
    EXPECT_TRUE(ours[0]->chunks().index->aligned());
    EXPECT_TRUE(ours[0]->labels().index->aligned());
  }
}

// Writes `source` as parquet-common with columns of one hour and short chunks.
void ExpectCutAtBorders(const Shards& source, const std::filesystem::path& truth_file,
                        size_t columns, LocalBucket* bucket) {
  const auto truth = ReadTruthSeries(truth_file);
  ASSERT_TRUE(truth.ok()) << truth.status().ToString();
  ShardWriterOptions options = OptionsOf(*source[0]);
  options.layout = ShardLayout::kParquetCommon;
  options.column_ms = kHourMs;
  options.range.end_ms -= 1;
  options.row_group_rows = 50;
  options.row_groups_per_shard = 2;
  options.samples_per_chunk = 30;
  const auto summary = WriteShards(*SelectAll(source), *bucket, "cut/", options);
  ASSERT_TRUE(summary.ok()) << summary.status().ToString();
  EXPECT_GE(summary->shards, 2u);
  EXPECT_GT(summary->cells.chunks_encoded, 1000u);
  EXPECT_GT(summary->cells.chunks_passed, 0u);
  EXPECT_EQ(summary->cells.starts_dropped, 0u);
  const Shards ours = OpenAll(*bucket, "cut/");
  ASSERT_EQ(ours.size(), summary->shards);
  // An inclusive end makes no empty column at the end.
  EXPECT_EQ(ours[0]->columns().data.size(), columns);
  EXPECT_EQ(ExpectSamples(ShardQueryable(ours), *truth, source[0]->external()),
            summary->cells.samples);
}

TEST_F(ShardWriterTest, CutsChunksAtColumnBordersAndLosesNoSample) {
  LocalBucket gateway(disk_, (TestDataFolder() / "gateway").string());
  const auto day = ParseMetaKey("6143297086605661228/2023-11-15/meta.pb");
  columnar::ReadStats stats;
  const auto source = OpenShards(gateway, *FindDayShards(gateway, *day), {}, &stats);
  ASSERT_TRUE(source.ok()) << source.status().ToString();
  ExpectCutAtBorders(
      *source, TestDataFolder() / "truth/gateway/6143297086605661228/2023-11-15/series-0.jsonl.zst",
      24, &bucket_);
}

TEST_F(ShardWriterTest, CutsChunksOfTheGoldenShardToo) {
  const auto golden_folder = GoldenFolder();
  if (golden_folder.empty()) GTEST_SKIP() << "no golden data";
  LocalBucket golden(disk_, (golden_folder / "parquet-common").string());
  ExpectCutAtBorders(OpenAll(golden, "default/"),
                     golden_folder / "truth/blocks-8h/01HF8ZX100NAD3XJ1XY3N875WK.jsonl.zst", 8,
                     &bucket_);
}

void ExpectSameGatewayDay(LocalBucket& golden, const std::string& key, LocalBucket* bucket) {
  const auto day = ParseMetaKey(key);
  columnar::ReadStats stats;
  const auto source = OpenShards(golden, *FindDayShards(golden, *day), {}, &stats);
  ASSERT_TRUE(source.ok()) << source.status().ToString();
  const auto meta = ParseGatewayMeta(*golden.Get(day->meta_key));
  ShardWriterOptions options = OptionsOf(*source->front());
  options.range = {day->day_ms, day->day_ms + kDayMs - 1};
  options.external = source->front()->external();
  const auto summary =
      WriteGatewayDay(*SelectAll(*source), *bucket, options, meta->converted_blocks);
  ASSERT_TRUE(summary.ok()) << summary.status().ToString();
  EXPECT_EQ(summary->cells.chunks_encoded, 0u);
  // Ours has a check of itself behind.
  EXPECT_TRUE(bucket->Get(day->meta_key)->starts_with(*golden.Get(day->meta_key)));
  EXPECT_EQ(*bucket->Get(day->stream_key), *golden.Get(day->stream_key));
  const auto ours = OpenShards(*bucket, *FindDayShards(*bucket, *day), {}, &stats);
  ASSERT_TRUE(ours.ok()) << ours.status().ToString();
  EXPECT_EQ(ours->front()->columns().version, 2);
  EXPECT_EQ(LogicalRows(*ours->front()), LogicalRows(*source->front()));
}

TEST_F(ShardWriterTest, WritesAGatewayDayAsTheGatewayDoes) {
  for (const std::filesystem::path& root : GatewayRoots()) {
    LocalBucket golden(disk_, (root / "gateway").string());
    const auto objects = golden.List("");
    ASSERT_TRUE(objects.ok());
    for (const ObjectInfo& object : *objects) {
      if (!ParseMetaKey(object.key).ok()) continue;
      SCOPED_TRACE(object.key);
      ExpectSameGatewayDay(golden, object.key, &bucket_);
    }
  }
  // Another stream's labels under the same hash are refused.
  ASSERT_TRUE(bucket_.Put("6143297086605661228/stream.pb", EncodeStream(Labels{{"a", "b"}})).ok());
  const auto day = ParseMetaKey("6143297086605661228/2023-11-15/meta.pb");
  EXPECT_EQ(FindDayShards(bucket_, *day).status().code(), Code::kCorruption);
}

TEST_F(ShardWriterTest, StartsAShardBeforeTooManyColumns) {
  const Shards golden = SmallShard();
  ShardWriterOptions options = OptionsOf(*golden[0]);
  options.max_columns = 20;
  const auto set = SelectAll(golden);
  const auto summary = WriteShards(*set, bucket_, "narrow/", options);
  // One series of the golden shard may have more labels than that.
  size_t widest = 0;
  for (size_t i = 0; i < set->series_count(); ++i) {
    widest = std::max(widest, set->labels(i).size());
  }
  if (widest > 18) {
    EXPECT_EQ(summary.status().code(), Code::kInvalidArgument);
    options.max_columns = static_cast<uint32_t>(widest) + 2;
  }
  const auto again = WriteShards(*set, bucket_, "narrow/", options);
  ASSERT_TRUE(again.ok()) << again.status().ToString();
  EXPECT_GT(again->shards, 1u);
  uint64_t rows = 0;
  for (const auto& shard : OpenAll(bucket_, "narrow/")) {
    EXPECT_LE(shard->labels().index->schema().columns.size(), options.max_columns);
    rows += shard->rows();
  }
  EXPECT_EQ(rows, golden[0]->rows());
}

TEST_F(ShardWriterTest, PublishesNothingBeforeAllIsWritten) {
  const Shards golden = SmallShard();
  ShardWriterOptions options = OptionsOf(*golden[0]);
  options.row_group_rows = 100;
  options.row_groups_per_shard = 1;
  int calls = 0;
  const auto failed = WriteShards(
      *SelectAll(golden), bucket_, "half/", options,
      [&](const ShardSummary&) { return ++calls < 3 ? Status::Ok() : Status::Cancelled("stop"); });
  EXPECT_EQ(failed.status().code(), Code::kCancelled);
  EXPECT_TRUE(bucket_.List("half/")->empty());
  EXPECT_EQ(FindShards(bucket_, "half/").status().code(), Code::kNotFound);
  // Of a run that broke off while publishing, shard 0 is not there.
  const auto whole = WriteShards(*SelectAll(golden), bucket_, "half/", options);
  ASSERT_TRUE(whole.ok());
  EXPECT_GT(whole->shards, 2u);
  ASSERT_TRUE(bucket_.Remove("half/0.labels.parquet").ok());
  EXPECT_EQ(FindShards(bucket_, "half/").status().code(), Code::kNotFound);
}

TEST_F(ShardWriterTest, WritesNothingForNoSamples) {
  const Shards golden = SmallShard();
  ShardWriterOptions options = OptionsOf(*golden[0]);
  options.range = {0, kHourMs};
  const auto summary = WriteShards(*SelectAll(golden), bucket_, "none/", options);
  ASSERT_TRUE(summary.ok()) << summary.status().ToString();
  EXPECT_EQ(summary->shards, 0u);
  EXPECT_EQ(summary->series_without_samples, golden[0]->rows());
  EXPECT_TRUE(bucket_.List("none/")->empty());
}

TEST(ConverterMark, SaysVersionAndShards) {
  EXPECT_EQ(ConverterMark(3), "{\"version\":2,\"shards\":3}");
}

}  // namespace
}  // namespace thermocline::shards
