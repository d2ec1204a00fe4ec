// Damaged and lying files: an error or the same rows, never other rows, never a crash, never a
// large allocation.
#include <gtest/gtest.h>

#include <cstring>

#include "bucket/memory_object.h"
#include "columnar/list_table.h"
#include "columnar/page_header.h"
#include "columnar/sample_table.h"
#include "env/simulated/simulated_file_system.h"

namespace thermocline::columnar {
namespace {

enum class Kind { kFlat, kLists };

class HostileFileTest : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    FileWriterOptions options;
    options.page_rows = 64;
    auto summary = lists() ? WriteListTable(list_table_, options, 80, bucket_, "a.parquet")
                           : WriteSampleTable(table_, SampleSchema(), options, 192, {{"k", "v"}},
                                              bucket_, "a.parquet");
    ASSERT_TRUE(summary.ok()) << summary.status().ToString();
    summary_ = *summary;
    bytes_ = bucket_.Get("a.parquet").value();
  }
  static bool lists() { return GetParam() == Kind::kLists; }

  // "" when the rows are the table's, "error" for any Status, else the difference.
  std::string Outcome(const std::string& bytes, const OpenOptions& open) {
    ReadStats stats;
    auto reader = FileReader::Open(std::make_shared<MemoryObject>(bytes), open, &stats);
    if (!reader.ok()) return "error";
    const RowRange all{0, reader->index().rows()};
    const auto columns = lists() ? ListColumns() : SampleColumns();
    if (reader->index().schema().columns.size() != columns.size()) return "columns";
    auto got = reader->ReadRows(columns, {&all, 1}, {}, &stats);
    if (!got.ok()) return "error";
    const uint64_t rows = lists() ? list_table_.rows : table_.rows;
    if (all.count != rows) return "rows";
    return lists() ? Difference(list_table_, 0, rows, *got) : Difference(table_, 0, rows, *got);
  }

  SimulatedFileSystem files_;
  LocalBucket bucket_{files_, "cold"};
  const SampleTable table_ = MakeSampleTable(9, 8, 30);
  const ListTable list_table_ = MakeListTable(10, 90);
  FileSummary summary_;
  std::string bytes_;
};
INSTANTIATE_TEST_SUITE_P(Tables, HostileFileTest, testing::Values(Kind::kFlat, Kind::kLists));

TEST_P(HostileFileTest, EveryFlippedByteIsAnErrorOrHarmlessWithTheManifestsTail) {
  OpenOptions open;
  open.tail = summary_.tail;
  ASSERT_EQ(Outcome(bytes_, open), "");
  size_t harmless = 0;
  for (size_t i = 0; i < bytes_.size(); ++i) {
    for (const int mask : {0x01, 0xff}) {
      std::string damaged = bytes_;
      damaged[i] = static_cast<char>(damaged[i] ^ mask);
      const std::string outcome = Outcome(damaged, open);
      ASSERT_TRUE(outcome.empty() || outcome == "error")
          << "byte " << i << " mask " << mask << ": " << outcome;
      if (outcome.empty()) ++harmless;
      const bool in_tail = i >= bytes_.size() - summary_.tail.size_bytes;
      EXPECT_TRUE(!in_tail || outcome == "error") << i;
    }
  }
  printf("%zu of %zu flips were harmless\n", harmless, 2 * bytes_.size());
  EXPECT_LT(harmless, bytes_.size());
}

TEST_P(HostileFileTest, FlippedBytesWithoutAManifestNeverCrash) {
  const uint64_t seed = 77;
  std::mt19937_64 random(seed);
  for (int round = 0; round < 3000; ++round) {
    std::string damaged = bytes_;
    const size_t tail = damaged.size() - summary_.tail.size_bytes;
    for (uint64_t k = random() % 3 + 1; k > 0; --k) {
      const size_t at = random() % 4 == 0 ? random() % damaged.size()
                                          : tail + random() % summary_.tail.size_bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ (random() % 255 + 1));
    }
    (void)Outcome(damaged, {});  // any answer: without the hash an index may lie
  }
}

TEST_P(HostileFileTest, TruncatedFilesAreErrors) {
  OpenOptions open;
  open.tail = summary_.tail;
  for (size_t size = 0; size < bytes_.size(); size += 7) {
    EXPECT_EQ(Outcome(bytes_.substr(0, size), open), "error") << size;
    EXPECT_EQ(Outcome(bytes_.substr(0, size), {}), "error") << size;
  }
}

