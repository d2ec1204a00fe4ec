// Files written by the Go libraries against what those libraries read from them: every row, list,
// hash, record and sample.
#include <gtest/gtest.h>

#include <bit>

#include "base/bytes.h"
#include "bucket/local_bucket.h"
#include "codec/chunk.h"
#include "env/posix/posix_file_system.h"
#include "shards/gateway_days.h"
#include "shards/golden_truth.h"
#include "shards/shard_queryable.h"

namespace thermocline::shards {
namespace {

class GoldenShards : public testing::Test {
 protected:
  void SetUp() override {
    golden_ = GoldenFolder();
    if (golden_.empty()) GTEST_SKIP() << "no golden data";
    bucket_.emplace(files_, golden_.string());
  }

  std::vector<std::shared_ptr<const Shard>> OpenCommon(const std::string& prefix) {
    const auto places = FindShards(*bucket_, prefix);
    EXPECT_TRUE(places.ok()) << places.status().ToString();
    columnar::ReadStats stats;
    auto shards = OpenShards(*bucket_, *places, {}, &stats);
    EXPECT_TRUE(shards.ok()) << shards.status().ToString();
    EXPECT_EQ(stats.requests, 2 * places->size());
    return shards.ok() ? *shards : std::vector<std::shared_ptr<const Shard>>();
  }

