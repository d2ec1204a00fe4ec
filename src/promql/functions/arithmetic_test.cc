#include "promql/functions/arithmetic.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace thermocline::promql {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kMax = std::numeric_limits<double>::max();

TEST(Arithmetic, FollowsTheSignOfTheDividendInModulo) {
  EXPECT_EQ(Arithmetic(BinaryOp::kMod, -7, 3), -1);
  EXPECT_EQ(Arithmetic(BinaryOp::kMod, 7, -3), 1);
  EXPECT_TRUE(std::isnan(Arithmetic(BinaryOp::kMod, 1, 0)));
}

TEST(Arithmetic, KnowsThePowersThatAreOne) {
  EXPECT_EQ(Arithmetic(BinaryOp::kPow, 0, 0), 1);
  EXPECT_EQ(Arithmetic(BinaryOp::kPow, 1, kNan), 1);
}

TEST(Arithmetic, NothingEqualsNan) {
  EXPECT_FALSE(Compare(BinaryOp::kEqual, kNan, kNan));
  EXPECT_TRUE(Compare(BinaryOp::kNotEqual, kNan, kNan));
  EXPECT_FALSE(Compare(BinaryOp::kLessOrEqual, kNan, 1));
}

TEST(Arithmetic, AnInfinityDecidesExtremesBeforeNan) {
  EXPECT_EQ(GoMax(kNan, kInf), kInf);
  EXPECT_EQ(GoMin(kNan, -kInf), -kInf);
  EXPECT_TRUE(std::isnan(GoMax(kNan, 1)));
  EXPECT_TRUE(std::isnan(GoMin(kInf, kNan)));
  EXPECT_FALSE(std::signbit(GoMax(-0.0, 0.0)));
  EXPECT_TRUE(std::signbit(GoMin(0.0, -0.0)));
}

TEST(KahanAdd, KeepsWhatAPlainSumLoses) {
  double sum = 0;
  double compensation = 0;
  for (const double value : {1.0, 1e100, 1.0, -1e100}) KahanAdd(value, &sum, &compensation);
  EXPECT_EQ(sum + compensation, 2);
}

TEST(RunningMean, SurvivesSumsThatOverflow) {
  RunningMean mean;
  for (int i = 0; i < 4; ++i) mean.Add(kMax);
  EXPECT_DOUBLE_EQ(mean.Value(), kMax);
}

TEST(RunningMean, MergedPartsAgreeWithOnePass) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    // Half of the seeds use values whose sum overflows.
    const double scale = seed % 2 == 0 ? kMax / 3 : 1e3;
    std::uniform_real_distribution<double> uniform(0, scale);
    RunningMean whole;
    RunningMean merged;
    for (int part = 0; part < 5; ++part) {
      RunningMean one;
      for (int i = 0; i < 7 * part; ++i) {
        const double value = uniform(random);
        whole.Add(value);
        one.Add(value);
      }
      merged.Merge(one);
    }
    EXPECT_EQ(merged.count(), whole.count());
    EXPECT_NEAR(merged.Value() / whole.Value(), 1, 1e-12);
  }
}

}  // namespace
}  // namespace thermocline::promql
