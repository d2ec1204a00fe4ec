// Kernels against their simple versions, and against libparquet where it has one.
#include <arrow/buffer.h>
#include <arrow/util/compression.h>
#include <gtest/gtest.h>
#include <parquet/encoding.h>
#include <parquet/types.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "columnar/bounds.h"
#include "columnar/byte_arrays.h"
#include "columnar/byte_buffer.h"
#include "columnar/crc32.h"
#include "columnar/delta.h"
#include "columnar/hybrid.h"
#include "columnar/null_pages.h"
#include "columnar/page_codec.h"
#include "columnar/plain_pages.h"
#include "columnar/split.h"

namespace thermocline::columnar {
namespace {

std::vector<uint8_t> RandomBytes(std::mt19937_64& random, size_t size) {
  std::vector<uint8_t> bytes(size);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
  return bytes;
}

TEST(Crc32, AgreesWithItsTablesAndTheKnownValue) {
  const std::string_view check = "123456789";
  const std::span<const uint8_t> bytes{reinterpret_cast<const uint8_t*>(check.data()), 9};
  EXPECT_EQ(Crc32(bytes), 0xCBF43926u);
  EXPECT_EQ(Crc32Portable(bytes), 0xCBF43926u);
  std::mt19937_64 random(11);
  for (size_t size = 0; size < 700; ++size) {
    const auto data = RandomBytes(random, size);
    EXPECT_EQ(Crc32(data), Crc32Portable(data)) << size;
  }
}

TEST(Split, RoundTripsEveryCountAndAgreesWithTheSimpleVersion) {
  std::mt19937_64 random(12);
  for (size_t count = 0; count < 200; ++count) {
    const auto values = RandomBytes(random, 8 * count);
    std::vector<uint8_t> planes(8 * count);
    std::vector<uint8_t> simple(8 * count);
    std::vector<uint8_t> back(8 * count);
    SplitBytes(values.data(), count, planes.data());
    SplitBytesPortable(values.data(), 0, count, simple.data());
    EXPECT_EQ(planes, simple) << count;
    UnsplitBytes(planes.data(), count, back.data());
    EXPECT_EQ(back, values) << count;
    std::fill(back.begin(), back.end(), 0);
    UnsplitBytesPortable(planes.data(), 0, count, back.data());
    EXPECT_EQ(back, values) << count;
  }
}

std::vector<int64_t> DeltaSeries(std::mt19937_64& random, size_t count, int kind) {
  std::vector<int64_t> values(count);
  uint64_t last = random();
  for (size_t i = 0; i < count; ++i) {
    switch (kind) {
      case 0:  // a perfect clock
        last += 15000;
        break;
      case 1:  // jitter
        last += 15000 + random() % 50 - 25;
        break;
      case 2:  // jumps
        last += random() % 100 == 0 ? random() % 100000 : 1000;
        break;
      case 3:  // anything, wrapping
        last = random();
        break;
      default:  // widths of every size
        last += random() >> (random() % 64);
    }
    values[i] = static_cast<int64_t>(last);
  }
  if (kind == 3 && count > 3) {
    values[1] = std::numeric_limits<int64_t>::min();
    values[2] = std::numeric_limits<int64_t>::max();
  }
  return values;
}

// Planes that differ in what is likely in them: one block for all mixes their statistics.
TEST(Planes, AreOneFrameWithTablesOfTheirOwn) {
  const uint64_t seed = 21;
  std::mt19937_64 random(seed);
  for (const size_t plane : {4096, 5000, 32 << 10}) {
    SCOPED_TRACE(testing::Message() << "seed " << seed << " plane " << plane);
    std::vector<uint8_t> bytes;
    for (int k = 0; k < 8; ++k) {
      for (size_t i = 0; i < plane; ++i) {
        bytes.push_back(static_cast<uint8_t>(k * 16 + random() % (1u << (k + 1))));
      }
    }
    const auto compressor = PageCompressor::Make(3).value();
    ByteBuffer together;
    ByteBuffer apart;
    ASSERT_TRUE(compressor->Compress(bytes, &together).ok());
    const size_t size = compressor->CompressPlanes(bytes, plane, &apart).value();
    ASSERT_EQ(size, apart.size());
    if (plane == 32 << 10) {
      EXPECT_LT(apart.size() * 100, together.size() * 97);
    }
    std::vector<uint8_t> back(bytes.size() + kSlack);
    PageDecompressor ours;
    ASSERT_TRUE(ours.Decompress(PageCodec::kZstd, apart.bytes(), back.data(), bytes.size()).ok());
    back.resize(bytes.size());
    EXPECT_EQ(back, bytes);
    const auto stock = ::arrow::util::Codec::Create(::arrow::Compression::ZSTD).ValueOrDie();
    std::vector<uint8_t> theirs(bytes.size());
    EXPECT_EQ(stock
                  ->Decompress(static_cast<int64_t>(apart.size()), apart.data(),
                               static_cast<int64_t>(theirs.size()), theirs.data())
                  .ValueOrDie(),
              static_cast<int64_t>(bytes.size()));
    EXPECT_EQ(theirs, bytes);
  }
}

// Many series one after the other, each scraped by a clock that is seldom late.
TEST(Delta, UndisturbedDeltasOfAJitteredClockAreTheSameBytes) {
  std::mt19937_64 random(5);
  std::vector<int64_t> values;
  for (int series = 0; series < 30; ++series) {
    for (int64_t i = 0; i < 500; ++i) {
      const int64_t late = random() % 50 == 0 ? static_cast<int64_t>(random() % 100) - 50 : 0;
      values.push_back(1'760'000'000'000 + i * 15'000 + late);
    }
  }
  ByteBuffer ours;
  EncodeDelta(values, &ours);
  auto encoder =
      ::parquet::MakeTypedEncoder<::parquet::Int64Type>(::parquet::Encoding::DELTA_BINARY_PACKED);
  encoder->Put(values.data(), static_cast<int>(values.size()));
  const auto stock = encoder->FlushValues();
  const auto compressor = PageCompressor::Make(3).value();
  ByteBuffer out;
  const size_t small = compressor->Compress(ours.bytes(), &out).value();
  const size_t large =
      compressor->Compress({stock->data(), static_cast<size_t>(stock->size())}, &out).value();
  EXPECT_LT(small * 100, large * 75);
}

TEST(Delta, RoundTripsAndAgreesWithTheSimpleVersionAndWithLibparquet) {
  const uint64_t seed = 13;
  std::mt19937_64 random(seed);
  for (int kind = 0; kind < 5; ++kind) {
    for (const size_t count : {0, 1, 2, 32, 33, 128, 129, 130, 1000, 5000}) {
      SCOPED_TRACE(testing::Message() << "seed " << seed << " kind " << kind << " n " << count);
      const auto values = DeltaSeries(random, count, kind);
      ByteBuffer bytes;
      EncodeDelta(values, &bytes);
      std::vector<int64_t> fast(count + kSlack);
      std::vector<int64_t> simple(count + kSlack);
      bytes.Reserve(0);
      const auto used = static_cast<int64_t>(bytes.size());
      EXPECT_EQ(DecodeDelta(bytes.bytes(), count, fast.data()), used);
      EXPECT_EQ(DecodeDeltaPortable(bytes.bytes(), count, simple.data()), used);
      fast.resize(count);
      simple.resize(count);
      EXPECT_EQ(fast, values);
      EXPECT_EQ(simple, values);
      if (count == 0) continue;
      auto stock = ::parquet::MakeTypedDecoder<::parquet::Int64Type>(
          ::parquet::Encoding::DELTA_BINARY_PACKED);
      std::vector<int64_t> theirs(count);
      stock->SetData(static_cast<int>(count), bytes.data(), static_cast<int>(bytes.size()));
      EXPECT_EQ(stock->Decode(theirs.data(), static_cast<int>(count)), static_cast<int>(count));
      EXPECT_EQ(theirs, values);
      auto encoder = ::parquet::MakeTypedEncoder<::parquet::Int64Type>(
          ::parquet::Encoding::DELTA_BINARY_PACKED);
      encoder->Put(values.data(), static_cast<int>(count));
      const auto stock_bytes = encoder->FlushValues();
      ByteBuffer padded;
      padded.Append(stock_bytes->data(), static_cast<size_t>(stock_bytes->size()));
      std::vector<int64_t> from_stock(count + kSlack);
      EXPECT_GE(DecodeDelta(padded.bytes(), count, from_stock.data()), 0);
      from_stock.resize(count);
      EXPECT_EQ(from_stock, values);
    }
  }
}

TEST(Delta, MalformedBytesAreRefusedAndNeverReadBeyond) {
  const uint64_t seed = 14;
  std::mt19937_64 random(seed);
  const auto values = DeltaSeries(random, 300, 4);
  ByteBuffer bytes;
  EncodeDelta(values, &bytes);
  std::vector<int64_t> out(300 + kSlack);
  for (size_t size = 0; size < bytes.size(); ++size) {
    ByteBuffer cut;
    cut.Append(bytes.data(), size);
    EXPECT_LT(DecodeDelta(cut.bytes(), 300, out.data()), 0) << size;
  }
  EXPECT_LT(DecodeDelta(bytes.bytes(), 299, out.data()), 0);
  for (int i = 0; i < 20000; ++i) {
    ByteBuffer damaged;
    damaged.Append(bytes.bytes());
    for (int k = 0; k < 3; ++k) damaged.data()[random() % damaged.size()] ^= random() % 255 + 1;
    const int64_t fast = DecodeDelta(damaged.bytes(), 300, out.data());
    std::vector<int64_t> simple(300 + kSlack);
    ASSERT_EQ(DecodeDeltaPortable(damaged.bytes(), 300, simple.data()), fast) << "seed " << seed;
    if (fast >= 0) {
      ASSERT_TRUE(std::equal(simple.begin(), simple.begin() + 300, out.begin()));
    }
  }
}

TEST(Hybrid, RoundTripsRunsOfEveryLengthAndWidth) {
  const uint64_t seed = 15;
  std::mt19937_64 random(seed);
  for (int round = 0; round < 300; ++round) {
    SCOPED_TRACE(testing::Message() << "seed " << seed << " round " << round);
    const uint64_t distinct = 1 + (random() >> (random() % 40 + 24)) % 1000000;
    const int width = CodeWidth(distinct);
    const uint64_t longest = random() % 3 == 0 ? 3 : random() % 2000 + 1;
    std::vector<CodeRun> runs;
    ByteBuffer bytes;
    HybridEncoder encoder(width, &bytes);
    uint64_t count = 0;
    for (size_t i = 0; i < random() % 200 + 1; ++i) {
      const CodeRun run{static_cast<uint32_t>(random() % distinct),
                        static_cast<uint32_t>(random() % longest + 1)};
      encoder.Add(run.code, run.count);
      count += run.count;
      if (!runs.empty() && runs.back().code == run.code) {
        runs.back().count += run.count;
      } else {
        runs.push_back(run);
      }
    }
    encoder.Finish();
    bytes.Reserve(0);
    std::vector<CodeRun> back;
    EXPECT_EQ(DecodeHybrid(bytes.bytes(), width, count, distinct, &back),
              static_cast<int64_t>(bytes.size()));
    ASSERT_EQ(back.size(), runs.size());
    for (size_t i = 0; i < runs.size(); ++i) {
      EXPECT_EQ(back[i].code, runs[i].code);
      EXPECT_EQ(back[i].count, runs[i].count);
    }
    back.clear();
    EXPECT_LT(DecodeHybrid(bytes.bytes(), width, count + 9, distinct, &back), 0);
  }
}

TEST(Hybrid, CodesOutsideTheDictionaryAreRefused) {
  ByteBuffer bytes;
  HybridEncoder encoder(3, &bytes);
  encoder.Add(5, 100);
  encoder.Add(1, 3);
  encoder.Finish();
  bytes.Reserve(0);
  std::vector<CodeRun> runs;
  EXPECT_GT(DecodeHybrid(bytes.bytes(), 3, 103, 6, &runs), 0);
  EXPECT_LT(DecodeHybrid(bytes.bytes(), 3, 103, 5, &runs), 0);
  EXPECT_LT(DecodeHybrid(bytes.bytes().first(1), 3, 103, 6, &runs), 0);
}

std::vector<std::string> SomeStrings(std::mt19937_64& random, size_t count) {
  std::vector<std::string> strings;
  std::string last;
  for (size_t i = 0; i < count; ++i) {
    std::string next = last.substr(0, last.empty() ? 0 : random() % last.size());
    for (size_t k = random() % 12; k > 0; --k) next += static_cast<char>(random());
    strings.push_back(next);
    last = next;
  }
  return strings;
}

TEST(ByteArrays, EveryEncodingRoundTripsAndLibparquetReadsItToo) {
  std::mt19937_64 random(16);
  for (const size_t count : {1, 2, 40, 1000}) {
    const auto strings = SomeStrings(random, count);
    const std::vector<std::string_view> views(strings.begin(), strings.end());
    const auto theirs = [&](::parquet::Encoding::type encoding, const ByteBuffer& bytes) {
      auto decoder = ::parquet::MakeTypedDecoder<::parquet::ByteArrayType>(encoding);
      decoder->SetData(static_cast<int>(count), bytes.data(), static_cast<int>(bytes.size()));
      std::vector<::parquet::ByteArray> out(count);
      EXPECT_EQ(decoder->Decode(out.data(), static_cast<int>(count)), static_cast<int>(count));
      for (size_t i = 0; i < count; ++i) EXPECT_EQ(std::string_view(out[i]), views[i]);
    };
    std::vector<std::string_view> back;
    std::vector<char> arena;
    ByteBuffer plain;
    EncodePlainStrings(views, &plain);
    ASSERT_TRUE(DecodePlainStrings(plain.bytes(), count, &back));
    EXPECT_EQ(back, views);
    theirs(::parquet::Encoding::PLAIN, plain);
    ByteBuffer lengths;
    EncodeDeltaLengths(views, &lengths);
    ASSERT_TRUE(DecodeDeltaLengths(lengths.bytes(), count, &back));
    EXPECT_EQ(back, views);
    theirs(::parquet::Encoding::DELTA_LENGTH_BYTE_ARRAY, lengths);
    ByteBuffer front;
    EncodeDeltaStrings(views, &front);
    ASSERT_TRUE(DecodeDeltaStrings(front.bytes(), count, 1 << 20, &back, &arena));
    EXPECT_EQ(back, views);
    theirs(::parquet::Encoding::DELTA_BYTE_ARRAY, front);
    EXPECT_FALSE(DecodeDeltaStrings(front.bytes(), count, 0, &back, &arena) && !views[0].empty());
  }
}

TEST(ByteArrays, DamageIsRefusedOrDecodesToSomething) {
  std::mt19937_64 random(17);
  const auto strings = SomeStrings(random, 200);
  const std::vector<std::string_view> views(strings.begin(), strings.end());
  ByteBuffer front;
  EncodeDeltaStrings(views, &front);
  std::vector<std::string_view> back;
  std::vector<char> arena;
  for (int i = 0; i < 5000; ++i) {
    ByteBuffer damaged;
    damaged.Append(front.bytes());
    for (int k = 0; k < 2; ++k) damaged.data()[random() % damaged.size()] ^= random() % 255 + 1;
    if (!DecodeDeltaStrings(damaged.bytes(), 200, 1 << 20, &back, &arena)) continue;
    size_t total = 0;
    for (const std::string_view value : back) total += value.size();
    EXPECT_LE(total, size_t{1} << 20);
  }
}

TEST(Bounds, LeaveOutNaNAndSignZeros) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  std::vector<double> values(100, 3.5);
  values[7] = nan;
  values[50] = -2;
  values[99] = 8;
  DoubleBounds bounds = BoundsOf(values);
  EXPECT_EQ(bounds.min, -2);
  EXPECT_EQ(bounds.max, 8);
  EXPECT_TRUE(bounds.any && bounds.has_nan);
  bounds = BoundsOf(std::vector<double>(20, nan));
  EXPECT_FALSE(bounds.any);
  EXPECT_EQ(bounds.min, -infinity);
  EXPECT_EQ(bounds.max, infinity);
  bounds = BoundsOf(std::vector<double>{0.0, 0.0, -0.0, 0.0});
  EXPECT_TRUE(std::signbit(bounds.min));
  EXPECT_FALSE(std::signbit(bounds.max));
}

TEST(Bounds, CutStringsStayBoundsAndUtf8) {
  const std::string ascii(100, 'a');
  EXPECT_EQ(CutMin(ascii, true).bytes, std::string(64, 'a'));
  EXPECT_EQ(CutMax(ascii, true).bytes, std::string(63, 'a') + "b");
  EXPECT_FALSE(CutMax(ascii, true).exact);
  EXPECT_TRUE(CutMax("short", true).exact);
  std::string japanese;
  for (int i = 0; i < 40; ++i) japanese += "日";
  const std::string max = CutMax(japanese, true).bytes;
  EXPECT_EQ(max.size(), 63u);
  EXPECT_LT(japanese, max);
  EXPECT_EQ(max.substr(60), "旦");  // the next code point
  EXPECT_EQ(CutMax(std::string(70, '\xff'), false).bytes, std::string(70, '\xff'));
  EXPECT_EQ(CutMax(std::string(63, 'x') + std::string(9, '\xff'), false).bytes,
            std::string(62, 'x') + "y");
  std::string last;
  for (int i = 0; i < 20; ++i) last += "\xf4\x8f\xbf\xbf";  // U+10FFFF
  EXPECT_LE(last, CutMax(last, true).bytes);
}

TEST(NullPages, OnlyTheBooleansChange) {
  std::vector<uint8_t> index = {0x19, 0x31, 2, 1, 2, 0x19, 0x38, 2, 2};
  EXPECT_TRUE(NormalizeNullPages(index));
  EXPECT_EQ(index, (std::vector<uint8_t>{0x19, 0x31, 0, 1, 0, 0x19, 0x38, 2, 2}));
  std::vector<uint8_t> many = {0x19, 0xf1, 0x81, 0x01};
  many.insert(many.end(), 129, 2);
  many.push_back(2);
  EXPECT_TRUE(NormalizeNullPages(many));
  EXPECT_EQ(many[132], 0);
  EXPECT_EQ(many[133], 2);
  std::vector<uint8_t> wrong = {0x15, 0x31, 2};
  EXPECT_FALSE(NormalizeNullPages(wrong));
}

TEST(PlainPages, RoundTripAndRefuseGarbage) {
  const PlainPages pages = {{{0, 3}, {true, false, false, true, true}}, {{2, 1}, {false}}};
  const std::string text = FormatPlainPages(pages);
  EXPECT_EQ(text, "0:3:5:91;2:1:1:0;");
  EXPECT_EQ(ParsePlainPages(text), pages);
  EXPECT_EQ(ParsePlainPages(""), PlainPages());
  for (const char* bad : {"0:3:5:9;", "0:3:5:9g;", "x:3:5:91;", "0:3:5:91", "0:3:99999999:9;"}) {
    EXPECT_FALSE(ParsePlainPages(bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace thermocline::columnar
