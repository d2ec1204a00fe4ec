#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "codec/bit_pack.h"
#include "codec/float_block.h"
#include "codec/int_block.h"
#include "codec/sample_block.h"
#include "model/sample.h"

namespace thermocline {
namespace {

constexpr uint64_t kSeed = 20261121;

double Special(std::mt19937_64& random) {
  switch (random() % 12) {
    case 0: return StaleMarker();
    case 1: return NormalNan();
    case 2: return std::bit_cast<double>(0xfff8000000abcdefull);
    case 3: return -0.0;
    case 4: return std::numeric_limits<double>::infinity();
    case 5: return -std::numeric_limits<double>::infinity();
    case 6: return std::numeric_limits<double>::denorm_min();
    case 7: return std::numeric_limits<double>::max();
    case 8: return -std::numeric_limits<double>::min();
    case 9: return 9007199254740993.0;
    case 10: return -9223372036854775808.0;
    default: return std::bit_cast<double>(random());
  }
}

constexpr int kGenerators = 10;

// Series of the kinds that monitoring sees, and a few that it does not.
std::vector<double> Generate(int kind, size_t n, std::mt19937_64& random) {
  std::vector<double> values(n);
  std::normal_distribution<double> normal(0, 1);
  double state = static_cast<double>(random() % 1'000'000);
  const double constant = Special(random);
  for (size_t i = 0; i < n; ++i) {
    switch (kind) {
      case 0: values[i] = constant; break;
      case 1: values[i] = state += static_cast<double>(random() % 50); break;
      case 2: values[i] = std::round((state += normal(random)) * 100) / 100; break;
      case 3: values[i] = normal(random); break;
      case 4: values[i] = (state += static_cast<double>(random() % 2)) * 4096; break;
      case 5: values[i] = state = random() % 40 == 0 ? 0 : state + 17; break;
      case 6: values[i] = 1.7e18 + static_cast<double>(random() % 1000) * 256; break;
      case 7: values[i] = random() % 8 == 0 ? Special(random) : std::round(normal(random)); break;
      case 8: values[i] = Special(random); break;
      default: values[i] = static_cast<double>(random() % 1000) / 1000 - 0.5; break;
    }
  }
  if (random() % 4 == 0) values.back() = StaleMarker();
  return values;
}

void ExpectSameBits(const std::vector<double>& a, const std::vector<double>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(std::bit_cast<uint64_t>(a[i]), std::bit_cast<uint64_t>(b[i])) << "at " << i;
  }
}

TEST(BitPack, ReturnsEveryWidthAndCount) {
  std::mt19937_64 random(kSeed);
  for (int width = 0; width <= 64; ++width) {
    for (size_t n : {1, 7, 8, 9, 63, 64, 120, 121}) {
      std::vector<uint64_t> items(n);
      const uint64_t mask = width == 64 ? ~0ull : (1ull << width) - 1;
      for (auto& item : items) item = random() & mask;
      std::string packed;
      PackBits(items, width, &packed);
      ASSERT_EQ(packed.size(), PackedSize(n, width));
      // Bit by bit: the oracle of both directions.
      for (size_t bit = 0; bit < n * static_cast<size_t>(width); ++bit) {
        const uint64_t want = items[bit / width] >> (bit % width) & 1;
        ASSERT_EQ(static_cast<uint8_t>(packed[bit / 8]) >> (bit % 8) & 1, want);
      }
      std::vector<uint64_t> back(n, ~0ull);
      UnpackBits(packed, width, back);
      ASSERT_EQ(back, items) << "width " << width << " n " << n;
    }
  }
}

TEST(IntBlock, ReturnsRandomWalksOfEveryStepSizeExactly) {
  std::mt19937_64 random(kSeed);
  for (int round = 0; round < 2000; ++round) {
    const size_t n = 1 + random() % (round % 50 == 0 ? kMaxBlockItems : 130);
    const int bits = static_cast<int>(random() % 65);
    const uint64_t order = random() % 3;
    const int outlier = 1 + static_cast<int>(random() % 200);
    std::vector<int64_t> values(n);
    uint64_t level = random();
    uint64_t slope = 0;
    for (auto& v : values) {
      uint64_t noise = bits == 0 ? 0 : random() >> (64 - bits);
      if (random() % static_cast<uint64_t>(outlier) == 1) noise = random();
      if (order == 0) {
        v = static_cast<int64_t>(level + noise);
      } else {
        slope = order == 1 ? noise : slope + noise;
        v = static_cast<int64_t>(level += slope);
      }
    }
    std::string bytes;
    EncodeIntBlock(values, &bytes);
    ByteReader reader(bytes);
    std::vector<int64_t> back(n);
    const Status status = DecodeIntBlock(reader, back);
    ASSERT_TRUE(status.ok()) << status.ToString();
    ASSERT_TRUE(reader.done());
    ASSERT_EQ(back, values) << "seed " << kSeed << " round " << round;
  }
}

TEST(IntBlock, ChoosesTheFormThatFits) {
  std::vector<int64_t> constant(100, 7), linear, noise, counter, smooth;
  std::mt19937_64 random(kSeed);
  int64_t total = 1'000'000'000;
  for (int64_t i = 0; i < 100; ++i) {
    linear.push_back(1'000 + 15'000 * i);
    noise.push_back(static_cast<int64_t>(random() % 100));
    counter.push_back(total += 1'000 + static_cast<int64_t>(random() % 100));
    smooth.push_back(1'000 * i * i + static_cast<int64_t>(random() % 4));
  }
  std::string bytes;
  EXPECT_EQ(EncodeIntBlock(constant, &bytes), IntForm::kConstant);
  EXPECT_EQ(EncodeIntBlock(linear, &bytes), IntForm::kLinear);
  EXPECT_LT(bytes.size(), 12u);
  EXPECT_EQ(EncodeIntBlock(noise, &bytes), IntForm::kFrame);
  EXPECT_EQ(EncodeIntBlock(counter, &bytes), IntForm::kDelta);
  EXPECT_EQ(EncodeIntBlock(smooth, &bytes), IntForm::kSecondDelta);
}

TEST(IntBlock, PatchesACountersResetInsteadOfWideningAll) {
  std::vector<int64_t> values;
  int64_t total = 123'456'789'012;
  for (int i = 0; i < 120; ++i) {
    if (i == 60) total = 0;
    values.push_back(total += 100 + i % 3);
  }
  std::string bytes;
  EncodeIntBlock(values, &bytes);
  EXPECT_LT(bytes.size(), 120u / 4 + 32);
}

TEST(FloatBlock, ReturnsEveryBitOfEveryGenerator) {
  std::mt19937_64 random(kSeed);
  for (int round = 0; round < 3000; ++round) {
    const size_t n = 1 + random() % (round % 40 == 0 ? kMaxBlockItems : 150);
    const std::vector<double> values = Generate(round % kGenerators, n, random);
    std::string bytes;
    EncodeFloatBlock(values, &bytes);
    ASSERT_EQ(*FloatBlockCount(bytes), n);
    std::vector<double> back(n);
    const Status status = DecodeFloatBlock(bytes, back);
    ASSERT_TRUE(status.ok()) << status.ToString();
    ExpectSameBits(values, back);
    ASSERT_FALSE(HasFatalFailure()) << "seed " << kSeed << " round " << round;
    ASSERT_LE(bytes.size(), 8 * n + 24) << "round " << round;
  }
}

TEST(FloatBlock, KeepsDecimalsSmall) {
  std::mt19937_64 random(kSeed);
  std::string bytes;
  EncodeFloatBlock(Generate(2, 120, random), &bytes);
  EXPECT_LT(bytes.size(), 120u * 2);
  bytes.clear();
  std::vector<double> stale_end(120, 42.25);
  stale_end.back() = StaleMarker();
  EncodeFloatBlock(stale_end, &bytes);
  EXPECT_LT(bytes.size(), 32u);
}

TEST(FloatBlock, TellsTheShapeOfARun) {
  std::string bytes;
  EXPECT_EQ(EncodeFloatBlock(std::vector<double>{1, 1, 1}, &bytes), FloatShape::kConstant);
  EXPECT_EQ(EncodeFloatBlock(std::vector<double>{0.5, 1, 1.5}, &bytes), FloatShape::kLinear);
  EXPECT_EQ(EncodeFloatBlock(std::vector<double>{0.5, 1, 7}, &bytes), FloatShape::kNeither);
  EXPECT_EQ(EncodeFloatBlock(std::vector<double>{0.0, -0.0}, &bytes), FloatShape::kNeither);
}

std::vector<TimestampMs> Times(size_t n, int kind, std::mt19937_64& random) {
  std::vector<TimestampMs> times(n);
  TimestampMs t = 1'700'000'000'000 + static_cast<int64_t>(random() % 100'000);
  for (auto& time : times) {
    time = t;
    t += kind == 0 ? 15'000 : 1 + static_cast<int64_t>(random() % (kind == 1 ? 20 : 1u << 31));
    if (kind == 1) t += 14'990;
  }
  return times;
}

TEST(SampleBlock, ReturnsSamplesAndAnswersFromItsHead) {
  std::mt19937_64 random(kSeed);
  for (int round = 0; round < 600; ++round) {
    const size_t n = 1 + random() % 200;
    const auto times = Times(n, round % 3, random);
    const auto values = Generate(round % kGenerators, n, random);
    std::string bytes;
    EncodeSampleBlock(times, values, &bytes);
    const auto info = ReadSampleBlockInfo(bytes);
    ASSERT_TRUE(info.ok());
    EXPECT_EQ(info->count, n);
    EXPECT_EQ(info->range, (TimeRange{times.front(), times.back()}));
    EXPECT_TRUE(SameBits(info->last_value, values.back()));
    std::vector<TimestampMs> times_back(n);
    std::vector<double> values_back(n);
    ASSERT_TRUE(DecodeSampleBlock(bytes, times_back, values_back).ok());
    EXPECT_EQ(times_back, times);
    ExpectSameBits(values, values_back);
  }
}

TEST(SampleBlock, AnswersEveryFlippedByteWithoutCrashing) {
  std::mt19937_64 random(kSeed);
  size_t refused = 0;
  for (int kind = 0; kind < kGenerators; ++kind) {
    const size_t n = 33 + static_cast<size_t>(kind);
    std::string bytes;
    EncodeSampleBlock(Times(n, kind % 3, random), Generate(kind, n, random), &bytes);
    for (size_t at = 0; at < bytes.size(); ++at) {
      for (int flip = 1; flip < 256; flip += 1 + static_cast<int>(random() % 5)) {
        // A heap copy of the exact size lets a sanitizer see every read past the end.
        std::vector<char> copy(bytes.begin(), bytes.end());
        copy[at] = static_cast<char>(copy[at] ^ flip);
        const std::string_view view(copy.data(), copy.size());
        const auto info = ReadSampleBlockInfo(view);
        if (!info.ok()) {
          ++refused;
          continue;
        }
        std::vector<TimestampMs> times(info->count);
        std::vector<double> values(info->count);
        const Status status = DecodeSampleBlock(view, times, values);
        EXPECT_TRUE(status.ok() || status.code() == Code::kCorruption);
        refused += !status.ok();
      }
    }
  }
  EXPECT_GT(refused, 1000u);
}

TEST(SampleBlock, RefusesEveryTruncationAndRandomBytes) {
  std::mt19937_64 random(kSeed);
  std::string bytes;
  EncodeSampleBlock(Times(50, 1, random), Generate(2, 50, random), &bytes);
  for (size_t size = 0; size < bytes.size(); ++size) {
    std::vector<TimestampMs> times(50);
    std::vector<double> values(50);
    const std::vector<char> copy(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size));
    EXPECT_FALSE(DecodeSampleBlock({copy.data(), size}, times, values).ok()) << size;
  }
  for (int round = 0; round < 20000; ++round) {
    std::vector<char> junk(random() % 80);
    for (auto& c : junk) c = static_cast<char>(random() % 4 == 0 ? random() : random() % 8);
    std::vector<double> values(1 + random() % 40);
    std::vector<TimestampMs> times(values.size());
    (void)DecodeFloatBlock({junk.data(), junk.size()}, values).ok();
    (void)DecodeTimeBlock({junk.data(), junk.size()}, times).ok();
    (void)DecodeSampleBlock({junk.data(), junk.size()}, times, values).ok();
  }
}

}  // namespace
}  // namespace thermocline
