// Status, bytes, ids, hashes, protobuf and time: each fact in a sentence.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/ids.h"
#include "base/proto_reader.h"
#include "base/result.h"
#include "base/time.h"

namespace thermocline {
namespace {

TEST(Status, OkHasNoMessageAndErrorsKeepTheirs) {
  EXPECT_TRUE(Status().ok());
  EXPECT_EQ(Status().ToString(), "OK");
  EXPECT_EQ(Status().message(), "");
  const Status error = Status::Corruption("bad magic");
  EXPECT_EQ(error.code(), Code::kCorruption);
  EXPECT_EQ(error.ToString(), "Corruption: bad magic");
  EXPECT_EQ(error.WithContext("file x").ToString(), "Corruption: file x: bad magic");
  EXPECT_TRUE(Status().WithContext("file x").ok());
}

TEST(Status, EveryCodeHasAName) {
  for (int code = 0; code <= static_cast<int>(Code::kInternal); ++code) {
    EXPECT_NE(CodeName(static_cast<Code>(code)), "Unknown") << code;
  }
}

Result<int> Half(int n) {
  if (n % 2 != 0) return Status::InvalidArgument("odd");
  return n / 2;
}

Result<int> Quarter(int n) {
  ASSIGN_OR_RETURN(const int half, Half(n));
  return Half(half);
}

TEST(Result, CarriesAValueOrTheReason) {
  EXPECT_EQ(*Quarter(12), 3);
  EXPECT_EQ(Quarter(6).status().message(), "odd");
  EXPECT_EQ(Quarter(5).status().code(), Code::kInvalidArgument);
}

TEST(ResultDeathTest, ReadingAFailedResultEndsTheProcess) {
  EXPECT_DEATH(static_cast<void>(*Half(1)), "odd");
}

TEST(Bytes, ReadBackWhatWasWritten) {
  std::string bytes;
  ByteWriter out(&bytes);
  out.U8(0xfe);
  out.U16(0x1234);
  out.U32(0xdeadbeef);
  out.U64(0x0123456789abcdefull);
  out.I64(-5);
  out.F64(-0.0);
  out.LengthPrefixed("text");
  EXPECT_EQ(bytes.substr(1, 2), "\x34\x12") << "little-endian";
  ByteReader in(bytes);
  EXPECT_EQ(in.U8(), 0xfe);
  EXPECT_EQ(in.U16(), 0x1234);
  EXPECT_EQ(in.U32(), 0xdeadbeefu);
  EXPECT_EQ(in.U64(), 0x0123456789abcdefull);
  EXPECT_EQ(in.I64(), -5);
  EXPECT_TRUE(std::signbit(in.F64()));
  EXPECT_EQ(in.LengthPrefixed(), "text");
  EXPECT_TRUE(in.ok() && in.done());
}

TEST(Bytes, VarintsKeepEveryBoundary) {
  for (int shift = 0; shift < 64; ++shift) {
    for (const uint64_t delta : {uint64_t{0}, ~uint64_t{0}}) {
      const uint64_t value = (uint64_t{1} << shift) + delta;
      std::string bytes;
      ByteWriter out(&bytes);
      out.Varint(value);
      out.SignedVarint(static_cast<int64_t>(value));
      out.SignedVarint(-static_cast<int64_t>(value >> 1));
      EXPECT_LE(bytes.size(), 30u);
      ByteReader in(bytes);
      EXPECT_EQ(in.Varint(), value);
      EXPECT_EQ(in.SignedVarint(), static_cast<int64_t>(value));
      EXPECT_EQ(in.SignedVarint(), -static_cast<int64_t>(value >> 1));
      EXPECT_TRUE(in.ok() && in.done());
    }
  }
}

TEST(Bytes, AShortReadFailsAndStaysFailed) {
  ByteReader in("abc");
  EXPECT_EQ(in.U16(), 0x6261);
  EXPECT_EQ(in.U32(), 0u);
  EXPECT_FALSE(in.ok());
  EXPECT_EQ(in.U8(), 0) << "also where bytes are left";
  EXPECT_EQ(in.offset(), 2u);
}

TEST(Bytes, OverlongAndOversizedVarintsAreRefused) {
  for (const std::string& bytes : {std::string(11, '\x80'), std::string(9, '\xff') + '\x02',
                                   std::string("\x80"), std::string()}) {
    ByteReader in(bytes);
    in.Varint();
    EXPECT_FALSE(in.ok());
  }
  // A length beyond the input, up to one that would wrap around.
  for (const uint64_t length : {uint64_t{5}, std::numeric_limits<uint64_t>::max()}) {
    std::string bytes;
    ByteWriter(&bytes).Varint(length);
    bytes += "four";
    ByteReader in(bytes);
    EXPECT_EQ(in.LengthPrefixed(), "");
    EXPECT_FALSE(in.ok());
  }
}

TEST(BlockId, PrintsAndParsesAsAUlid) {
  // The example of the ULID specification: 01ARZ3NDEKTSV4RRFFQ69G5FAV.
  const auto id = BlockId::Parse("01ARZ3NDEKTSV4RRFFQ69G5FAV");
  ASSERT_TRUE(id.ok());
  EXPECT_EQ(id->ToString(), "01ARZ3NDEKTSV4RRFFQ69G5FAV");
  EXPECT_EQ(id->unix_ms(), 1469922850259);
  EXPECT_EQ(*BlockId::Parse("01arz3ndektsv4rrffq69g5fav"), *id);
  const BlockId made = BlockId::Make(1469922850259, 0x1234, 0x56789abcdef01234ull);
  EXPECT_EQ(made.unix_ms(), 1469922850259);
  EXPECT_EQ(made.ToString().substr(0, 10), "01ARZ3NDEK");
  EXPECT_EQ(*BlockId::Parse(made.ToString()), made);
}

TEST(BlockId, SortsByTimeAsBytesAndAsText) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 1000; ++i) {
    const auto early = static_cast<int64_t>(random() >> 17);
    const BlockId a = BlockId::Make(early, static_cast<uint16_t>(random()), random());
    const BlockId b = BlockId::Make(early + 1, static_cast<uint16_t>(random()), random());
    EXPECT_LT(a, b);
    EXPECT_LT(a.ToString(), b.ToString());
  }
}

