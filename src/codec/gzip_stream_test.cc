#include "codec/gzip_stream.h"

#include <gtest/gtest.h>

#include <random>

#include "codec/compression.h"

namespace thermocline {
namespace {

TEST(GzipStream, PiecesMakeOneTextThatAnyDecoderReads) {
  constexpr uint64_t kSeed = 20261121;
  SCOPED_TRACE(kSeed);
  std::mt19937_64 random(kSeed);
  for (int round = 0; round < 20; ++round) {
    GzipStream stream(1);
    std::string text;
    std::string packed;
    for (int piece = 0; piece < 30; ++piece) {
      std::string bytes(random() % 50'000, 'x');
      for (char& c : bytes) c = static_cast<char>('0' + random() % 10);
      stream.Write(bytes, &packed);
      text += bytes;
    }
    stream.Finish(&packed);
    EXPECT_LT(packed.size(), text.size());
    std::string back;
    ASSERT_TRUE(GzipDecode(packed, text.size(), &back).ok());
    EXPECT_EQ(back, text);
  }
}

TEST(GzipStream, NothingIsAnEmptyText) {
  GzipStream stream(1);
  std::string packed;
  stream.Finish(&packed);
  std::string back = "old";
  ASSERT_TRUE(GzipDecode(packed, 10, &back).ok());
  EXPECT_EQ(back, "");
}

TEST(GzipStream, WhatIsCutShortDoesNotDecode) {
  GzipStream stream(1);
  std::string packed;
  stream.Write(std::string(200'000, 'x'), &packed);
  std::string back;
  EXPECT_FALSE(GzipDecode(packed, 1 << 20, &back).ok());
}

}  // namespace
}  // namespace thermocline
