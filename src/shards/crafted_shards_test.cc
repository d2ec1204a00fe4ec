// Shards whose pages claim far more than they hold, with every checksum right: what reading them
// takes stays within README.md's bound.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <functional>
#include <numeric>

#include "base/child_peak.h"
#include "bucket/local_bucket.h"
#include "columnar/byte_arrays.h"
#include "columnar/delta.h"
#include "columnar/file_writer.h"
#include "columnar/hybrid.h"
#include "columnar/page_codec.h"
#include "env/simulated/simulated_file_system.h"
#include "shards/gateway_days.h"
#include "shards/shard_queryable.h"

namespace thermocline::shards {
namespace {

using columnar::ByteBuffer;
using columnar::ColumnEncoding;
using columnar::ColumnSpec;
using columnar::ColumnType;
using columnar::EncodedChunk;
using columnar::EncodedPage;
using columnar::EncodedRowGroup;
using columnar::PageEncoding;

constexpr TimeRange kAll{kMinTimestampMs, kMaxTimestampMs};
constexpr int64_t kFloorBytes = int64_t{96} << 20;
constexpr int64_t kBytesPerByte = 256;

ColumnSpec Column(const char* name, ColumnEncoding encoding, bool label) {
  ColumnSpec spec;
  spec.name = name;
  spec.type = label ? ColumnType::kString : ColumnType::kBytes;
  spec.encoding = encoding;
  spec.optional = label;
  spec.bounds = false;
  return spec;
}

std::span<const uint8_t> AsBytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// A page of these values, compressed, after the pages that `chunk` has.
void AddPage(PageEncoding encoding, uint32_t rows, std::span<const uint8_t> levels,
             std::span<const uint8_t> values, EncodedChunk* chunk) {
  auto compressor = columnar::PageCompressor::Make(3);
  EncodedPage page;
  page.encoding = encoding;
  page.rows = rows;
  page.level_bytes = static_cast<uint32_t>(levels.size());
  page.full_bytes = levels.size() + values.size();
  page.offset = chunk->bodies.size();
  page.compressed = true;
  page.bounds.emplace();
  chunk->bodies.Append(levels);
  ASSERT_TRUE((*compressor)->Compress(values, &chunk->bodies).ok());
  page.stored_bytes = chunk->bodies.size() - page.offset;
  chunk->rows += rows;
  chunk->pages.push_back(std::move(page));
}

// Rows that all hold the first entry of `dictionary` (PLAIN bytes).
EncodedChunk Labels(uint32_t rows, std::string_view dictionary, uint64_t values) {
  EncodedChunk chunk;
  chunk.has_dictionary = true;
  chunk.dictionary.Append(dictionary.data(), dictionary.size());
  chunk.dictionary_values = values;
  ByteBuffer levels;
  columnar::HybridEncoder level(1, &levels);
  level.Add(1, rows);
  level.Finish();
  ByteBuffer codes;
  codes.Push(1);
  columnar::HybridEncoder code(1, &codes);
  code.Add(0, rows);
  code.Finish();
  AddPage(PageEncoding::kRleDictionary, rows, levels.bytes(), codes.bytes(), &chunk);
  return chunk;
}

void AddCells(std::span<const std::string_view> cells, EncodedChunk* chunk) {
  ByteBuffer body;
  columnar::EncodeDeltaLengths(cells, &body);
  AddPage(PageEncoding::kDeltaLengthByteArray, static_cast<uint32_t>(cells.size()), {},
          body.bytes(), chunk);
}
EncodedChunk Cells(uint32_t rows, std::string_view cell) {
  EncodedChunk chunk;
  AddCells(std::vector<std::string_view>(rows, cell), &chunk);
  return chunk;
}
EncodedChunk FrontCoded(std::span<const std::string_view> values) {
  EncodedChunk chunk;
  ByteBuffer body;
  columnar::EncodeDeltaStrings(values, &body);
  AddPage(PageEncoding::kDeltaByteArray, static_cast<uint32_t>(values.size()), {}, body.bytes(),
          &chunk);
  return chunk;
}

constexpr std::string_view kUp("\2\0\0\0up", 6);
constexpr std::string_view kList("\2\0", 2);  // one label, leaf 0
constexpr std::string_view kChunk("\1\1\1\2\0\0", 6);

class CraftedShardsTest : public testing::Test {
 protected:
  void Write(const char* key, std::vector<ColumnSpec> columns, std::vector<EncodedChunk> chunks) {
    columnar::FileSchema schema;
    schema.columns = std::move(columns);
    columnar::FileWriterOptions options;
    auto sink = bucket_.NewWriter(key);
    auto writer = columnar::FileWriter::Open(sink->get(), schema, options);
    ASSERT_TRUE(writer.ok()) << writer.status().ToString();
    EncodedRowGroup group;
    group.rows = chunks[0].rows;
    group.chunks = std::move(chunks);
    const Status written = (*writer)->WriteRowGroup(group);
    ASSERT_TRUE(written.ok()) << written.ToString();
    ASSERT_TRUE(
        (*writer)
            ->Finish({{"data_col_duration_ms", "3600000"}, {"maxT", "3599999"}, {"minT", "0"}})
            .ok());
    ASSERT_TRUE((*sink)->Finish().ok());
  }

