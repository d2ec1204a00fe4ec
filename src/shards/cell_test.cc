// Cells, lists and hashes against the vectors that the Go libraries gave.
#include "shards/cell.h"

#include <gtest/gtest.h>

namespace thermocline::shards {
namespace {

std::string Bytes(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(
        static_cast<char>(std::strtoul(std::string(hex.substr(i, 2)).c_str(), nullptr, 16)));
  }
  return bytes;
}

TEST(Cell, HasTheBytesOfTheGoWriter) {
  const std::string payload = Bytes("00030000000000000000009875c457fec25fff");
  ASSERT_EQ(payload.size(), 19u);
  std::string cell;
  AppendCellChunk(CellFormat::kVarint, {ChunkEncoding::kXor, 0, 30000, payload}, &cell);
  EXPECT_EQ(cell, Bytes("0100b0ea0113") + payload);
  const std::string one = Bytes("000180bab703401c000000000000");
  AppendCellChunk(CellFormat::kVarint, {ChunkEncoding::kXor, 3600000, 3600000, one}, &cell);
  EXPECT_EQ(cell.substr(6 + 19), Bytes("0180dddb0180dddb010e") + one);
  std::vector<CellChunk> chunks;
  ASSERT_TRUE(ParseCell(CellFormat::kVarint, cell, &chunks).ok());
  ASSERT_EQ(chunks.size(), 2u);
  EXPECT_EQ(chunks[0].max_ms, 30000);
  EXPECT_EQ(chunks[1].bytes, one);
}

TEST(Cell, HoldsNegativeTimesInTenBytes) {
  std::string cell;
  AppendCellChunk(CellFormat::kVarint, {ChunkEncoding::kHistogram, -1, 0, ""}, &cell);
  EXPECT_EQ(cell, Bytes("02ffffffffffffffffff010000"));
  std::vector<CellChunk> chunks;
  ASSERT_TRUE(ParseCell(CellFormat::kVarint, cell, &chunks).ok());
  EXPECT_EQ(chunks[0].min_ms, -1);
}

TEST(Cell, OfTheGatewayIsBigEndian) {
  std::string cell;
  AppendCellChunk(CellFormat::kFixed, {ChunkEncoding::kXor, 1, -2, "abc"}, &cell);
  EXPECT_EQ(cell, Bytes("00000001"
                        "0000000000000002"
                        "0000000000000003"
                        "00000003") +
                      "abc");
}

TEST(Cell, IsRefusedWhereverItIsCut) {
  for (const CellFormat format : {CellFormat::kVarint, CellFormat::kFixed}) {
    std::string cell;
    AppendCellChunk(format, {ChunkEncoding::kXor, 1000, 2000, "payload"}, &cell);
    std::vector<CellChunk> chunks;
    ASSERT_TRUE(ParseCell(format, cell, &chunks).ok());
    for (size_t size = 1; size < cell.size(); ++size) {
      EXPECT_EQ(ParseCell(format, cell.substr(0, size), &chunks).code(), Code::kCorruption) << size;
    }
    cell.clear();
    AppendCellChunk(format, {ChunkEncoding::kXor, 2000, 1000, ""}, &cell);
    EXPECT_EQ(ParseCell(format, cell, &chunks).code(), Code::kCorruption);
  }
}

TEST(ColumnList, HasTheBytesOfTheGoWriter) {
  for (const auto& [leaves, hex] : std::vector<std::pair<std::vector<uint32_t>, std::string>>{
           {{0, 1, 2}, "06000204"}, {{2, 3}, "040406"}, {{0}, "0200"}, {{100}, "02c801"}}) {
    std::string cell;
    AppendColumnList(leaves, &cell);
    EXPECT_EQ(cell, Bytes(hex));
    std::vector<uint32_t> again;
    ASSERT_TRUE(ParseColumnList(cell, 101, &again).ok());
    EXPECT_EQ(again, leaves);
    EXPECT_FALSE(ParseColumnList(cell, leaves.back(), &again).ok());
    EXPECT_FALSE(ParseColumnList(cell + '\0', 101, &again).ok());
  }
  std::vector<uint32_t> leaves;
  EXPECT_FALSE(ParseColumnList(Bytes("04"
                                     "0404"),
                               10, &leaves)
                   .ok());                                       // twice the same
  EXPECT_FALSE(ParseColumnList(Bytes("01"), 10, &leaves).ok());  // a negative count
}

TEST(SeriesHash, IsPrometheusStableHash) {
  EXPECT_EQ(HashCell(SeparatedHash(Labels{{"__name__", "hist"}})), Bytes("8d797ee9c8a45713"));
  EXPECT_EQ(HashCell(SeparatedHash(Labels{{"__name__", "up"}, {"instance", "x"}, {"job", "a"}})),
            Bytes("ff21a138cd536942"));
  EXPECT_EQ(HashCell(SeparatedHash(Labels{{"job", "noname"}, {"svc.name", "\xc3\xa9"}})),
            Bytes("84b70b680dc312df"));
}

TEST(StreamHash, IsZeroWithoutLabels) { EXPECT_EQ(StreamHash(Labels()), 0u); }

}  // namespace
}  // namespace thermocline::shards
