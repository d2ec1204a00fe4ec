#include "model/number.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

#include "model/sample.h"

namespace thermocline {
namespace {

TEST(GoNumbers, ReadsWhatGoReads) {
  const double infinity = HUGE_VAL;
  const std::vector<std::pair<std::string_view, double>> good = {
      {"0", 0},
      {"-0", -0.0},
      {"+1.5", 1.5},
      {".5", 0.5},
      {"5.", 5},
      {"1e-7", 1e-7},
      {"1E+3", 1000},
      {"inf", infinity},
      {"-Inf", -infinity},
      {"+Infinity", infinity},
      {"0x1p-2", .25},
      {"0X.8P1", 1},
      {"1e-400", 0},
      {"00012", 12},
  };
  for (const auto& [text, value] : good) {
    double parsed = -1;
    ASSERT_TRUE(ParseGoFloat(text, &parsed)) << text;
    EXPECT_TRUE(SameBits(parsed, value)) << text;
  }
  double nan = 0;
  ASSERT_TRUE(ParseGoFloat("NaN", &nan));
  EXPECT_TRUE(SameBits(nan, NormalNan()));
  for (const std::string_view bad :
       {"", "+", "-", "abc", "1x", "--1", "+-1", "-nan", "1e400", "0x1", "0x", "0xp1", "0x-1p1",
        " 1", "1 ", "e5", "infinit", "nan(1)", "1,5"}) {
    double parsed = 0;
    EXPECT_FALSE(ParseGoFloat(bad, &parsed)) << bad;
  }
}

TEST(GoNumbers, TellsAMagnitudeTooLargeFromOtherText) {
  double parsed = 0;
  bool out_of_range = false;
  EXPECT_FALSE(ParseGoFloat("-1e400", &parsed, &out_of_range));
  EXPECT_TRUE(out_of_range);
  EXPECT_FALSE(ParseGoFloat("1e400x", &parsed, &out_of_range));
  EXPECT_FALSE(out_of_range);
  EXPECT_TRUE(ParseGoFloat("1e-400", &parsed, &out_of_range));
  EXPECT_FALSE(out_of_range);
}

TEST(GoNumbers, PrintsLikeFormatFloatG) {
  const std::vector<std::pair<double, std::string_view>> cases = {
      {0, "0"},
      {1, "1"},
      {-0.5, "-0.5"},
      {123456, "123456"},
      {999999.5, "999999.5"},
      {1e6, "1e+06"},
      {2097152, "2.097152e+06"},
      {0.0001, "0.0001"},
      {0.00001, "1e-05"},
      {1e300, "1e+300"},
  };
  for (const auto& [value, text] : cases) {
    std::string out;
    AppendFloatG(&out, value);
    EXPECT_EQ(out, text);
  }
}

}  // namespace
}  // namespace thermocline
