// Page selection: the reader fetches the pages that a question needs, and no others.
#include <gtest/gtest.h>

#include <algorithm>

#include "columnar/index_cache.h"
#include "columnar/sample_table.h"
#include "env/simulated/simulated_file_system.h"

namespace thermocline::columnar {
namespace {

constexpr uint32_t kPageRows = 128;

class ParquetReaderTest : public testing::Test {
 protected:
  void SetUp() override {
    FileWriterOptions options;
    options.page_rows = kPageRows;
    auto summary = WriteSampleTable(table_, SampleSchema(), options, 16 * kPageRows, {}, bucket_,
                                    "samples/a.parquet");
    ASSERT_TRUE(summary.ok()) << summary.status().ToString();
    summary_ = *summary;
    OpenOptions open;
    open.tail = summary_.tail;
    ReadStats stats;
    object_ = bucket_.Open("samples/a.parquet", summary_.size_bytes).value();
    reader_.emplace(FileReader::Open(object_, open, &stats).value());
    EXPECT_EQ(stats.requests, 1u);
    EXPECT_EQ(stats.bytes_read, summary_.tail.size_bytes);
  }

  std::vector<RowRange> PagesHolding(uint32_t column, const std::optional<std::string>& value) {
    std::vector<RowRange> rows;
    for (uint64_t row = 0; row < table_.rows; ++row) {
      if (table_.strings[column][row] != value) continue;
      const uint64_t first = row / kPageRows * kPageRows;
      rows.push_back({first, std::min<uint64_t>(kPageRows, table_.rows - first)});
    }
    return NormalizeRows(std::move(rows));
  }

