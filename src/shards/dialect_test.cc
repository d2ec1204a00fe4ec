// Older dialects, made here column by column: the proof of concept (version 0), the gateway's
// version 1, parquet-common without hashes; overlapping and foreign cells; paths of days.
#include <gtest/gtest.h>

#include "bucket/local_bucket.h"
#include "codec/chunk.h"
#include "codec/xor_chunk.h"
#include "columnar/file_writer.h"
#include "env/simulated/simulated_file_system.h"
#include "shards/gateway_days.h"
#include "shards/sample_merge.h"
#include "shards/shard_queryable.h"

namespace thermocline::shards {
namespace {

using columnar::ColumnEncoding;
using columnar::ColumnSpec;
using columnar::ColumnType;

constexpr int64_t kDay = 19676 * kDayMs;  // 2023-11-15

struct Row {
  std::vector<std::string> labels;  // by label column; "" = none
  std::vector<std::string> cells;
};

std::string Chunk(const std::vector<std::pair<TimestampMs, double>>& samples, CellFormat format) {
  SeriesBatch batch;
  for (const auto& [t, v] : samples) {
    batch.timestamps_ms.push_back(t);
    batch.values.push_back(v);
  }
  std::vector<OwnedChunk> made;
  EXPECT_TRUE(EncodeSamples(batch, 0, samples.size(), 120, &made).ok());
  std::string cell;
  for (const OwnedChunk& one : made) {
    AppendCellChunk(format, {one.chunk.encoding, one.chunk.min_ms, one.chunk.max_ms, one.payload},
                    &cell);
  }
  return cell;
}

class DialectTest : public testing::Test {
 protected:
  DialectTest() : bucket_(files_, "/bucket") {}

  void Write(const std::string& key, const std::vector<std::string>& names,
             const std::vector<std::vector<std::string>>& columns, bool labels,
             const columnar::KeyValues& keys) {
    columnar::FileSchema schema;
    for (const std::string& name : names) {
      ColumnSpec spec;
      spec.name = name;
      const bool label = labels && name.find("index") == std::string::npos;
      spec.type = label ? ColumnType::kString : ColumnType::kBytes;
      spec.encoding = label ? ColumnEncoding::kDictionary : ColumnEncoding::kDeltaLengths;
      spec.optional = label;
      schema.columns.push_back(std::move(spec));
    }
    auto sink = bucket_.NewWriter(key).value();
    columnar::FileWriterOptions options;
    options.created_by = "github.com/parquet-go/parquet-go version 0.25.1";
    auto writer = columnar::FileWriter::Open(sink.get(), schema, options).value();
    ASSERT_TRUE(writer->BeginRowGroup(columns[0].size()).ok());
    for (uint32_t c = 0; c < columns.size(); ++c) {
      std::vector<std::string_view> values;
      for (const std::string& value : columns[c]) {
        const bool null = schema.columns[c].optional && value.empty();
        values.push_back(null ? std::string_view() : std::string_view(value));
      }
      ASSERT_TRUE(writer->WriteStrings(c, values).ok());
    }
    ASSERT_TRUE(writer->EndRowGroup().ok());
    ASSERT_TRUE(writer->Finish(keys).ok());
    ASSERT_TRUE(sink->Finish().ok());
  }

  // Two series of a metric, one with a pod; chunks in the first and second third of the day.
  void WriteGateway(const std::string& path, bool with_index) {
    std::vector<std::string> names = {"___cf_meta_label___name__", "___cf_meta_label_pod"};
    std::vector<std::vector<std::string>> columns = {{"up", "up"}, {"", "a"}};
    if (with_index) {
      names.insert(names.begin(), "___cf_meta_index");
      columns.insert(columns.begin(), std::vector<std::string>(2));
      AppendColumnList(std::vector<uint32_t>{1}, &columns[0][0]);
      AppendColumnList(std::vector<uint32_t>{1, 2}, &columns[0][1]);
    }
    Write(path + "0.labels.parquet", names, columns, true, {});
    const CellFormat format = CellFormat::kFixed;
    const std::string late = Chunk({{kDay + 7 * kHourMs, 1}, {kDay + 9 * kHourMs, 2}}, format);
    const std::string second = Chunk({{kDay + 10 * kHourMs, 3}}, format);
    Write(path + "0.chunks.parquet",
          {"___cf_meta_chunk_0", "___cf_meta_chunk_1", "___cf_meta_chunk_2"},
          {{late, ""}, {"", second}, {"", ""}}, false, {});
  }

