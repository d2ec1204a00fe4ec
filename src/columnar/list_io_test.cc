// Groups and lists: what our writer wrote, read by our reader, by libparquet's and by Arrow's, is
// what went in; and what Arrow wrote, our reader reads.
#include <arrow/api.h>
#include <arrow/io/memory.h>
#include <gtest/gtest.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/writer.h>
#include <parquet/column_reader.h>
#include <parquet/file_reader.h>

#include <bit>
#include <functional>
#include <random>

#include "columnar/delta.h"
#include "columnar/hybrid.h"
#include "columnar/list_levels.h"
#include "columnar/list_table.h"
#include "columnar/parquet_schema.h"
#include "env/simulated/simulated_file_system.h"

namespace thermocline::columnar {
namespace {

constexpr uint32_t kPageRows = 64;

class ListIOTest : public testing::Test {
 protected:
  void SetUp() override {
    FileWriterOptions options;
    options.page_rows = kPageRows;
    auto summary = WriteListTable(table_, options, 700, bucket_, "a");
    ASSERT_TRUE(summary.ok()) << summary.status().ToString();
    summary_ = *summary;
    bytes_ = bucket_.Get("a").value();
    OpenOptions open;
    open.tail = summary_.tail;
    reader_.emplace(FileReader::Open(bucket_.Open("a").value(), open, &stats_).value());
  }