  SimulatedFileSystem files_;
  LocalBucket bucket_{files_, "cold"};
  const SampleTable table_ = MakeSampleTable(8, 60, 200);
  FileSummary summary_;
  std::shared_ptr<const Object> object_;
  std::optional<FileReader> reader_;
};

TEST_F(ParquetReaderTest, EqualityReadsOnlyThePagesThatMayHoldTheValue) {
  const FileIndex& index = reader_->index();
  const std::string wanted = "metric_0007";
  const auto rows = index.RowsWhereString(kMetric, wanted, wanted);
  EXPECT_EQ(rows, PagesHolding(kMetric, wanted));
  const std::vector<FetchColumn> columns = {{kMetric, 0}, {kTime, 0}, {kValue, kStaleBits}};
  const auto before = bucket_.counters();
  ReadStats stats;
  auto plan = reader_->Plan(columns, rows, {.merge_gap_bytes = 0});
  ASSERT_TRUE(plan.ok());
  auto pages = reader_->Fetch(*plan, &stats);
  ASSERT_TRUE(pages.ok()) << pages.status().ToString();
  uint64_t asked = 0;
  for (const RowRange& range : rows) asked += (range.count + kPageRows - 1) / kPageRows;
  EXPECT_EQ((*pages)->page_count(), asked);
  EXPECT_EQ(stats.pages_read, 3 * asked);
  EXPECT_EQ(stats.pages_considered, 3 * index.page_count(0));
  EXPECT_EQ(stats.pages_skipped, stats.pages_considered - stats.pages_read);
  EXPECT_EQ(stats.bytes_read, plan->page_bytes);
  // What was counted is what the bucket was asked for.
  EXPECT_EQ(bucket_.counters().read_requests - before.read_requests, stats.requests);
  EXPECT_EQ(bucket_.counters().read_bytes - before.read_bytes, stats.bytes_read);
  EXPECT_LE(stats.requests, 6u);

  PageDecoder decoder;
  PageBatch batch;
  uint64_t found = 0;
  for (size_t i = 0; i < (*pages)->page_count(); ++i) {
    ASSERT_TRUE((*pages)->Decode(i, decoder, &batch).ok());
    EXPECT_EQ(batch.rows, (*pages)->page_rows(i));
    batch.columns[0].ForEachString([&](uint64_t row, uint64_t count, std::string_view value) {
      if (value != wanted) return;
      found += count;
      for (uint64_t k = row; k < row + count; ++k) {
        EXPECT_EQ(batch.columns[1].int64_values()[k], table_.int64s[kTime][batch.rows.first + k]);
      }
    });
  }
  EXPECT_EQ(found, 600u);  // three series of 200 samples
}

TEST_F(ParquetReaderTest, RangesPrefixesNullsAndTimesSelectPages) {
  const FileIndex& index = reader_->index();
  EXPECT_TRUE(index.RowsWhereString(kMetric, "metric_9", "metric_9").empty());
  EXPECT_TRUE(index.RowsWithPrefix(kMetric, "nothing").empty());
  EXPECT_EQ(index.RowsWithPrefix(kMetric, "metric_0007"), PagesHolding(kMetric, "metric_0007"));
  const std::vector<RowRange> all = {{0, table_.rows}};
  EXPECT_EQ(index.RowsWithPrefix(kMetric, "metric_00"), all);
  EXPECT_EQ(index.RowsWithPrefix(kMetric, ""), all);
  EXPECT_EQ(index.RowsWhereString(kMetric, "", "zzz"), all);
  EXPECT_TRUE(index.RowsWhereString(kNever, "", "zzz").empty());
  EXPECT_TRUE(index.RowsWherePresent(kNever).empty());
  EXPECT_EQ(index.RowsWhereNull(kNever), all);
  EXPECT_TRUE(index.RowsWhereNull(kTime).empty());
  EXPECT_EQ(index.RowsWhereNull(kPod), PagesHolding(kPod, std::nullopt));
  EXPECT_EQ(index.RowsWhereInt64(kTime, INT64_MIN, INT64_MAX), all);
  EXPECT_TRUE(index.RowsWhereInt64(kTime, 0, 1000).empty());
  // Pages without bounds cannot be excluded.
  EXPECT_EQ(index.RowsWhereString(kPacked, "a", "b"), all);
  for (const int64_t id : {table_.int64s[kSeriesId][0], table_.int64s[kSeriesId][5000]}) {
    const auto rows = index.RowsWhereInt64(kSeriesId, id, id);
    for (uint64_t row = 0; row < table_.rows; ++row) {
      if (table_.int64s[kSeriesId][row] != id) continue;
      EXPECT_TRUE(std::any_of(rows.begin(), rows.end(), [&](const RowRange& range) {
        return range.first <= row && row < range.end();
      }));
    }
  }
}

TEST_F(ParquetReaderTest, ReadRowsGivesExactlyTheRowsAskedFor) {
  const uint64_t seed = 99;
  std::mt19937_64 random(seed);
  const auto columns = SampleColumns();
  for (int round = 0; round < 50; ++round) {
    const uint64_t first = random() % table_.rows;
    const uint64_t count = random() % (table_.rows - first) % 700;
    const RowRange range{first, count};
    ReadStats stats;
    auto got = reader_->ReadRows(columns, {&range, 1}, {}, &stats);
    ASSERT_TRUE(got.ok()) << got.status().ToString();
    EXPECT_EQ(Difference(table_, first, count, *got), "") << "seed " << seed;
    const uint64_t pages = count == 0 ? 0 : (first + count - 1) / kPageRows - first / kPageRows + 1;
    EXPECT_EQ(stats.pages_read, pages * kSampleColumns);
  }
  const std::vector<RowRange> beyond = {{table_.rows - 1, 2}};
  ReadStats stats;
  EXPECT_EQ(reader_->ReadRows(columns, beyond, {}, &stats).status().code(), Code::kOutOfRange);
  const std::vector<RowRange> overlapping = {{10, 20}, {25, 3}};
  EXPECT_EQ(reader_->ReadRows(columns, overlapping, {}, &stats).status().code(), Code::kOutOfRange);
}

TEST_F(ParquetReaderTest, NearbyRangesAreReadAsOne) {
  const std::vector<FetchColumn> columns = {{kTime, 0}, {kValue, kStaleBits}};
  const std::vector<RowRange> rows = {{0, 1}, {5 * kPageRows, 1}, {90 * kPageRows, 1}};
  const auto apart = reader_->Plan(columns, rows, {.merge_gap_bytes = 0}).value();
  EXPECT_EQ(apart.requests.size(), 6u);
  const auto joined = reader_->Plan(columns, rows, {.merge_gap_bytes = 1 << 30}).value();
  EXPECT_EQ(joined.requests.size(), 1u);
  EXPECT_EQ(joined.page_bytes, apart.page_bytes);
  ReadStats few;
  ReadStats many;
  const auto a = reader_->Fetch(joined, &few).value();
  const auto b = reader_->Fetch(apart, &many).value();
  EXPECT_GT(few.bytes_read, many.bytes_read);
  PageDecoder decoder;
  PageBatch x;
  PageBatch y;
  for (size_t i = 0; i < 3; ++i) {
    ASSERT_TRUE(a->Decode(i, decoder, &x).ok());
    ASSERT_TRUE(b->Decode(i, decoder, &y).ok());
    EXPECT_EQ(x.columns[0].int64s, y.columns[0].int64s);
  }
  EXPECT_EQ(reader_->Plan(columns, rows, {.limit_bytes = 100}).status().code(),
            Code::kResourceExhausted);
  EXPECT_EQ(reader_->Plan({}, rows).status().code(), Code::kInvalidArgument);
  const std::vector<FetchColumn> outside = {{kSampleColumns, 0}};
  EXPECT_EQ(reader_->Plan(outside, rows).status().code(), Code::kInvalidArgument);
}

TEST_F(ParquetReaderTest, FootersAreFoundWithoutAManifestAndCheckedWithOne) {
  ReadStats stats;
  auto found = FileReader::Open(object_, {}, &stats);
  ASSERT_TRUE(found.ok());
  EXPECT_LE(stats.requests, 3u);
  EXPECT_EQ(found->index().rows(), table_.rows);
  OpenOptions open;
  open.tail = summary_.tail;
  open.tail->hash ^= 1;
  EXPECT_EQ(FileReader::Open(object_, open, &stats).status().code(), Code::kCorruption);
  open.tail = FileTail{summary_.size_bytes + 1, 0};
  EXPECT_EQ(FileReader::Open(object_, open, &stats).status().code(), Code::kCorruption);
}

TEST_F(ParquetReaderTest, ThreadsMayDecodeDifferentPagesAtOnceWithTheirOwnDecoders) {
  const auto columns = SampleColumns();
  const std::vector<RowRange> all = {{0, table_.rows}};
  ReadStats stats;
  const auto pages = reader_->Fetch(reader_->Plan(columns, all).value(), &stats).value();
  PageDecoder one;
  PageDecoder two;
  PageBatch a;
  PageBatch b;
  for (size_t i = 0; i + 1 < pages->page_count(); ++i) {
    ASSERT_TRUE(pages->Decode(i, one, &a).ok());
    ASSERT_TRUE(pages->Decode(i + 1, two, &b).ok());
    EXPECT_EQ(Difference(table_, a.rows.first, a.rows.count, a.columns), "");
    EXPECT_EQ(Difference(table_, b.rows.first, b.rows.count, b.columns), "");
  }
}

TEST_F(ParquetReaderTest, TheIndexCacheKeepsTheRecentlyUsedWithinItsBytes) {
  ReadStats stats;
  OpenOptions open;
  open.tail = summary_.tail;
  const auto index = FileReader::ReadIndex(*object_, open, &stats).value();
  EXPECT_GT(index->memory_bytes(), 1000u);
  EXPECT_LT(index->memory_bytes(), 4 * summary_.tail.size_bytes);
  FileIndexCache cache(index->memory_bytes() * 2);
  cache.Insert("a", index);
  cache.Insert("b", index);
  EXPECT_NE(cache.Find("a"), nullptr);
  cache.Insert("c", index);
  EXPECT_EQ(cache.Find("b"), nullptr);
  EXPECT_NE(cache.Find("a"), nullptr);
  EXPECT_NE(cache.Find("c"), nullptr);
  EXPECT_EQ(cache.size_bytes(), index->memory_bytes() * 2);
  cache.Insert("c", index);
  cache.Erase("a");
  EXPECT_EQ(cache.Find("a"), nullptr);
  EXPECT_EQ(cache.size_bytes(), index->memory_bytes());
  FileIndexCache tiny(10);
  tiny.Insert("a", index);
  EXPECT_EQ(tiny.Find("a"), nullptr);
}

TEST(RowRanges, IntersectAndNormalize) {
  const std::vector<RowRange> a = {{0, 10}, {20, 10}, {40, 5}};
  const std::vector<RowRange> b = {{5, 20}, {29, 1}, {44, 100}};
  const std::vector<RowRange> both = {{5, 5}, {20, 5}, {29, 1}, {44, 1}};
  EXPECT_EQ(IntersectRows(a, b), both);
  EXPECT_TRUE(IntersectRows(a, {}).empty());
  const std::vector<RowRange> joined = {{0, 12}, {20, 5}};
  EXPECT_EQ(NormalizeRows({{20, 5}, {5, 7}, {0, 5}, {6, 1}, {9, 0}}), joined);
}

}  // namespace
}  // namespace thermocline::columnar
