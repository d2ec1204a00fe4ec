// What the bytes of a written file look like to anybody.
#include <arrow/buffer.h>
#include <arrow/io/memory.h>
#include <arrow/util/key_value_metadata.h>
#include <gtest/gtest.h>
#include <parquet/bloom_filter.h>
#include <parquet/bloom_filter_reader.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <parquet/page_index.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/hash.h"
#include "columnar/crc32.h"
#include "columnar/page_header.h"
#include "columnar/sample_table.h"
#include "env/simulated/simulated_file_system.h"

namespace thermocline::columnar {
namespace {

constexpr uint32_t kPageRows = 128;
constexpr uint64_t kGroupRows = 1024;

class ParquetWriterTest : public testing::Test {
 protected:
  void SetUp() override {
    FileWriterOptions options;
    options.page_rows = kPageRows;
    options.created_by = "thermocline test";
    auto summary = WriteSampleTable(table_, SampleSchema(), options, kGroupRows,
                                    {{"thermocline.label_columns", "{\"a\":1}"}}, bucket_, "a");
    ASSERT_TRUE(summary.ok()) << summary.status().ToString();
    summary_ = *summary;
    bytes_ = bucket_.Get("a").value();
    stock_ = ::parquet::ParquetFileReader::Open(
        std::make_shared<::arrow::io::BufferReader>(::arrow::Buffer::FromString(bytes_)));
    index_ = FileReader::ParseIndex(bytes_, bytes_.size(), "a").value();
  }

