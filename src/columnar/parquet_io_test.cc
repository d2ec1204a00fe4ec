// Round trips: what our writer wrote, read by our reader and by libparquet's own, is bit for bit
// what went in; and what libparquet's writer wrote, our reader reads.
#include <arrow/buffer.h>
#include <arrow/io/memory.h>
#include <gtest/gtest.h>
#include <parquet/column_writer.h>
#include <parquet/file_reader.h>
#include <parquet/file_writer.h>

#include <parquet/column_reader.h>

#include "columnar/parquet_schema.h"
#include "columnar/sample_table.h"
#include "env/simulated/simulated_file_system.h"

namespace thermocline::columnar {
namespace {

class ParquetIOTest : public testing::Test {
 protected:
  Result<std::vector<ColumnVector>> ReadAll(const std::string& key, const OpenOptions& options) {
    ASSIGN_OR_RETURN(std::shared_ptr<const Object> object, bucket_.Open(key));
    ASSIGN_OR_RETURN(const FileReader reader, FileReader::Open(object, options, &stats_));
    const RowRange all{0, reader.index().rows()};
    return reader.ReadRows(SampleColumns(), {&all, 1}, {}, &stats_);
  }

  SimulatedFileSystem files_;
  LocalBucket bucket_{files_, "cold"};
  ReadStats stats_;
};

std::unique_ptr<::parquet::ParquetFileReader> OpenStock(const std::string& bytes) {
  ::parquet::ReaderProperties properties;
  properties.set_page_checksum_verification(true);
  return ::parquet::ParquetFileReader::Open(
      std::make_shared<::arrow::io::BufferReader>(::arrow::Buffer::FromString(bytes)), properties);
}

// One column of all row groups through libparquet's typed reader: levels and dense values.
template <typename Reader, typename Visit>
void StockColumn(::parquet::ParquetFileReader& file, int column, bool optional, Visit&& visit) {
  for (int g = 0; g < file.metadata()->num_row_groups(); ++g) {
    const auto reader = file.RowGroup(g)->Column(column);
    auto* typed = static_cast<Reader*>(reader.get());
    while (typed->HasNext()) {
      int16_t levels[512];
      typename Reader::T values[512];
      int64_t got = 0;
      const int64_t rows =
          typed->ReadBatch(512, optional ? levels : nullptr, nullptr, values, &got);
      int64_t next = 0;
      for (int64_t i = 0; i < rows; ++i) {
        const bool null = optional && levels[i] == 0;
        visit(null ? nullptr : &values[next]);
        next += null ? 0 : 1;
      }
      ASSERT_EQ(next, got);
    }
  }
}

void ExpectStockReads(const SampleTable& table, const FileSchema& schema,
                      const std::string& bytes) {
  const auto file = OpenStock(bytes);
  ASSERT_EQ(file->metadata()->num_rows(), static_cast<int64_t>(table.rows));
  for (int column = 0; column < static_cast<int>(kSampleColumns); ++column) {
    SCOPED_TRACE(schema.columns[column].name);
    size_t row = 0;
    size_t wrong = 0;
    const bool optional = schema.columns[column].optional;
    if (column == kValue) {
      StockColumn<::parquet::DoubleReader>(*file, column, optional, [&](const double* value) {
        const auto wanted = std::bit_cast<uint64_t>(table.doubles[row++]);
        wrong += (value == nullptr ? kStaleBits : std::bit_cast<uint64_t>(*value)) != wanted;
      });
    } else if (!table.int64s[column].empty()) {
      StockColumn<::parquet::Int64Reader>(*file, column, optional, [&](const int64_t* value) {
        const int64_t null = static_cast<int64_t>(schema.columns[column].null_bits);
        wrong += (value == nullptr ? null : *value) != table.int64s[column][row++];
      });
    } else {
      StockColumn<::parquet::ByteArrayReader>(
          *file, column, optional, [&](const ::parquet::ByteArray* value) {
            const auto& wanted = table.strings[column][row++];
            wrong += wanted.has_value() != (value != nullptr) ||
                     (value != nullptr && std::string_view(*value) != *wanted);
          });
    }
    EXPECT_EQ(row, table.rows);
    EXPECT_EQ(wrong, 0u);
  }
}

TEST_F(ParquetIOTest, EveryTypeEncodingNullAndSpecialFloatRoundTripsForUsAndForLibparquet) {
  const SampleTable table = MakeSampleTable(1, 40, 300);
  FileWriterOptions options;
  options.page_rows = 512;
  for (const ColumnEncoding encoding :
       {ColumnEncoding::kPlain, ColumnEncoding::kSplit, ColumnEncoding::kSplitSampled,
        ColumnEncoding::kSplitSmallest}) {
    SCOPED_TRACE(static_cast<int>(encoding));
    const FileSchema schema = SampleSchema(encoding);
    auto summary = WriteSampleTable(table, schema, options, 5000, {}, bucket_, "a.parquet");
    ASSERT_TRUE(summary.ok()) << summary.status().ToString();
    OpenOptions open;
    open.tail = summary->tail;
    auto got = ReadAll("a.parquet", open);
    ASSERT_TRUE(got.ok()) << got.status().ToString();
    EXPECT_EQ(Difference(table, 0, table.rows, *got), "");
    ExpectStockReads(table, schema, bucket_.Get("a.parquet").value());
  }
}

TEST_F(ParquetIOTest, DictionariesAboveTheLimitBecomeFrontCodedAndPlain) {
  const SampleTable table = MakeSampleTable(2, 30, 100);
  FileWriterOptions options;
  options.page_rows = 256;
  options.dictionary_max_values = 2;
  const FileSchema schema = SampleSchema();
  auto summary = WriteSampleTable(table, schema, options, 1 << 20, {}, bucket_, "a.parquet");
  ASSERT_TRUE(summary.ok()) << summary.status().ToString();
  auto got = ReadAll("a.parquet", {});
  ASSERT_TRUE(got.ok()) << got.status().ToString();
  EXPECT_EQ(Difference(table, 0, table.rows, *got), "");
  ExpectStockReads(table, schema, bucket_.Get("a.parquet").value());
  std::shared_ptr<const Object> object = bucket_.Open("a.parquet").value();
  const FileReader reader = FileReader::Open(object, {}, &stats_).value();
  EXPECT_EQ(reader.index().schema().columns[kMetric].encoding, ColumnEncoding::kDeltaStrings);
  EXPECT_EQ(reader.index().schema().columns[kSeriesId].encoding, ColumnEncoding::kPlain);
}

TEST_F(ParquetIOTest, FilesOfOneRowAndOfNoRowsRoundTrip) {
  for (const size_t samples : {0, 1}) {
    const SampleTable table = MakeSampleTable(3, 1, samples);
    auto summary = WriteSampleTable(table, SampleSchema(), {}, 100, {}, bucket_, "a.parquet");
    ASSERT_TRUE(summary.ok()) << summary.status().ToString();
    EXPECT_EQ(summary->rows, samples);
    OpenOptions open;
    open.tail = summary->tail;
    auto got = ReadAll("a.parquet", open);
    ASSERT_TRUE(got.ok()) << got.status().ToString();
    EXPECT_EQ(Difference(table, 0, samples, *got), "");
    EXPECT_EQ(OpenStock(bucket_.Get("a.parquet").value())->metadata()->num_rows(),
              static_cast<int64_t>(samples));
  }
}

TEST_F(ParquetIOTest, RandomTablesRoundTrip) {
  const uint64_t seed = 20261121;
  std::mt19937_64 random(seed);
  for (int round = 0; round < 30; ++round) {
    const uint64_t table_seed = random();
    SCOPED_TRACE(testing::Message() << "seed " << seed << " table " << table_seed);
    const SampleTable table = MakeSampleTable(table_seed, random() % 20 + 1, random() % 400 + 1);
    FileWriterOptions options;
    options.page_rows = static_cast<uint32_t>(64 + random() % 1000);
    options.zstd_level = static_cast<int>(random() % 9 + 1);
    const uint64_t group_rows = options.page_rows * (1 + random() % 4);
    auto summary = WriteSampleTable(table, SampleSchema(), options, group_rows, {}, bucket_, "a");
    ASSERT_TRUE(summary.ok()) << summary.status().ToString();
    auto got = ReadAll("a", {});
    ASSERT_TRUE(got.ok()) << got.status().ToString();
    ASSERT_EQ(Difference(table, 0, table.rows, *got), "");
  }
}

TEST_F(ParquetIOTest, CompressedSizesAreSmallAndPrinted) {
  const SampleTable table = MakeSampleTable(4, 64, 2880);
  double sizes[2];
  for (const int level : {3, 9}) {
    FileWriterOptions options;
    options.zstd_level = level;
    auto summary =
        WriteSampleTable(table, SampleSchema(), options, 1 << 20, {}, bucket_, "a.parquet");
    ASSERT_TRUE(summary.ok());
    std::shared_ptr<const Object> object = bucket_.Open("a.parquet").value();
    const FileReader reader = FileReader::Open(object, {}, &stats_).value();
    const double rows = static_cast<double>(table.rows);
    printf("zstd %d: %.3f bytes a row;", level, static_cast<double>(summary->size_bytes) / rows);
    for (const uint32_t column : {kMetric, kPod, kNever, kSeriesId, kTime, kValue, kStart}) {
      printf(" %s %.4f", reader.index().schema().columns[column].name.c_str(),
             static_cast<double>(reader.index().column_bytes(column)) / rows);
    }
    printf("\n");
    // Runs: a label costs bytes per page, not per row.
    EXPECT_LT(static_cast<double>(reader.index().column_bytes(kMetric)) / rows, 0.02);
    EXPECT_LT(static_cast<double>(reader.index().column_bytes(kTime)) / rows, 0.4);
    sizes[level == 9] = static_cast<double>(summary->size_bytes);
  }
  EXPECT_LT(sizes[1], sizes[0] * 1.01);
}

// A file as stock writers make them: V1 or V2 pages, dictionaries with fallback, other codecs.
std::string StockFile(const SampleTable& table, bool v2, ::parquet::Compression::type codec) {
  FileSchema schema = SampleSchema();
  ::parquet::WriterProperties::Builder builder;
  builder.data_page_version(v2 ? ::parquet::ParquetDataPageVersion::V2
                               : ::parquet::ParquetDataPageVersion::V1);
  builder.compression(codec);
  builder.enable_write_page_index();
  builder.data_pagesize(2000);
  builder.dictionary_pagesize_limit(3000);
  builder.write_batch_size(64);
  auto sink = ::arrow::io::BufferOutputStream::Create().ValueOrDie();
  auto writer = ::parquet::ParquetFileWriter::Open(sink, ToParquet(schema), builder.build());
  auto* group = writer->AppendRowGroup();
  std::vector<int16_t> levels(table.rows);
  for (uint32_t column = 0; column < kSampleColumns; ++column) {
    auto* next = group->NextColumn();
    const int64_t rows = static_cast<int64_t>(table.rows);
    if (column == kValue) {
      std::vector<double> values;
      for (size_t i = 0; i < table.rows; ++i) {
        levels[i] = std::bit_cast<uint64_t>(table.doubles[i]) != kStaleBits;
        if (levels[i] == 1) values.push_back(table.doubles[i]);
      }
      static_cast<::parquet::DoubleWriter*>(next)->WriteBatch(rows, levels.data(), nullptr,
                                                              values.data());
    } else if (!table.int64s[column].empty()) {
      std::vector<int64_t> values;
      for (size_t i = 0; i < table.rows; ++i) {
        const int64_t value = table.int64s[column][i];
        levels[i] = column != kStart || value != static_cast<int64_t>(kNoStart);
        if (levels[i] == 1) values.push_back(value);
      }
      static_cast<::parquet::Int64Writer*>(next)->WriteBatch(rows, levels.data(), nullptr,
                                                             values.data());
    } else {
      std::vector<::parquet::ByteArray> values;
      for (size_t i = 0; i < table.rows; ++i) {
        const auto& value = table.strings[column][i];
        levels[i] = value.has_value();
        if (value) values.emplace_back(std::string_view(*value));
      }
      static_cast<::parquet::ByteArrayWriter*>(next)->WriteBatch(rows, levels.data(), nullptr,
                                                                 values.data());
    }
  }
  writer->Close();
  return sink->Finish().ValueOrDie()->ToString();
}

TEST_F(ParquetIOTest, FilesOfTheStockWriterAreReadWhatEverTheirPages) {
  const SampleTable table = MakeSampleTable(5, 20, 150);
  for (const bool v2 : {false, true}) {
    for (const auto codec : {::parquet::Compression::UNCOMPRESSED, ::parquet::Compression::SNAPPY,
                             ::parquet::Compression::GZIP, ::parquet::Compression::ZSTD}) {
      SCOPED_TRACE(testing::Message() << "v2 " << v2 << " codec " << codec);
      files_.PutFile("cold/stock", StockFile(table, v2, codec));
      auto got = ReadAll("stock", {});
      ASSERT_TRUE(got.ok()) << got.status().ToString();
      EXPECT_EQ(Difference(table, 0, table.rows, *got), "");
    }
  }
}

}  // namespace
}  // namespace thermocline::columnar