  SimulatedFileSystem files_;
  LocalBucket bucket_{files_, "cold"};
  const ListTable table_ = MakeListTable(3, 2500);
  FileSummary summary_;
  std::string bytes_;
  ReadStats stats_;
  std::optional<FileReader> reader_;
};

std::shared_ptr<::arrow::io::BufferReader> Stream(const std::string& bytes) {
  return std::make_shared<::arrow::io::BufferReader>(::arrow::Buffer::FromString(bytes));
}

TEST_F(ListIOTest, AllRowsComeBack) {
  const RowRange all{0, table_.rows};
  auto got = reader_->ReadRows(ListColumns(), {&all, 1}, {}, &stats_);
  ASSERT_TRUE(got.ok()) << got.status().ToString();
  EXPECT_EQ(Difference(table_, 0, table_.rows, *got), "");
}

TEST_F(ListIOTest, AnyRangesOfRowsComeBack) {
  const uint64_t seed = 12;
  std::mt19937_64 random(seed);
  for (int round = 0; round < 200; ++round) {
    SCOPED_TRACE(testing::Message() << "seed " << seed << " round " << round);
    const uint64_t first = random() % table_.rows;
    const uint64_t count = std::min<uint64_t>(random() % 300, table_.rows - first);
    const RowRange range{first, count};
    auto got = reader_->ReadRows(ListColumns(), {&range, 1}, {}, &stats_);
    ASSERT_TRUE(got.ok()) << got.status().ToString();
    ASSERT_EQ(Difference(table_, first, count, *got), "");
  }
}

TEST_F(ListIOTest, TheSchemaAndTheIndexTellOfLists) {
  const FileIndex& index = reader_->index();
  const FileSchema wanted = ListSchema();
  ASSERT_EQ(index.schema().columns.size(), wanted.columns.size());
  for (uint32_t c = 0; c < kListColumns; ++c) {
    EXPECT_EQ(index.schema().columns[c].path(), wanted.columns[c].path());
    EXPECT_EQ(index.schema().columns[c].groups, wanted.columns[c].groups);
    EXPECT_EQ(index.schema().columns[c].list, wanted.columns[c].list);
    EXPECT_EQ(index.schema().columns[c].type, wanted.columns[c].type);
    EXPECT_EQ(index.schema().columns[c].optional, wanted.columns[c].optional);
    EXPECT_EQ(index.schema().Find(wanted.columns[c].path()), c);
  }
  EXPECT_EQ(index.schema().Find("histogram.spans.list.element.offset"), kSpanOffset);
  EXPECT_EQ(index.schema().Find("bounds.list.element"), kListBounds);
  EXPECT_EQ(index.schema().Find("offset"), std::nullopt);
  EXPECT_TRUE(index.aligned());
  for (uint32_t c = 0; c < kListColumns; ++c) {
    const auto& offsets = table_.columns[c].offsets;
    // Without bounds there is no column index, and nothing is known of the pages.
    if (offsets.empty() || c == kListDeep) continue;
    std::vector<RowRange> present;
    for (size_t i = 0; i < index.page_count(c); ++i) {
      const PageInfo page = index.page(c, i);
      uint32_t empty = 0;
      for (uint64_t row = page.first_row; row < page.first_row + page.row_count; ++row) {
        empty += offsets[row] == offsets[row + 1] ? 1 : 0;
      }
      EXPECT_EQ(page.null_count, empty);
      EXPECT_EQ(page.all_null, empty == page.row_count);
      if (!page.all_null) present.push_back({page.first_row, page.row_count});
    }
    EXPECT_EQ(index.RowsWherePresent(c), NormalizeRows(present));
    EXPECT_TRUE(index.RowsWhereNull(c).empty());
  }
  EXPECT_TRUE(index.RowsWherePresent(kListEmpty).empty());
  EXPECT_TRUE(index.RowsWhereInt64(kSpanOffset, 5000, 6000).empty());
  EXPECT_EQ(index.RowsWhereInt64(kSpanOffset, -300, 700), index.RowsWherePresent(kSpanOffset));
}

TEST_F(ListIOTest, PagesAreDecodedTogetherAndABatchIsUsedAgain) {
  const RowRange rows{100, 700};
  auto plan = reader_->Plan(ListColumns(), {&rows, 1}, {});
  ASSERT_TRUE(plan.ok()) << plan.status().ToString();
  auto pages = reader_->Fetch(*plan, &stats_);
  ASSERT_TRUE(pages.ok()) << pages.status().ToString();
  PageDecoder decoder;
  PageBatch batch;
  for (size_t i = (*pages)->page_count(); i-- > 0;) {
    ASSERT_TRUE((*pages)->Decode(i, decoder, &batch).ok());
    EXPECT_EQ(Difference(table_, batch.rows.first, batch.rows.count, batch.columns), "");
  }
  // The column of a batch may be of another kind the next time.
  std::vector<FetchColumn> turned = ListColumns();
  std::reverse(turned.begin(), turned.end());
  auto other = reader_->Fetch(reader_->Plan(turned, {&rows, 1}, {}).value(), &stats_);
  ASSERT_TRUE((*other)->Decode(1, decoder, &batch).ok());
  std::reverse(batch.columns.begin(), batch.columns.end());
  EXPECT_EQ(Difference(table_, batch.rows.first, batch.rows.count, batch.columns), "");
}

// Rows of one list column through libparquet's typed reader.
template <typename Reader>
void ExpectStockLists(::parquet::ParquetFileReader& file, int column,
                      const std::vector<uint32_t>& offsets,
                      const std::vector<typename Reader::T>& values) {
  std::vector<uint32_t> got_offsets;
  std::vector<typename Reader::T> got;
  for (int g = 0; g < file.metadata()->num_row_groups(); ++g) {
    const auto reader = file.RowGroup(g)->Column(column);
    auto* typed = static_cast<Reader*>(reader.get());
    while (typed->HasNext()) {
      int16_t definition[512];
      int16_t repetition[512];
      typename Reader::T batch[512];
      int64_t count = 0;
      const int64_t entries = typed->ReadBatch(512, definition, repetition, batch, &count);
      size_t elements = got.size();
      for (int64_t i = 0; i < entries; ++i) {
        if (repetition[i] == 0) got_offsets.push_back(static_cast<uint32_t>(elements));
        elements += definition[i] == 1 ? 1 : 0;
      }
      got.insert(got.end(), batch, batch + count);
      ASSERT_EQ(got.size(), elements);
    }
  }
  got_offsets.push_back(static_cast<uint32_t>(got.size()));
  EXPECT_EQ(got_offsets, offsets);
  ASSERT_EQ(got.size(), values.size());
  EXPECT_TRUE(got.empty() || std::memcmp(got.data(), values.data(), 8 * got.size()) == 0);
}

TEST_F(ListIOTest, LibparquetReadsEveryListColumn) {
  ::parquet::ReaderProperties properties;
  properties.set_page_checksum_verification(true);
  const auto file = ::parquet::ParquetFileReader::Open(Stream(bytes_), properties);
  for (const int c : {kSpanOffset, kSpanLength, kListCounts, kListEmpty}) {
    SCOPED_TRACE(c);
    ExpectStockLists<::parquet::Int64Reader>(*file, c, table_.columns[c].offsets,
                                             table_.columns[c].int64s);
  }
  for (const int c : {kListBounds, kListDeep}) {
    SCOPED_TRACE(c);
    ExpectStockLists<::parquet::DoubleReader>(*file, c, table_.columns[c].offsets,
                                              table_.columns[c].doubles);
  }
}

TEST_F(ListIOTest, ArrowSeesStructsAndLists) {
  auto opened = ::parquet::arrow::OpenFile(Stream(bytes_), ::arrow::default_memory_pool());
  ASSERT_TRUE(opened.ok()) << opened.status().ToString();
  auto read = (*opened)->ReadTable();
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  const std::shared_ptr<::arrow::Table> table = *read;
  ASSERT_EQ(table->num_rows(), static_cast<int64_t>(table_.rows));
  const auto histogram = table->schema()->GetFieldByName("histogram")->type();
  EXPECT_EQ(histogram->ToString(),
            "struct<schema: int64 not null, zero: double, spans: list<element: struct<offset: "
            "int64 not null, length: int64 not null> not null> not null, counts: list<element: "
            "int64 not null> not null, empty: list<element: int64 not null> not null>");
  const auto& bounds = table_.columns[kListBounds];
  int64_t row = 0;
  for (const auto& chunk : table->GetColumnByName("bounds")->chunks()) {
    const auto& lists = static_cast<const ::arrow::ListArray&>(*chunk);
    for (int64_t i = 0; i < lists.length(); ++i, ++row) {
      const size_t at = static_cast<size_t>(row);
      ASSERT_EQ(static_cast<uint32_t>(lists.value_length(i)),
                bounds.offsets[at + 1] - bounds.offsets[at]);
    }
  }
  EXPECT_TRUE(table->ValidateFull().ok());
}

// A table as Arrow writes it: spans: struct<list<struct<offset, length>>>, counts: list<double>.
std::string WriteWithArrow(const ListTable& table, const ::parquet::WriterProperties& properties) {
  const auto rows = static_cast<int64_t>(table.rows);
  const auto int64_array = [](const std::vector<int64_t>& values) {
    ::arrow::Int64Builder builder;
    EXPECT_TRUE(builder.AppendValues(values).ok());
    return builder.Finish().ValueOrDie();
  };
  const auto offsets = [](const ListTable::Column& column) {
    return ::arrow::Buffer::FromVector(
        std::vector<int32_t>(column.offsets.begin(), column.offsets.end()));
  };
  const auto& spans = table.columns[kSpanOffset];
  const auto element = ::arrow::struct_({::arrow::field("offset", ::arrow::int64(), false),
                                         ::arrow::field("length", ::arrow::int64(), false)});
  const auto structs = std::make_shared<::arrow::StructArray>(
      element, static_cast<int64_t>(spans.int64s.size()),
      ::arrow::ArrayVector{int64_array(spans.int64s),
                           int64_array(table.columns[kSpanLength].int64s)});
  const auto span_type = ::arrow::list(::arrow::field("element", element, false));
  const auto lists = std::make_shared<::arrow::ListArray>(span_type, rows, offsets(spans), structs);
  const auto group = ::arrow::struct_({::arrow::field("spans", span_type, false)});
  ::arrow::DoubleBuilder doubles;
  EXPECT_TRUE(doubles.AppendValues(table.columns[kListBounds].doubles).ok());
  const auto double_type = ::arrow::list(::arrow::field("element", ::arrow::float64(), false));
  const auto made = ::arrow::Table::Make(
      ::arrow::schema({::arrow::field("histogram", group, false),
                       ::arrow::field("bounds", double_type, false)}),
      {std::make_shared<::arrow::StructArray>(group, rows, ::arrow::ArrayVector{lists}),
       std::make_shared<::arrow::ListArray>(double_type, rows, offsets(table.columns[kListBounds]),
                                            doubles.Finish().ValueOrDie())});
  auto sink = ::arrow::io::BufferOutputStream::Create().ValueOrDie();
  const auto status =
      ::parquet::arrow::WriteTable(*made, ::arrow::default_memory_pool(), sink, 1000,
                                   std::make_shared<::parquet::WriterProperties>(properties));
  EXPECT_TRUE(status.ok()) << status.ToString();
  return sink->Finish().ValueOrDie()->ToString();
}

TEST_F(ListIOTest, WhatArrowWroteIsRead) {
  for (const auto version :
       {::parquet::ParquetDataPageVersion::V1, ::parquet::ParquetDataPageVersion::V2}) {
    for (const bool dictionary : {false, true}) {
      for (const auto codec : {::arrow::Compression::UNCOMPRESSED, ::arrow::Compression::SNAPPY}) {
        SCOPED_TRACE(testing::Message() << "version " << static_cast<int>(version) << " dictionary "
                                        << dictionary << " codec " << codec);
        ::parquet::WriterProperties::Builder builder;
        builder.data_page_version(version)->compression(codec)->data_pagesize(4000);
        builder.enable_write_page_index()->write_batch_size(100);
        dictionary ? builder.enable_dictionary() : builder.disable_dictionary();
        ASSERT_TRUE(bucket_.Put("b", WriteWithArrow(table_, *builder.build())).ok());
        auto reader = FileReader::Open(bucket_.Open("b").value(), {}, &stats_);
        ASSERT_TRUE(reader.ok()) << reader.status().ToString();
        const FileSchema& schema = reader->index().schema();
        EXPECT_EQ(schema.Find("histogram.spans.list.element.length"), 1u);
        const std::vector<FetchColumn> columns = {{0, 0}, {1, 0}, {2, 0}};
        const RowRange rows{100, 2000};
        auto got = reader->ReadRows(columns, {&rows, 1}, {}, &stats_);
        ASSERT_TRUE(got.ok()) << got.status().ToString();
        std::vector<ColumnVector> all(kListColumns);
        const uint32_t places[] = {kSpanOffset, kSpanLength, kListBounds};
        for (size_t i = 0; i < 3; ++i) {
          const auto& wanted = table_.columns[places[i]];
          const ColumnVector& at = (*got)[i];
          ASSERT_EQ(at.offsets.size(), rows.count + 1);
          const uint32_t from = wanted.offsets[rows.first];
          for (uint64_t row = 0; row <= rows.count; ++row) {
            ASSERT_EQ(at.offsets[row], wanted.offsets[rows.first + row] - from);
          }
          for (size_t k = 0; k < at.element_count(); ++k) {
            if (i == 2) {
              ASSERT_EQ(std::bit_cast<uint64_t>(at.doubles[k]),
                        std::bit_cast<uint64_t>(wanted.doubles[from + k]));
            } else {
              ASSERT_EQ(at.int64s[k], wanted.int64s[from + k]);
            }
          }
        }
      }
    }
  }
}

TEST_F(ListIOTest, DeeperAndOptionalNestingIsUnimplementedAndNamesTheColumn) {
  const auto int_list = ::arrow::list(::arrow::field("element", ::arrow::int64(), false));
  const struct {
    std::shared_ptr<::arrow::DataType> type;
    bool nullable;
  } cases[] = {
      {int_list, true},
      {::arrow::list(::arrow::field("element", ::arrow::int64(), true)), false},
      {::arrow::list(::arrow::field("element", int_list, false)), false},
      {::arrow::list(::arrow::field("element", ::arrow::utf8(), false)), false},
      {::arrow::struct_({::arrow::field("x", ::arrow::int64(), false)}), true},
      {::arrow::map(::arrow::int64(), ::arrow::int64()), false},
  };
  for (const auto& at : cases) {
    SCOPED_TRACE(at.type->ToString());
    auto sink = ::arrow::io::BufferOutputStream::Create().ValueOrDie();
    const auto table =
        ::arrow::Table::Make(::arrow::schema({::arrow::field("odd", at.type, at.nullable)}),
                             {::arrow::MakeEmptyArray(at.type).ValueOrDie()});
    ASSERT_TRUE(
        ::parquet::arrow::WriteTable(*table, ::arrow::default_memory_pool(), sink, 10).ok());
    const std::string bytes = sink->Finish().ValueOrDie()->ToString();
    const auto index = FileReader::ParseIndex(bytes, bytes.size(), "odd.parquet");
    EXPECT_EQ(index.status().code(), Code::kUnimplemented) << index.status().ToString();
    EXPECT_NE(index.status().message().find("'odd."), std::string::npos)
        << index.status().ToString();
  }
}

TEST(ListSchema, WhatCannotBeIsRefused) {
  const auto refused = [](const std::function<void(std::vector<ColumnSpec>&)>& change) {
    FileSchema schema = ListSchema();
    change(schema.columns);
    return schema.Validate().code() == Code::kInvalidArgument;
  };
  EXPECT_TRUE(ListSchema().Validate().ok());
  EXPECT_TRUE(refused([](auto& columns) { columns[kListBounds].optional = true; }));
  EXPECT_TRUE(refused([](auto& columns) { columns[kListSchema].name = ""; }));
  EXPECT_TRUE(refused([](auto& columns) { columns[kListDeep].groups[1] = ""; }));
  EXPECT_TRUE(refused([](auto& columns) { columns[kListDeep].groups.resize(40, "g"); }));
  EXPECT_TRUE(refused([](auto& columns) { columns[kSpanLength].name = "offset"; }));
  EXPECT_TRUE(refused([](auto& columns) { columns[kSpanLength].name = ""; }));
  EXPECT_TRUE(refused([](auto& columns) { columns[kSpanOffset].name = ""; }));
  EXPECT_TRUE(refused([](auto& columns) { columns[kListBounds].list = "time"; }));
  EXPECT_TRUE(refused([](auto& columns) { columns[kListTime].name = "bounds"; }));
  // One group in two places.
  EXPECT_TRUE(refused([](auto& columns) { std::swap(columns[kListTime], columns[kListZero]); }));
  EXPECT_TRUE(refused([](auto& columns) {
    columns[kListCounts].type = ColumnType::kString;
    columns[kListCounts].encoding = ColumnEncoding::kPlain;
  }));
  EXPECT_TRUE(
      refused([](auto& columns) { columns[kListCounts].encoding = ColumnEncoding::kDictionary; }));
  // A flat name may hold dots, but not be another's path.
  EXPECT_FALSE(refused([](auto& columns) { columns[kListTime].name = "a.b"; }));
  EXPECT_TRUE(refused([](auto& columns) { columns[kListTime].name = "histogram.schema"; }));
}

TEST(ListWriter, WrongOffsetsAndCallsAreRefused) {
  const std::vector<int64_t> values(10);
  const auto write = [&](const std::vector<uint32_t>& offsets) {
    FileSchema schema;
    schema.columns.resize(1);
    schema.columns[0].list = "l";
    auto encoder = RowGroupEncoder::Make(schema, {}).value();
    EXPECT_TRUE(encoder->BeginRowGroup(3).ok());
    return encoder->WriteInt64Lists(0, offsets, values);
  };
  EXPECT_TRUE(write({0, 0, 4, 10}).ok());
  EXPECT_TRUE(write({2, 2, 2, 2}).ok());
  for (const std::vector<uint32_t>& offsets :
       {std::vector<uint32_t>{}, {0}, {0, 1, 2}, {0, 1, 2, 3, 4}, {0, 2, 1, 3}, {0, 1, 2, 11}}) {
    EXPECT_EQ(write(offsets).code(), Code::kInvalidArgument);
  }
  auto flat = RowGroupEncoder::Make(ListSchema(), {}).value();
  ASSERT_TRUE(flat->BeginRowGroup(1).ok());
  EXPECT_FALSE(flat->WriteInt64Lists(kListTime, std::vector<uint32_t>{0, 1}, values).ok());
}

TEST(ListLevels, RandomLevelsRoundTripAndOtherCountsAreRefused) {
  const uint64_t seed = 5;
  std::mt19937_64 random(seed);
  ListLevelScratch scratch;
  for (int round = 0; round < 500; ++round) {
    SCOPED_TRACE(testing::Message() << "seed " << seed << " round " << round);
    std::vector<uint32_t> offsets = {0};
    const uint64_t rows = random() % 200 + 1;
    const uint64_t most = random() % 3 == 0 ? 3 : 40;
    for (uint64_t i = 0; i < rows; ++i) {
      const uint64_t count = random() % 2 == 0 ? random() % most : random() % 2;
      offsets.push_back(offsets.back() + static_cast<uint32_t>(count));
    }
    ByteBuffer bytes;
    const ListLevels levels = EncodeListLevels(offsets, &bytes);
    EXPECT_EQ(levels.entries, offsets.back() + levels.empty);
    const auto decode = [&](uint64_t entries, uint64_t wanted_rows, std::vector<uint32_t>* out) {
      return DecodeListLevels(bytes.bytes().first(levels.repetition_bytes),
                              bytes.bytes().subspan(levels.repetition_bytes), entries, wanted_rows,
                              &scratch, out);
    };
    std::vector<uint32_t> got;
    ASSERT_TRUE(decode(levels.entries, rows, &got));
    EXPECT_EQ(got, offsets);
    EXPECT_FALSE(decode(levels.entries, rows + 1, &got));
    EXPECT_FALSE(decode(levels.entries, rows - 1, &got));
    EXPECT_FALSE(decode(levels.entries + 8, rows, &got));
  }
}

TEST(ListLevels, ContradictionsAreRefused) {
  const auto decode = [](const std::vector<int>& repetition, const std::vector<int>& definition) {
    ByteBuffer bytes;
    HybridEncoder first(1, &bytes);
    for (const int level : repetition) first.Add(static_cast<uint32_t>(level), 1);
    first.Finish();
    const size_t split = bytes.size();
    HybridEncoder second(1, &bytes);
    uint64_t rows = 0;
    for (const int level : definition) second.Add(static_cast<uint32_t>(level), 1);
    second.Finish();
    bytes.Reserve(kSlack);
    for (const int level : repetition) rows += level == 0 ? 1 : 0;
    ListLevelScratch scratch;
    std::vector<uint32_t> offsets;
    return DecodeListLevels(bytes.bytes().first(split), bytes.bytes().subspan(split),
                            repetition.size(), rows, &scratch, &offsets);
  };
  EXPECT_TRUE(decode({0, 1, 0, 0}, {1, 1, 0, 1}));
  EXPECT_FALSE(decode({1, 1, 0}, {1, 1, 1}));  // goes on with nothing
  EXPECT_FALSE(decode({0, 1, 0}, {0, 1, 1}));  // an empty list goes on
  EXPECT_FALSE(decode({0, 1, 0}, {1, 0, 1}));  // an element that is not there
}

TEST(ListLevels, ClaimsAreBoundedByWhatIsThere) {
  // A few bytes can be levels of as many elements as a page may have: that costs nothing, but one
  // more is refused, and so are elements that the bytes cannot hold.
  for (const uint64_t entries : {kMaxListEntries, kMaxListEntries + 1}) {
    ByteBuffer bytes;
    const ListLevels levels =
        EncodeListLevels(std::vector<uint32_t>{0, static_cast<uint32_t>(entries)}, &bytes);
    EXPECT_LT(bytes.size(), 20u);
    ListLevelScratch scratch;
    std::vector<uint32_t> offsets;
    EXPECT_EQ(DecodeListLevels(bytes.bytes().first(levels.repetition_bytes),
                               bytes.bytes().subspan(levels.repetition_bytes), entries, 1, &scratch,
                               &offsets),
              entries == kMaxListEntries);
    EXPECT_LT(offsets.capacity() + scratch.repetition.capacity() + scratch.definition.capacity(),
              100u);
  }
  for (const size_t count : {0, 1, 2, 129, 130, 1000}) {
    ByteBuffer bytes;
    EncodeDelta(std::vector<int64_t>(count, 7), &bytes);
    EXPECT_TRUE(DeltaMayHold(bytes.bytes(), count));
    EXPECT_FALSE(DeltaMayHold(bytes.bytes(), count + 2000));
  }
  FileSchema schema;
  schema.columns.resize(1);
  schema.columns[0].list = "l";
  schema.columns[0].encoding = ColumnEncoding::kDelta;
  const std::vector<int64_t> values(kMaxListEntries);
  for (const uint32_t elements : {uint32_t{kMaxListEntries}, uint32_t{kMaxListEntries} - 1}) {
    auto encoder = RowGroupEncoder::Make(schema, {}).value();
    ASSERT_TRUE(encoder->BeginRowGroup(1).ok());
    const std::vector<uint32_t> offsets = {0, elements};
    EXPECT_EQ(encoder->WriteInt64Lists(0, offsets, values).ok(), elements < kMaxListEntries);
  }
}

}  // namespace
}  // namespace thermocline::columnar