  ShardQueryable OpenDay(const std::string& meta_key, int version) {
    const auto day = ParseMetaKey(meta_key);
    EXPECT_TRUE(day.ok()) << day.status().ToString();
    EXPECT_EQ(day->day_ms, kDay);
    GatewayMeta meta;
    meta.min_ms = kDay;
    meta.max_ms = kDay + kDayMs;
    meta.shards = 1;
    meta.version = version;
    meta.columns_for_name["up"] = {"___cf_meta_label_pod"};
    EXPECT_TRUE(bucket_.Put(meta_key, EncodeGatewayMeta(meta)).ok());
    EXPECT_EQ(ParseGatewayMeta(EncodeGatewayMeta(meta))->columns_for_name, meta.columns_for_name);
    columnar::ReadStats stats;
    const auto places = FindDayShards(bucket_, *day);
    EXPECT_TRUE(places.ok()) << places.status().ToString();
    auto shards = OpenShards(bucket_, *places, {}, &stats);
    EXPECT_TRUE(shards.ok()) << shards.status().ToString();
    EXPECT_EQ(shards->front()->columns().version, version);
    return ShardQueryable(*shards);
  }

  // A parquet-common shard of one series, up, and one data column.
  Result<std::vector<std::shared_ptr<const Shard>>> OpenOneCell(const std::string& cell) {
    std::string list;
    AppendColumnList(std::vector<uint32_t>{0}, &list);
    const columnar::KeyValues keys = {
        {"data_col_duration_ms", "10000"}, {"maxT", "9999"}, {"minT", "0"}};
    Write("o/0.labels.parquet", {"l___name__", "s_col_indexes"}, {{"up"}, {list}}, true, keys);
    Write("o/0.chunks.parquet", {"s_data_0"}, {{cell}}, false, keys);
    columnar::ReadStats stats;
    return OpenShards(bucket_, *FindShards(bucket_, "o/"), {}, &stats);
  }

  void ExpectDay(const ShardQueryable& source) {
    SelectRequest request;
    // The chunk that holds 09:00 stands in the column of 07:00.
    request.range = {kDay + 8 * kHourMs + 1, kDay + 12 * kHourMs};
    request.hints.sorted = true;
    const auto set = source.Select(request);
    ASSERT_TRUE(set.ok()) << set.status().ToString();
    ASSERT_EQ((*set)->series_count(), 2u);
    EXPECT_EQ((*set)->labels(0), (Labels{{"__name__", "up"}}));
    EXPECT_EQ((*set)->labels(1), (Labels{{"__name__", "up"}, {"pod", "a"}}));
    SeriesBatch batch;
    ASSERT_TRUE((*set)->Read(std::vector<uint32_t>{0, 1}, &batch).ok());
    EXPECT_EQ(batch.timestamps_ms,
              (std::vector<TimestampMs>{kDay + 9 * kHourMs, kDay + 10 * kHourMs}));
    EXPECT_EQ(batch.offsets, (std::vector<uint32_t>{0, 1, 2}));
    request.matchers = {Matcher::Equal("pod", "")};
    EXPECT_EQ((*source.Select(request))->series_count(), 1u);
    LabelRequest names;
    names.range = request.range;
    EXPECT_EQ(*source.LabelNames(names), (std::vector<std::string>{"__name__", "pod"}));
  }

