#include "promql/functions/buckets.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace thermocline::promql {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

double Ask(double q, std::vector<Bucket> buckets, BucketRepair* repair = nullptr) {
  BucketRepair unused;
  return BucketQuantile(q, &buckets, repair == nullptr ? &unused : repair);
}

TEST(BucketQuantile, InterpolatesLinearlyInsideABucket) {
  EXPECT_DOUBLE_EQ(Ask(0.5, {{kInf, 10}, {1, 5}, {2, 10}}), 1);
  EXPECT_DOUBLE_EQ(Ask(0.25, {{1, 5}, {2, 10}, {kInf, 10}}), 0.5);
  EXPECT_DOUBLE_EQ(Ask(0.75, {{1, 5}, {2, 10}, {kInf, 10}}), 1.5);
}

TEST(BucketQuantile, StopsAtTheHighestFiniteBound) {
  EXPECT_EQ(Ask(0.99, {{1, 5}, {2, 6}, {kInf, 10}}), 2);
  EXPECT_EQ(Ask(0.1, {{-1, 5}, {kInf, 10}}), -1);
}

TEST(BucketQuantile, IsNanWhereNothingIsKnown) {
  EXPECT_TRUE(std::isnan(Ask(0.5, {{1, 5}, {2, 6}})));
  EXPECT_TRUE(std::isnan(Ask(0.5, {{kInf, 5}})));
  EXPECT_TRUE(std::isnan(Ask(0.5, {{1, 0}, {kInf, 0}})));
  EXPECT_TRUE(std::isnan(Ask(kNan, {{1, 1}, {kInf, 1}})));
  EXPECT_EQ(Ask(-1, {}), -kInf);
  EXPECT_EQ(Ask(2, {}), kInf);
}

TEST(BucketQuantile, RepairsFallingCountsAndSaysSo) {
  BucketRepair repair;
  EXPECT_DOUBLE_EQ(Ask(0.5, {{1, 4}, {2, 3}, {3, 2}, {kInf, 4}}, &repair), 0.5);
  EXPECT_TRUE(repair.forced);
  EXPECT_EQ(repair.min_bucket, 2);
  EXPECT_EQ(repair.max_bucket, 3);
  EXPECT_EQ(repair.max_diff, 2);
  // Noise in the last bits is repaired silently.
  (void)Ask(0.5, {{1, 4}, {2, 4 * (1 - 1e-14)}, {kInf, 4}}, &repair);
  EXPECT_FALSE(repair.forced);
}

TEST(BucketQuantile, AddsUpEqualBounds) {
  EXPECT_DOUBLE_EQ(Ask(0.5, {{1, 2}, {1, 3}, {2, 10}, {kInf, 10}}), 1);
}

TEST(BucketFraction, InterpolatesBothEnds) {
  std::vector<Bucket> buckets = {{1, 5}, {2, 10}, {kInf, 20}};
  EXPECT_DOUBLE_EQ(BucketFraction(0.5, 1.5, &buckets), 0.25);
  EXPECT_DOUBLE_EQ(BucketFraction(-kInf, kInf, &buckets), 1);
  EXPECT_DOUBLE_EQ(BucketFraction(2, kInf, &buckets), 0.5);
  EXPECT_EQ(BucketFraction(3, 1, &buckets), 0);
  EXPECT_TRUE(std::isnan(BucketFraction(kNan, 1, &buckets)));
}

TEST(ParseBound, AcceptsWhatGoAccepts) {
  EXPECT_EQ(ParseBound("+Inf"), kInf);
  EXPECT_EQ(ParseBound("0x1p3"), 8);
  EXPECT_EQ(ParseBound("1e3"), 1000);
  EXPECT_EQ(ParseBound(""), std::nullopt);
  EXPECT_EQ(ParseBound(" 1"), std::nullopt);
  EXPECT_EQ(ParseBound("1s"), std::nullopt);
}

}  // namespace
}  // namespace thermocline::promql
