#include "model/histogram.h"

#include <gtest/gtest.h>

#include <cmath>

namespace thermocline {
namespace {

Histogram Simple() {
  Histogram h;
  h.count = 5;
  h.sum = 12.5;
  h.zero_count = 1;
  h.zero_threshold = 0x1p-128;
  h.positive_spans = {{1, 2}};
  h.positive_counts = {3, 1};
  return h;
}

TEST(Histogram, ExtraEmptyBucketsAreTheSameBucketsButNotTheSameBits) {
  Histogram wide = Simple();
  wide.positive_spans = {{0, 1}, {0, 2}, {3, 1}};
  wide.positive_counts = {0, 3, 1, 0};
  EXPECT_TRUE(SameBuckets(Simple(), wide));
  EXPECT_FALSE(SameBits(Simple(), wide));
  wide.positive_counts = {1, 3, 1, 0};
  EXPECT_FALSE(SameBuckets(Simple(), wide));
}

TEST(Histogram, ShiftedBucketsDiffer) {
  Histogram shifted = Simple();
  shifted.positive_spans = {{2, 2}};
  EXPECT_FALSE(SameBuckets(Simple(), shifted));
  Histogram other_side = Simple();
  std::swap(other_side.positive_spans, other_side.negative_spans);
  std::swap(other_side.positive_counts, other_side.negative_counts);
  EXPECT_FALSE(SameBuckets(Simple(), other_side));
}

TEST(Histogram, HintsCountOnlyWhenAskedFor) {
  Histogram hinted = Simple();
  hinted.reset_hint = CounterResetHint::kNotReset;
  EXPECT_FALSE(SameBits(Simple(), hinted));
  EXPECT_TRUE(SameBits(Simple(), hinted, false));
  EXPECT_TRUE(SameBuckets(Simple(), hinted));
}

TEST(Histogram, FloatsAreComparedByTheirBits) {
  Histogram stale = Simple();
  stale.sum = StaleMarker();
  Histogram other_nan = Simple();
  other_nan.sum = std::nan("");
  EXPECT_FALSE(SameBits(stale, other_nan));
  EXPECT_FALSE(SameBuckets(stale, other_nan));
  EXPECT_TRUE(SameBits(stale, stale));
}

TEST(Histogram, IsRepeatedWhateverItsHintItsEmptySpansAndTheSignOfAZeroThreshold) {
  Histogram again = Simple();
  again.reset_hint = CounterResetHint::kReset;
  again.positive_spans = {{-2, 0}, {3, 2}, {5, 0}};
  EXPECT_TRUE(IsRepetition(Simple(), again));
  Histogram other = Simple();
  other.positive_spans = {{1, 1}, {1, 1}};
  EXPECT_FALSE(IsRepetition(Simple(), other));
  other = Simple();
  other.positive_counts = {3, 2};
  EXPECT_FALSE(IsRepetition(Simple(), other));
  other = Simple();
  other.kind = SampleKind::kFloatHistogram;
  EXPECT_FALSE(IsRepetition(Simple(), other));
  Histogram zero = Simple();
  zero.zero_threshold = 0.0;
  Histogram negative_zero = zero;
  negative_zero.zero_threshold = -0.0;
  EXPECT_TRUE(IsRepetition(zero, negative_zero));
}

TEST(Histogram, IsWellFormedWhenSpansAndCountsAgree) {
  Histogram h = Simple();
  EXPECT_TRUE(IsWellFormed(h));
  h.positive_spans = {{0, UINT32_MAX}, {0, UINT32_MAX}};
  EXPECT_FALSE(IsWellFormed(h));
  h = Simple();
  h.kind = SampleKind::kFloatHistogram;
  EXPECT_FALSE(IsWellFormed(h));
}

}  // namespace
}  // namespace thermocline