  PosixFileSystem files_;
  std::filesystem::path golden_;
  std::optional<LocalBucket> bucket_;
};

std::string HexOf(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) {
    char digits[3];
    std::snprintf(digits, sizeof(digits), "%02x", static_cast<uint8_t>(byte));
    text += digits;
  }
  return text;
}

// Every record of every cell; returns how many.
size_t ExpectCells(const Shard& shard, const std::vector<TruthRow>& truth) {
  size_t records = 0;
  for (uint32_t i = 0; i < shard.columns().data.size(); ++i) {
    const uint32_t leaf = shard.columns().data[i];
    const std::string& name = shard.chunks().index->schema().columns[leaf].name;
    const std::vector<std::string> cells = ReadBytes(shard.chunks(), leaf);
    EXPECT_EQ(cells.size(), truth.size());
    for (size_t row = 0; row < truth.size(); ++row) {
      std::vector<CellChunk> chunks;
      const Status status = ParseCell(shard.columns().cells, cells[row], &chunks);
      EXPECT_TRUE(status.ok()) << status.ToString();
      std::vector<std::array<int64_t, 5>> found;
      std::string again;
      for (const CellChunk& chunk : chunks) {
        const auto samples = ChunkSampleCount(chunk.encoding, chunk.bytes);
        EXPECT_TRUE(samples.ok());
        found.push_back({static_cast<uint8_t>(chunk.encoding), chunk.min_ms, chunk.max_ms,
                         static_cast<int64_t>(chunk.bytes.size()), *samples});
        AppendCellChunk(shard.columns().cells, chunk, &again);
      }
      EXPECT_EQ(again, cells[row]);
      const auto wanted = truth[row].cells.find(name);
      if (wanted == truth[row].cells.end()) {
        EXPECT_TRUE(found.empty());
      } else {
        EXPECT_EQ(found, wanted->second);
      }
      records += found.size();
    }
  }
  return records;
}

// Everything that the truth says of the rows; returns how many records were compared.
size_t ExpectRows(const Shard& shard, const std::vector<TruthRow>& truth) {
  EXPECT_EQ(shard.rows(), truth.size());
  if (shard.rows() != truth.size()) return 0;
  ShardReads reads;
  std::vector<uint64_t> rows;
  for (uint64_t row = 0; row < shard.rows(); ++row) rows.push_back(row);
  const auto labels = shard.ReadLabels(rows, {}, &reads);
  EXPECT_TRUE(labels.ok()) << labels.status().ToString();
  const std::vector<std::string> lists = ReadBytes(shard.labels(), *shard.columns().column_list);
  std::vector<std::string> hashes;
  if (shard.columns().labels_hash) {
    hashes = ReadBytes(shard.labels(), *shard.columns().labels_hash);
  }
  const auto places = static_cast<uint32_t>(shard.columns().label_of_leaf.size());
  for (size_t row = 0; row < truth.size(); ++row) {
    LabelsBuilder wanted(truth[row].labels);
    for (const LabelPair& pair : shard.external()) wanted.Set(pair.name, pair.value);
    EXPECT_EQ((*labels)[row], wanted.Build());
    std::vector<uint32_t> list;
    EXPECT_TRUE(ParseColumnList(lists[row], places, &list).ok());
    EXPECT_EQ(list, truth[row].list);
    std::string again;
    AppendColumnList(list, &again);
    EXPECT_EQ(again, lists[row]);
    if (hashes.empty()) continue;
    EXPECT_EQ(HexOf(hashes[row]), truth[row].hash);
    EXPECT_EQ(hashes[row], HashCell(SeparatedHash(truth[row].labels)));
  }
  // A few rows come through the column list, whole shards do not.
  for (uint64_t row = 0; row < shard.rows(); row += 97) {
    const auto one = shard.ReadLabels({&row, 1}, {}, &reads);
    EXPECT_TRUE(one.ok());
    EXPECT_EQ((*one)[0], (*labels)[row]);
  }
  return ExpectCells(shard, truth);
}

TEST_F(GoldenShards, RowsOfParquetCommonAreTheTruths) {
  size_t rows = 0;
  size_t records = 0;
  for (const std::string variant : {"default", "small-shards", "day-parquet-go-0.30"}) {
    const auto shards = OpenCommon("parquet-common/" + variant + "/");
    for (size_t n = 0; n < shards.size(); ++n) {
      SCOPED_TRACE(shards[n]->name());
      const auto truth = ReadTruthRows(golden_ / "truth/parquet-common" / variant /
                                       ("rows-" + std::to_string(n) + ".jsonl.zst"));
      ASSERT_TRUE(truth.ok()) << truth.status().ToString();
      EXPECT_EQ(shards[n]->columns().version, 2);
      records += ExpectRows(*shards[n], *truth);
      rows += truth->size();
    }
  }
  RecordProperty("rows", static_cast<int>(rows));
  RecordProperty("records", static_cast<int>(records));
  EXPECT_GT(rows, 4000u);
  EXPECT_GT(records, 19000u);
}

TEST(GoldenShard, OfThisRoomIsAsItsTruthSays) {
  PosixFileSystem files;
  LocalBucket bucket(files, TestDataFolder().string());
  columnar::ReadStats stats;
  const auto shards = OpenShards(bucket, *FindShards(bucket, "small-shards/"), {}, &stats);
  ASSERT_TRUE(shards.ok()) << shards.status().ToString();
  const auto truth = ReadTruthRows(TestDataFolder() / "small-shards/rows-0.jsonl.zst");
  ASSERT_TRUE(truth.ok()) << truth.status().ToString();
  EXPECT_GT(ExpectRows(*shards->front(), *truth), 1000u);
}

TEST_F(GoldenShards, SamplesOfParquetCommonAreTheBlocks) {
  const auto truth =
      ReadTruthSeries(golden_ / "truth/blocks-8h/01HF8ZX100NAD3XJ1XY3N875WK.jsonl.zst");
  ASSERT_TRUE(truth.ok()) << truth.status().ToString();
  for (const std::string variant : {"default", "small-shards"}) {
    SCOPED_TRACE(variant);
    const size_t samples =
        ExpectSamples(ShardQueryable(OpenCommon("parquet-common/" + variant + "/")), *truth);
    RecordProperty(variant, static_cast<int>(samples));
    EXPECT_GT(samples, 200000u);
  }
}

TEST_F(GoldenShards, SamplesOfTheNewerWriterAreTheTruths) {
  const auto truth =
      ReadTruthSeries(golden_ / "truth/parquet-common/day-parquet-go-0.30/series.jsonl.zst");
  ASSERT_TRUE(truth.ok()) << truth.status().ToString();
  const ShardQueryable source(OpenCommon("parquet-common/day-parquet-go-0.30/"));
  EXPECT_GT(ExpectSamples(source, *truth), 50000u);
}

// Returns whether `key` names a day.
bool ExpectGatewayDay(const std::filesystem::path& root, LocalBucket& gateway,
                      const std::string& key) {
  const auto day = ParseMetaKey(key);
  if (!day.ok()) return false;
  const auto places = FindDayShards(gateway, *day);
  columnar::ReadStats stats;
  const auto shards = OpenShards(gateway, *places, {}, &stats);
  EXPECT_TRUE(shards.ok()) << shards.status().ToString();
  EXPECT_EQ(shards->size(), 1u);
  const Shard& shard = *shards->front();
  EXPECT_EQ(shard.columns().version, 2);
  EXPECT_FALSE(shard.external().empty());
  const auto folder = root / "truth/gateway" / std::to_string(day->stream) / "2023-11-15";
  const auto rows = ReadTruthRows(folder / "rows-0.jsonl.zst");
  EXPECT_TRUE(rows.ok()) << rows.status().ToString();
  EXPECT_GT(ExpectRows(shard, *rows), 1000u);
  const auto series = ReadTruthSeries(folder / "series-0.jsonl.zst");
  EXPECT_TRUE(series.ok()) << series.status().ToString();
  EXPECT_GT(ExpectSamples(ShardQueryable(*shards), *series, shard.external()), 10000u);

  const std::string meta_bytes = *gateway.Get(day->meta_key);
  const auto meta = ParseGatewayMeta(meta_bytes);
  EXPECT_TRUE(meta.ok()) << meta.status().ToString();
  // Ours has a check of itself behind.
  EXPECT_TRUE(EncodeGatewayMeta(*meta).starts_with(meta_bytes));
  EXPECT_EQ(meta->version, 2);
  EXPECT_FALSE(meta->converted_blocks.empty());
  const std::string stream_bytes = *gateway.Get(day->stream_key);
  EXPECT_EQ(EncodeStream(*ParseStream(stream_bytes)), stream_bytes);
  return true;
}

TEST(GoldenGateway, DaysAreTheTruths) {
  PosixFileSystem files;
  size_t days = 0;
  for (const std::filesystem::path& root : GatewayRoots()) {
    LocalBucket gateway(files, (root / "gateway").string());
    const auto objects = gateway.List("");
    ASSERT_TRUE(objects.ok());
    for (const ObjectInfo& object : *objects) {
      SCOPED_TRACE(object.key);
      days += ExpectGatewayDay(root, gateway, object.key) ? 1 : 0;
    }
  }
  EXPECT_EQ(days, GoldenFolder().empty() ? 1u : 3u);
}

TEST(GoldenGateway, HashesAreRead) {
  PosixFileSystem files;
  LocalBucket gateway(files, (TestDataFolder() / "gateway").string());
  const auto day = ParseMetaKey("6143297086605661228/2023-11-15/meta.pb");
  const auto places = FindDayShards(gateway, *day);
  columnar::ReadStats stats;
  const auto shards = OpenShards(gateway, *places, {}, &stats);
  ASSERT_TRUE(shards.ok());
  const Shard& shard = *shards->front();
  const ColumnRows wanted{*shard.columns().chunks_hash, {{0, shard.rows()}}};
  const auto fetch = shard.chunks().Fetch({&wanted, 1}, {}, &stats);
  ASSERT_TRUE(fetch.ok());
  columnar::PageDecoder decoder;
  columnar::ColumnVector page;
  ASSERT_TRUE((*fetch)->Decode(0, 0, decoder, &page).ok());
  const auto rows = ReadTruthRows(TestDataFolder() /
                                  "truth/gateway/6143297086605661228/2023-11-15/rows-0.jsonl.zst");
  ASSERT_TRUE(rows.ok());
  EXPECT_GT(page.rows, 0u);
  for (size_t i = 0; i < page.rows; ++i) {
    const uint64_t hash = static_cast<uint64_t>(page.int64s[i]);
    EXPECT_EQ(hash, std::strtoull((*rows)[i].hash.c_str(), nullptr, 16));
    EXPECT_EQ(hash, PackedHash((*rows)[i].labels)) << (*rows)[i].labels.ToString();
  }
}

}  // namespace
}  // namespace thermocline::shards