TEST_P(HostileFileTest, ForeignBytesAreErrors) {
  for (const std::string& bytes : {std::string(), std::string("PAR1"), std::string("PAR1PAR1"),
                                   std::string(1000, 'x'), std::string("PAR1\xff\xff\xff\x7fPAR1"),
                                   std::string("PAR1\0\0\0\0PAR1", 12), bytes_ + "PARE"}) {
    EXPECT_EQ(Outcome(bytes, {}), "error");
  }
}

// Thrift compact, enough to forge a V2 header.
void PutVarint(uint64_t v, std::string* out) {
  for (; v >= 0x80; v >>= 7) out->push_back(static_cast<char>(v | 0x80));
  out->push_back(static_cast<char>(v));
}
void PutI32(uint8_t field, int32_t v, std::string* out) {
  out->push_back(static_cast<char>(field));
  PutVarint((static_cast<uint32_t>(v) << 1) ^ static_cast<uint32_t>(v >> 31), out);
}

TEST_P(HostileFileTest, HeadersThatLieAboutSizesAreRefusedBeforeAllocating) {
  const auto forge = [](int32_t full, int32_t body, int32_t levels) {
    std::string bytes;
    PutI32(0x15, 3, &bytes);
    PutI32(0x15, full, &bytes);
    PutI32(0x15, body, &bytes);
    bytes.push_back(0x5c);  // field 8, struct
    for (const int32_t v : {10, 0, 10, 0}) PutI32(0x15, v, &bytes);
    PutI32(0x15, levels, &bytes);
    PutI32(0x15, 0, &bytes);
    bytes.push_back(0x12);  // not compressed
    bytes.append(2, '\0');
    return bytes + std::string(80, 'x');
  };
  const auto parse = [](const std::string& bytes, PageHeader* header) {
    return ParsePageHeader({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}, header);
  };
  PageHeader header;
  ASSERT_TRUE(parse(forge(80, 80, 0), &header));
  EXPECT_EQ(header.rows, 10u);
  EXPECT_FALSE(header.compressed);
  EXPECT_FALSE(parse(forge(80, 81, 0), &header));
  EXPECT_FALSE(parse(forge(80, -1, 0), &header));
  EXPECT_FALSE(parse(forge(-5, 80, 0), &header));
  EXPECT_FALSE(parse(forge(80, 80, 81), &header));
  EXPECT_FALSE(parse(forge(5, 80, 6), &header));
  const std::string good = forge(80, 80, 0);
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(parse(good.substr(0, size), &header)) << size;
  }
  // Nested beyond any header's need.
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep.push_back(0x1c);
  EXPECT_FALSE(parse(deep, &header));
  std::string list = "\x19\xfc\xff\xff\xff\xff\x0f";
  EXPECT_FALSE(parse(list, &header));
}

TEST_P(HostileFileTest, APageThatClaimsTwoGigabytesCostsAnErrorOnly) {
  // The claim sits in the header, outside the checksum: field 2 of each page header of a
  // column of doubles is raised, keeping the varint's length.
  OpenOptions open;
  open.tail = summary_.tail;
  const auto index = FileReader::ParseIndex(bytes_, bytes_.size(), "a").value();
  const uint32_t column = lists() ? uint32_t{kListBounds} : uint32_t{kValue};
  size_t forged = 0;
  for (size_t page = 0; page < index->page_count(column); ++page) {
    std::string damaged = bytes_;
    const uint64_t at = index->page(column, page).offset;
    // kind: 15 06; full size: 15 then a varint.
    ASSERT_EQ(damaged.substr(at, 3), std::string("\x15\x06\x15"));
    size_t end = at + 3;
    while ((damaged[end] & 0x80) != 0) ++end;
    if (end - at - 3 < 1) continue;
    for (size_t i = at + 3; i < end; ++i) damaged[i] = '\xff';
    damaged[end] = '\x7e';
    EXPECT_EQ(Outcome(damaged, open), "error");
    ++forged;
  }
  EXPECT_GT(forged, 0u);
}

}  // namespace
}  // namespace thermocline::columnar