  void WriteLabels(EncodedChunk name, EncodedChunk lists) {
    Write("s/0.labels.parquet",
          {Column("l___name__", ColumnEncoding::kDictionary, true),
           Column("s_col_indexes", ColumnEncoding::kDeltaStrings, false)},
          [&] {
            std::vector<EncodedChunk> chunks(2);
            chunks[0] = std::move(name);
            chunks[1] = std::move(lists);
            return chunks;
          }());
  }
  void WriteChunks(EncodedChunk cells) {
    std::vector<EncodedChunk> chunks(1);
    chunks[0] = std::move(cells);
    Write("s/0.chunks.parquet", {Column("s_data_0", ColumnEncoding::kDeltaLengths, false)},
          std::move(chunks));
  }
  EncodedChunk Lists(uint32_t rows) {
    return FrontCoded(std::vector<std::string_view>(rows, kList));
  }

  Status ReadAll() {
    columnar::ReadStats stats;
    ASSIGN_OR_RETURN(const auto places, FindShards(bucket_, "s/"));
    ASSIGN_OR_RETURN(const auto shards, OpenShards(bucket_, places, {}, &stats));
    const ShardQueryable source(shards);
    SelectRequest request;
    request.range = kAll;
    ASSIGN_OR_RETURN(const auto set, source.Select(request));
    std::vector<uint32_t> series(std::min<size_t>(set->series_count(), 1024));
    std::iota(series.begin(), series.end(), 0u);
    EncodedBatch encoded;
    RETURN_IF_ERROR(set->ReadEncoded(series, &encoded));
    SeriesBatch batch;
    RETURN_IF_ERROR(set->Read(series, &batch));
    LabelRequest labels;
    labels.range = kAll;
    return source.LabelValues("__name__", labels).status();
  }

  // What reading everything takes is in proportion to the files. The answer is `code`.
  void ExpectBounded(Code code) {
    const Status status = ReadAll();
    EXPECT_EQ(status.code(), code) << status.ToString();
    int64_t size = 0;
    for (const char* key : {"s/0.labels.parquet", "s/0.chunks.parquet"}) {
      size += static_cast<int64_t>(bucket_.Get(key)->size());
    }
    const int64_t rise = PeakOfChild([&] { (void)ReadAll(); });
    std::printf("%ld bytes of files, %.1f MiB: %s\n", size, static_cast<double>(rise) / (1 << 20),
                status.ToString().c_str());
    EXPECT_GE(rise, 0) << "the child died";
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    EXPECT_LE(rise, kFloorBytes + kBytesPerByte * size);
#endif
  }

