#include "base/utf8.h"

#include <gtest/gtest.h>

namespace thermocline {
namespace {

TEST(Utf8, EveryCodePointReadsBackAndSurrogatesDoNot) {
  for (int32_t value = 0; value <= 0x10FFFF; ++value) {
    std::string text;
    AppendUtf8(static_cast<uint32_t>(value), &text);
    const auto size = static_cast<int32_t>(text.size());
    const CodePoint read = DecodeUtf8(text + "x");
    if (value >= 0xD800 && value < 0xE000) {
      ASSERT_EQ(read.value, 0xFFFD) << value;
      ASSERT_EQ(read.bytes, 1) << value;
    } else {
      ASSERT_EQ(read.value, value);
      ASSERT_EQ(read.bytes, size) << value;
    }
  }
}

TEST(Utf8, WhatIsInvalidIsOneByte) {
  for (const std::string_view text :
       {"\x80", "\xc3", "\xc3(", "\xc0\x80", "\xc1\xbf", "\xe2\x82", "\xe0\x9f\xbf", "\xed\xa0\x80",
        "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf8\x88\x80\x80\x80",
        "\xff"}) {
    const CodePoint read = DecodeUtf8(text);
    EXPECT_EQ(read.value, 0xFFFD);
    EXPECT_EQ(read.bytes, 1);
  }
  EXPECT_EQ(DecodeUtf8("").bytes, 0);
}

}  // namespace
}  // namespace thermocline