TEST(BlockId, RefusesWhatIsNotAUlid) {
  for (const char* text :
       {"", "01ARZ3NDEKTSV4RRFFQ69G5FA", "01ARZ3NDEKTSV4RRFFQ69G5FAVX",
        "81ARZ3NDEKTSV4RRFFQ69G5FAV", "01ARZ3NDEKTSV4RRFFQ69G5FAU", "01ARZ3NDEKTSV4RRFFQ69G5F-V"}) {
    EXPECT_EQ(BlockId::Parse(text).status().code(), Code::kInvalidArgument) << text;
  }
}

TEST(Crc32c, GivesTheKnownValues) {
  // RFC 3720, B.4.
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(Crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  std::string ascending;
  for (int i = 0; i < 32; ++i) ascending.push_back(static_cast<char>(i));
  EXPECT_EQ(Crc32c(ascending), 0x46dd794eu);
  EXPECT_EQ(Crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(Crc32c(""), 0u);
}

TEST(Crc32c, TheInstructionAgreesWithTheTableAndContinues) {
  std::mt19937_64 random(7);
  std::string bytes;
  for (size_t size = 0; size < 300; ++size) {
    for (size_t split : {size_t{0}, size / 3, size}) {
      const std::string_view view(bytes);
      EXPECT_EQ(Crc32c(view), Crc32cPortable(view));
      EXPECT_EQ(Crc32c(view.substr(split), Crc32c(view.substr(0, split))), Crc32c(view));
    }
    bytes.push_back(static_cast<char>(random()));
  }
}

TEST(Hash64, IsXxHash64WithSeedZero) {
  EXPECT_EQ(Hash64(""), 0xef46db3751d8e999ull);
  EXPECT_EQ(Hash64("abc"), 0x44bc2cf5ad770999ull);
}

TEST(ProtoReader, WalksFieldsAndSkipsTheUntaken) {
  std::string message;
  ByteWriter out(&message);
  out.Varint(1 << 3 | 0);
  out.Varint(150);
  out.Varint(2 << 3 | 2);
  out.LengthPrefixed("skipped");
  out.Varint(3 << 3 | 1);
  out.F64(1.5);
  out.Varint(4 << 3 | 5);
  out.U32(9);
  out.Varint(5 << 3 | 2);
  out.LengthPrefixed("taken");
  ProtoReader reader(message);
  ASSERT_TRUE(reader.Next());
  EXPECT_EQ(reader.field(), 1u);
  EXPECT_EQ(reader.Varint(), 150u);
  ASSERT_TRUE(reader.Next());
  ASSERT_TRUE(reader.Next());
  EXPECT_EQ(reader.Double(), 1.5);
  ASSERT_TRUE(reader.Next());
  ASSERT_TRUE(reader.Next());
  EXPECT_EQ(reader.field(), 5u);
  EXPECT_EQ(reader.Bytes(), "taken");
  EXPECT_FALSE(reader.Next());
  EXPECT_TRUE(reader.ok());
}

TEST(ProtoReader, EveryTruncationIsAnErrorOrAShorterMessage) {
  std::string message;
  ByteWriter out(&message);
  out.Varint(1 << 3 | 2);
  out.LengthPrefixed("0123456789");
  out.Varint(2 << 3 | 1);
  out.F64(1);
  for (size_t size = 0; size < message.size(); ++size) {
    ProtoReader reader(std::string_view(message).substr(0, size));
    while (reader.Next()) {
    }
    EXPECT_EQ(reader.ok(), size == 0 || size == 12) << size;
  }
}

TEST(ProtoReader, RefusesGroupsFieldZeroAndWrongTypes) {
  for (const char key : {'\x0b', '\x0c', '\x00', '\x0e', '\x0f'}) {
    const std::string message(1, key);
    ProtoReader reader(message);
    EXPECT_FALSE(reader.Next());
    EXPECT_FALSE(reader.ok());
  }
  ProtoReader wrong(std::string_view("\x08\x01", 2));
  ASSERT_TRUE(wrong.Next());
  EXPECT_EQ(wrong.Bytes(), "");
  EXPECT_FALSE(wrong.ok());
}

TEST(Time, FloorToGoesDownAlsoBelowZero) {
  EXPECT_EQ(FloorTo(0, 10), 0);
  EXPECT_EQ(FloorTo(9, 10), 0);
  EXPECT_EQ(FloorTo(10, 10), 10);
  EXPECT_EQ(FloorTo(-1, 10), -10);
  EXPECT_EQ(FloorTo(-10, 10), -10);
  EXPECT_EQ(FloorTo(-11, 10), -20);
  EXPECT_EQ(FloorTo(kMaxTimestampMs, 10), kMaxTimestampMs - 7);
}

TEST(Time, RangesIncludeBothEnds) {
  TimeRange range;
  EXPECT_TRUE(range.empty());
  range.Extend(5);
  range.Extend(3);
  EXPECT_EQ(range, (TimeRange{3, 5}));
  EXPECT_TRUE(range.Contains(3) && range.Contains(5) && !range.Contains(6));
  EXPECT_TRUE(range.Overlaps({5, 9}));
  EXPECT_FALSE(range.Overlaps({6, 9}));
  EXPECT_FALSE(range.Overlaps({}));
}

}  // namespace
}  // namespace thermocline