  SimulatedFileSystem files_;
  LocalBucket bucket_;
};

TEST_F(DialectTest, ReadsTheProofOfConceptAtSlashDates) {
  WriteGateway("2023/11/15/", false);
  ExpectDay(OpenDay("2023/11/15/meta.pb", 0));
}

TEST_F(DialectTest, ReadsVersionOneWithoutHashes) {
  WriteGateway("0/2023-11-15/", true);
  ExpectDay(OpenDay("2023-11-15/meta.pb", 1));
}

TEST_F(DialectTest, MergesOverlappingRecordsOfACellByTime) {
  const CellFormat format = CellFormat::kVarint;
  const std::string cell = Chunk({{0, 1}, {1000, 2}, {3000, 4}}, format) +
                           Chunk({{1000, 20}, {2000, 3}, {4000, 5}}, format);
  const auto shards = OpenOneCell(cell);
  ASSERT_TRUE(shards.ok()) << shards.status().ToString();
  EXPECT_EQ(shards->front()->columns().version, 1);  // no hashes
  SelectRequest request;
  request.range = {kMinTimestampMs, kMaxTimestampMs};
  const auto set = ShardQueryable(*shards).Select(request);
  SeriesBatch batch;
  ASSERT_TRUE((*set)->Read(std::vector<uint32_t>{0}, &batch).ok());
  EXPECT_EQ(batch.timestamps_ms, (std::vector<TimestampMs>{0, 1000, 2000, 3000, 4000}));
  EXPECT_EQ(batch.values, (std::vector<double>{1, 20, 3, 4, 5}));
}

// The Go library joins overlapping blocks by appending one's samples after the other's, into one
// chunk: its own readers then hand out times that go back.
TEST_F(DialectTest, PutsSamplesOfAChunkInOrder) {
  const std::vector<TimestampMs> times = {0, 1000, 2000, 3000, 1000, 2000, 3000, 4000};
  const std::vector<double> values = {1, 2, 3, 4, 20, 30, 40, 50};
  std::string payload;
  EncodeXor(times, values, &payload);
  std::string cell;
  AppendCellChunk(CellFormat::kVarint, {ChunkEncoding::kXor, 0, 4000, payload}, &cell);
  const auto shards = OpenOneCell(cell);
  ASSERT_TRUE(shards.ok()) << shards.status().ToString();
  for (const auto& [range, first, last] :
       {std::tuple(TimeRange{kMinTimestampMs, kMaxTimestampMs}, 0, 4),
        std::tuple(TimeRange{500, 3500}, 1, 3), std::tuple(TimeRange{2000, 2000}, 2, 2)}) {
    std::vector<TimestampMs> wanted;
    for (int i = first; i <= last; ++i) wanted.push_back(i * 1000);
    SelectRequest request;
    request.range = range;
    const auto set = ShardQueryable(*shards).Select(request);
    SeriesBatch batch;
    ASSERT_TRUE((*set)->Read(std::vector<uint32_t>{0}, &batch).ok());
    EXPECT_EQ(batch.timestamps_ms, wanted);
    EXPECT_EQ(batch.values.front(), first == 0 ? 1 : 10 * (first + 1));  // the later one
    // Nor do they leave as they are.
    EncodedBatch encoded;
    ASSERT_TRUE((*set)->ReadEncoded(std::vector<uint32_t>{0}, &encoded).ok());
    SeriesBatch decoded;
    for (const EncodedChunk& chunk : encoded.chunks) {
      EXPECT_TRUE(range.Contains(chunk.min_ms) && range.Contains(chunk.max_ms));
      ASSERT_TRUE(DecodeChunk(chunk.encoding, chunk.bytes, range, &decoded).ok());
    }
    EXPECT_EQ(decoded.timestamps_ms, wanted);
    EXPECT_EQ(decoded.values, batch.values);
  }
}

TEST_F(DialectTest, RefusesFootersAtOddsWithTheColumns) {
  std::string list;
  AppendColumnList(std::vector<uint32_t>{0}, &list);
  for (const auto& [width, max] :
       {std::pair("10000", "10000"), std::pair("0", "9999"), std::pair("10000", "-1"),
        std::pair("1x", "9999"), std::pair("1", "9223372036854775807")}) {
    const columnar::KeyValues keys = {
        {"data_col_duration_ms", width}, {"maxT", max}, {"minT", "0"}};
    Write("f/0.labels.parquet", {"l___name__", "s_col_indexes"}, {{"up"}, {list}}, true, keys);
    Write("f/0.chunks.parquet", {"s_data_0"}, {{""}}, false, keys);
    columnar::ReadStats stats;
    EXPECT_EQ(OpenShards(bucket_, *FindShards(bucket_, "f/"), {}, &stats).status().code(),
              Code::kCorruption);
  }
}

TEST(GatewayDays, KnowTheirPaths) {
  EXPECT_EQ(FormatDate(kDay), "2023-11-15");
  EXPECT_EQ(*ParseDate("1969-12-31", '-'), -kDayMs);
  EXPECT_EQ(FormatDate(-kDayMs), "1969-12-31");
  for (int64_t day = -200'000; day < 200'000; day += 37) {
    if (day * kDayMs < *ParseDate("0001-01-01", '-')) continue;
    EXPECT_EQ(*ParseDate(FormatDate(day * kDayMs), '-'), day * kDayMs);
  }
  for (const std::string bad : {"2023-02-29", "2023-13-01", "2023-1-01", "2023-00-10", "x023-01-01",
                                "2023/01/01", "2023-01-32", "2023-04-31"}) {
    EXPECT_FALSE(ParseDate(bad, '-').ok()) << bad;
  }
  const auto day = ParseMetaKey("17/2023-11-15/meta.pb");
  ASSERT_TRUE(day.ok());
  EXPECT_EQ(day->data_path, "17/2023-11-15/");
  EXPECT_EQ(day->stream_key, "17/stream.pb");
  EXPECT_EQ(ParseMetaKey("2023-11-15/meta.pb")->data_path, "0/2023-11-15/");
  for (const std::string bad : {"meta.pb", "a/2023-11-15/meta.pb", "0/2023-11-15/meta.pb",
                                "017/2023-11-15/meta.pb", "17/2023/11/15/meta.pb"}) {
    EXPECT_FALSE(ParseMetaKey(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace thermocline::shards