  SimulatedFileSystem files_;
  LocalBucket bucket_{files_, "cold"};
  const SampleTable table_ = MakeSampleTable(6, 24, 250);
  FileSummary summary_;
  std::string bytes_;
  std::unique_ptr<::parquet::ParquetFileReader> stock_;
  std::shared_ptr<const FileIndex> index_;
};

TEST_F(ParquetWriterTest, BeginsAndEndsWithTheMagicAndSumsUpWhatItWrote) {
  EXPECT_EQ(bytes_.substr(0, 4), "PAR1");
  EXPECT_EQ(bytes_.substr(bytes_.size() - 4), "PAR1");
  EXPECT_EQ(summary_.size_bytes, bytes_.size());
  EXPECT_EQ(summary_.rows, table_.rows);
  EXPECT_EQ(summary_.row_groups, (table_.rows + kGroupRows - 1) / kGroupRows);
  EXPECT_EQ(summary_.file_hash, Hash64(bytes_));
  const std::string tail = bytes_.substr(bytes_.size() - summary_.tail.size_bytes);
  EXPECT_EQ(summary_.tail.hash, Hash64(tail));
}

TEST_F(ParquetWriterTest, PagesAreCutAtTheSameRowInEveryColumn) {
  EXPECT_TRUE(index_->aligned());
  const size_t pages = index_->page_count(0);
  uint64_t next = 0;
  for (size_t i = 0; i < pages; ++i) {
    const PageInfo first = index_->page(0, i);
    EXPECT_EQ(first.first_row, next);
    EXPECT_EQ((first.first_row - first.row_group * kGroupRows) % kPageRows, 0u);
    next += first.row_count;
    const bool last_of_group = next % kGroupRows == 0 || next == table_.rows;
    EXPECT_TRUE(first.row_count == kPageRows || last_of_group);
    for (uint32_t column = 1; column < kSampleColumns; ++column) {
      ASSERT_EQ(index_->page_count(column), pages);
      EXPECT_EQ(index_->page(column, i).first_row, first.first_row);
      EXPECT_EQ(index_->page(column, i).row_count, first.row_count);
    }
  }
  EXPECT_EQ(next, table_.rows);
}

TEST_F(ParquetWriterTest, ColumnsOfRunsMayHaveLargerPagesThanTheOthers) {
  FileSchema schema = SampleSchema();
  for (const SampleColumn column : {kPod, kNever, kSeriesId}) {
    schema.columns[column].run_page_rows = kGroupRows;
  }
  FileWriterOptions options;
  options.page_rows = kPageRows;
  const auto summary = WriteSampleTable(table_, schema, options, kGroupRows, {}, bucket_, "b");
  ASSERT_TRUE(summary.ok()) << summary.status().ToString();
  EXPECT_LT(summary->size_bytes, bytes_.size());
  ReadStats stats;
  const auto reader = FileReader::Open(bucket_.Open("b").value(), {}, &stats);
  ASSERT_TRUE(reader.ok()) << reader.status().ToString();
  const FileIndex& index = reader->index();
  EXPECT_FALSE(index.aligned());
  EXPECT_TRUE(index.CutAlike(kTime, kValue));
  EXPECT_TRUE(index.CutAlike(kPod, kSeriesId));
  EXPECT_FALSE(index.CutAlike(kPod, kTime));
  EXPECT_EQ(index.page_count(kTime), index_->page_count(kTime));
  EXPECT_EQ(index.page_count(kPod), summary->row_groups);
  EXPECT_EQ(index.page_count(kNever), summary->row_groups);
  const RowRange part{kGroupRows - 10, kGroupRows + 20};
  EXPECT_TRUE(reader->Plan(std::vector<FetchColumn>{{kTime}, {kValue}}, {&part, 1}).ok());
  EXPECT_TRUE(reader->Plan(std::vector<FetchColumn>{{kPod}, {kSeriesId}}, {&part, 1}).ok());
  EXPECT_EQ(reader->Plan(std::vector<FetchColumn>{{kTime}, {kPod}}, {&part, 1}).status().code(),
            Code::kUnimplemented);
  for (const RowRange& rows : {RowRange{0, table_.rows}, part, RowRange{77, 1}}) {
    const auto got = reader->ReadRows(SampleColumns(), {&rows, 1}, {}, &stats);
    ASSERT_TRUE(got.ok()) << got.status().ToString();
    EXPECT_EQ(Difference(table_, rows.first, rows.count, *got), "");
  }
  schema.columns[kPod].run_page_rows = (1 << 20) + 1;
  EXPECT_EQ(schema.Validate().code(), Code::kInvalidArgument);
}

TEST_F(ParquetWriterTest, FooterDeclaresSortingKeysAndCreator) {
  const auto metadata = stock_->metadata();
  EXPECT_EQ(metadata->created_by(), "thermocline test");
  EXPECT_EQ(metadata->key_value_metadata()->Get("thermocline.label_columns").ValueOrDie(),
            "{\"a\":1}");
  for (int g = 0; g < metadata->num_row_groups(); ++g) {
    const auto sorting = metadata->RowGroup(g)->sorting_columns();
    ASSERT_EQ(sorting.size(), 2u);
    EXPECT_EQ(sorting[0].column_idx, static_cast<int>(kMetric));
    EXPECT_EQ(sorting[1].column_idx, static_cast<int>(kSeriesId));
    EXPECT_TRUE(sorting[0].nulls_first && !sorting[0].descending);
  }
}

TEST_F(ParquetWriterTest, EveryPageHasARightChecksumAndNoNeedlessCompression) {
  for (uint32_t column = 0; column < kSampleColumns; ++column) {
    for (size_t i = 0; i < index_->page_count(column); ++i) {
      const PageInfo info = index_->page(column, i);
      const auto* at = reinterpret_cast<const uint8_t*>(bytes_.data() + info.offset);
      PageHeader header;
      ASSERT_TRUE(ParsePageHeader({at, info.size_bytes}, &header));
      EXPECT_EQ(header.kind, PageKind::kDataV2);
      EXPECT_TRUE(header.has_crc);
      EXPECT_EQ(header.crc, Crc32Portable({at + header.header_bytes, header.body_bytes}));
      EXPECT_EQ(header.header_bytes + header.body_bytes, info.size_bytes);
      EXPECT_EQ(header.compressed, header.body_bytes < header.full_bytes);
      EXPECT_FALSE(header.full_bytes < 128 && header.compressed);
    }
  }
}

TEST_F(ParquetWriterTest, RunsCostBytesPerPageNotPerRow) {
  for (size_t i = 0; i < index_->page_count(kMetric); ++i) {
    EXPECT_LT(index_->page(kMetric, i).size_bytes, 64u);
    EXPECT_LT(index_->page(kNever, i).size_bytes, 45u);
    EXPECT_TRUE(index_->page(kNever, i).all_null);
  }
}

TEST_F(ParquetWriterTest, EveryChunkHasAPageIndexUnlessItsColumnWantsNoBounds) {
  const auto pages = stock_->GetPageIndexReader();
  for (int g = 0; g < stock_->metadata()->num_row_groups(); ++g) {
    const auto group = pages->RowGroup(g);
    for (int column = 0; column < static_cast<int>(kSampleColumns); ++column) {
      EXPECT_EQ(group->GetColumnIndex(column) != nullptr, column != static_cast<int>(kPacked));
      EXPECT_NE(group->GetOffsetIndex(column), nullptr);
    }
  }
}

TEST_F(ParquetWriterTest, BoundsOfDoublesHoldTheirPagesAlsoWhereThereIsOnlyNaN) {
  const auto pages = stock_->GetPageIndexReader();
  size_t nan_pages = 0;
  for (int g = 0; g < stock_->metadata()->num_row_groups(); ++g) {
    const auto bounds = pages->RowGroup(g)->GetColumnIndex(kValue);
    const auto& typed = static_cast<const ::parquet::DoubleColumnIndex&>(*bounds);
    for (size_t page = 0; page < typed.null_pages().size(); ++page) {
      if (typed.null_pages()[page]) continue;
      const double min = typed.min_values()[page];
      const double max = typed.max_values()[page];
      const size_t first = static_cast<size_t>(g) * kGroupRows + page * kPageRows;
      bool any = false;
      for (size_t row = first; row < std::min(first + kPageRows, table_.rows); ++row) {
        const double value = table_.doubles[row];
        if (std::isnan(value)) continue;
        any = true;
        EXPECT_TRUE(min <= value && value <= max) << page;
      }
      if (!any) {
        ++nan_pages;
        EXPECT_EQ(min, -std::numeric_limits<double>::infinity());
        EXPECT_EQ(max, std::numeric_limits<double>::infinity());
      }
      EXPECT_TRUE(min != 0 || std::signbit(min));
      EXPECT_TRUE(max != 0 || !std::signbit(max));
    }
  }
  EXPECT_GT(nan_pages, 0u);
}

TEST_F(ParquetWriterTest, NullPagesAreWrittenAsZeroAndOne) {
  const auto metadata = stock_->metadata();
  size_t lists = 0;
  for (int column = 0; column < metadata->num_columns(); ++column) {
    const auto place = metadata->RowGroup(0)->ColumnChunk(column)->GetColumnIndexLocation();
    if (!place) continue;
    const auto* at = reinterpret_cast<const uint8_t*>(bytes_.data() + place->offset);
    ASSERT_EQ(at[0], 0x19);
    const size_t count = at[1] >> 4;
    ASSERT_EQ(count, kGroupRows / kPageRows);
    for (size_t i = 0; i < count; ++i) EXPECT_LE(at[2 + i], 1) << column;
    ++lists;
  }
  EXPECT_EQ(lists, kSampleColumns - 1u);
}

TEST_F(ParquetWriterTest, BloomFiltersFindEveryValue) {
  const auto group = stock_->GetBloomFilterReader().RowGroup(0);
  const auto bloom = group->GetColumnBloomFilter(kPod);
  ASSERT_NE(bloom, nullptr);
  EXPECT_EQ(group->GetColumnBloomFilter(kMetric), nullptr);
  for (size_t row = 0; row < kGroupRows; ++row) {
    const auto& value = table_.strings[kPod][row];
    EXPECT_TRUE(!value || bloom->FindHash(bloom->Hash(std::string_view(*value))));
  }
  EXPECT_FALSE(bloom->FindHash(bloom->Hash(std::string_view("no such pod"))));
}

TEST_F(ParquetWriterTest, MisuseIsAnErrorAndNothingIsPublished) {
  const auto fresh = [&](ObjectWriter* sink) {
    auto writer = FileWriter::Open(sink, SampleSchema(), {});
    EXPECT_TRUE(writer.ok());
    return std::move(*writer);
  };
  const std::vector<int64_t> one = {1};
  const std::vector<CodeRun> runs = {{0, 1}};
  const std::vector<std::string_view> dictionary = {"x"};
  {
    auto sink = bucket_.NewWriter("b").value();
    auto writer = fresh(sink.get());
    EXPECT_EQ(writer->WriteInt64(0, one).code(), Code::kInvalidArgument);  // no row group
    EXPECT_EQ(writer->EndRowGroup().code(), Code::kInvalidArgument);
  }
  {
    auto sink = bucket_.NewWriter("b").value();
    auto writer = fresh(sink.get());
    EXPECT_EQ(writer->BeginRowGroup(0).code(), Code::kInvalidArgument);
    ASSERT_TRUE(writer->BeginRowGroup(1).ok());
    const std::vector<CodeRun> outside = {{1, 1}};
    const std::vector<CodeRun> long_runs = {{0, 2}};
    EXPECT_EQ(writer->WriteStringRuns(0, dictionary, outside).code(), Code::kInvalidArgument);
    EXPECT_EQ(writer->WriteStringRuns(0, dictionary, long_runs).code(), Code::kInvalidArgument);
    ASSERT_TRUE(writer->WriteStringRuns(0, dictionary, runs).ok());
    EXPECT_EQ(writer->WriteStringRuns(0, dictionary, runs).code(), Code::kInvalidArgument);
    EXPECT_EQ(writer->Finish({}).status().code(), Code::kInvalidArgument);
  }
  {
    auto sink = bucket_.NewWriter("b").value();
    auto writer = fresh(sink.get());
    EXPECT_EQ(writer->Finish({{"thermocline.page_plain", "x"}}).status().code(),
              Code::kInvalidArgument);
  }
  FileSchema twice = SampleSchema();
  twice.columns[1].name = twice.columns[0].name;
  auto sink = bucket_.NewWriter("b").value();
  EXPECT_EQ(FileWriter::Open(sink.get(), twice, {}).status().code(), Code::kInvalidArgument);
  FileWriterOptions bad;
  bad.zstd_level = 40;
  EXPECT_EQ(FileWriter::Open(sink.get(), SampleSchema(), bad).status().code(),
            Code::kInvalidArgument);
  sink.reset();
  EXPECT_EQ(bucket_.Get("b").status().code(), Code::kNotFound);
}

TEST_F(ParquetWriterTest, AFullDiskComesBackWithItsOwnCode) {
  files_.SetCapacity(bytes_.size() + 20000);
  const SampleTable big = MakeSampleTable(7, 200, 500);
  const auto summary = WriteSampleTable(big, SampleSchema(), {}, 1 << 14, {}, bucket_, "big");
  EXPECT_EQ(summary.status().code(), Code::kResourceExhausted) << summary.status().ToString();
  EXPECT_EQ(files_.TakeImage().size(), 1u);
}

TEST_F(ParquetWriterTest, TheSameRowsGiveTheSameBytes) {
  FileWriterOptions options;
  options.page_rows = kPageRows;
  options.created_by = "thermocline test";
  auto again = WriteSampleTable(table_, SampleSchema(), options, kGroupRows,
                                {{"thermocline.label_columns", "{\"a\":1}"}}, bucket_, "again");
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->file_hash, summary_.file_hash);
}

}  // namespace
}  // namespace thermocline::columnar