  SimulatedFileSystem files_;
  LocalBucket bucket_{files_, "/"};
};

TEST_F(CraftedShardsTest, HonestRowsAreRead) {
  WriteLabels(Labels(60'000, kUp, 1), Lists(60'000));
  WriteChunks(Cells(60'000, kChunk));
  ExpectBounded(Code::kOk);
}

TEST_F(CraftedShardsTest, ACellOf250MebibytesOfZeros) {
  WriteLabels(Labels(1, kUp, 1), Lists(1));
  WriteChunks(Cells(1, std::string(size_t{250} << 20, '\0')));
  ExpectBounded(Code::kCorruption);
}

TEST_F(CraftedShardsTest, OnePageOfMillionsOfRows) {
  for (const uint32_t rows : {1u << 20, 4u << 20, 16u << 20}) {
    WriteLabels(Labels(rows, kUp, 1), Lists(rows));
    WriteChunks(Cells(rows, ""));
    ExpectBounded(Code::kCorruption);
  }
}

TEST_F(CraftedShardsTest, ADictionaryOfOneHugeStringAndOneOfManyEmptyOnes) {
  std::string huge(size_t{200} << 20, 'x');
  const auto size = static_cast<uint32_t>(huge.size() - 4);
  std::memcpy(huge.data(), &size, 4);
  WriteLabels(Labels(1, huge, 1), Lists(1));
  WriteChunks(Cells(1, kChunk));
  ExpectBounded(Code::kCorruption);
  WriteLabels(Labels(1, std::string(size_t{80} << 20, '\0'), 20 << 20), Lists(1));
  ExpectBounded(Code::kCorruption);
}

TEST_F(CraftedShardsTest, ManyPagesOfLargeCellsThatParse) {
  constexpr uint32_t kRows = 300;
  constexpr size_t kSize = size_t{3} << 20;
  std::string cell("\1\1\1\x80\x80\xc0\1", 7);  // a chunk of 3 MiB
  cell.resize(cell.size() + kSize);
  EncodedChunk cells;
  for (uint32_t i = 0; i < kRows; ++i) AddCells(std::vector<std::string_view>{cell}, &cells);
  WriteLabels(Labels(kRows, kUp, 1), Lists(kRows));
  WriteChunks(std::move(cells));
  ExpectBounded(Code::kCorruption);
}

TEST_F(CraftedShardsTest, ACellOfChunksWithoutBytes) {
  std::string cell;
  while (cell.size() < (size_t{4} << 20) - 100) cell.append("\1\1\1\0", 4);
  WriteLabels(Labels(1, kUp, 1), Lists(1));
  WriteChunks(Cells(1, cell));
  ExpectBounded(Code::kCorruption);
}

TEST_F(CraftedShardsTest, ListsOfColumnsThatShareALongBeginning) {
  constexpr uint32_t kRows = 2000;
  std::vector<std::string> lists(kRows, std::string(100'000, 'x'));
  std::vector<std::string_view> views;
  for (uint32_t i = 0; i < kRows; ++i) {
    lists[i].back() = static_cast<char>(i % 2);
    views.push_back(lists[i]);
  }
  WriteLabels(Labels(kRows, kUp, 1), FrontCoded(views));
  WriteChunks(Cells(kRows, kChunk));
  ExpectBounded(Code::kCorruption);
}

TEST_F(CraftedShardsTest, AMetaOfMillionsOfShards) {
  const GatewayDay day = DayOf(0, 0);
  for (const int64_t shards : {int64_t{1} << 14, int64_t{1} << 20, int64_t{1} << 62}) {
    GatewayMeta meta;
    meta.max_ms = kDayMs;
    meta.shards = shards;
    ASSERT_TRUE(bucket_.Put(day.meta_key, EncodeGatewayMeta(meta)).ok());
    EXPECT_EQ(FindDayShards(bucket_, day).ok(), shards == int64_t{1} << 14);
    EXPECT_LE(PeakOfChild([&] { (void)FindDayShards(bucket_, day); }), kFloorBytes);
  }
}

}  // namespace
}  // namespace thermocline::shards
