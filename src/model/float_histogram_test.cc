#include "model/float_histogram.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "model/go_math.h"
#include "model/histogram_check.h"

namespace thermocline {
namespace {

FloatHistogram Exponential(std::vector<HistogramSpan> spans, std::vector<double> buckets) {
  FloatHistogram h;
  h.positive_spans = std::move(spans);
  h.positive_buckets = std::move(buckets);
  for (const double count : h.positive_buckets) h.count += count;
  return h;
}

TEST(FloatHistogram, IntegerCountsBecomeTheNearestDoubles) {
  Histogram stored;
  stored.schema = 2;
  stored.reset_hint = CounterResetHint::kGauge;
  stored.count = (uint64_t{1} << 53) + 3;
  stored.zero_count = 7;
  stored.sum = 1.5;
  stored.positive_spans = {{-1, 2}};
  stored.positive_counts = {(int64_t{1} << 53) + 1, 3};
  stored.negative_spans = {{4, 1}};
  stored.negative_counts = {5};
  const FloatHistogram h = ToFloat(stored);
  EXPECT_EQ(h.count, 9007199254740996.0);
  EXPECT_EQ(h.zero_count, 7);
  EXPECT_EQ(h.positive_buckets, (std::vector<double>{9007199254740992.0, 3}));
  EXPECT_EQ(h.negative_buckets, (std::vector<double>{5}));
  EXPECT_EQ(h.reset_hint, CounterResetHint::kGauge);
}

TEST(FloatHistogram, AStoredFloatHistogramReadsBackTheSame) {
  FloatHistogram h = Exponential({{3, 2}}, {1.5, 2.5});
  h.schema = kCustomBoundsSchema;
  h.custom_bounds = {1, 2, 3, 4};
  h.sum = StaleMarker();
  h.zero_count = 4;
  const FloatHistogram back = ToFloat(ToStored(h));
  EXPECT_TRUE(Equals(h, back));
  EXPECT_TRUE(IsStale(back.sum));
  EXPECT_EQ(back.zero_count, 4);
}

TEST(FloatHistogram, AHistogramMayBeAddedToItself) {
  FloatHistogram h = Exponential({{0, 1}, {2, 1}}, {1, 2});
  ASSERT_TRUE(Add(&h, h).has_value());
  EXPECT_EQ(h.positive_buckets, (std::vector<double>{2, 4}));
  EXPECT_EQ(h.count, 6);
  ASSERT_TRUE(Subtract(&h, h).has_value());
  EXPECT_EQ(h.positive_buckets, (std::vector<double>{0, 0}));
}

TEST(FloatHistogram, KahanAdditionKeepsWhatPlainAdditionLoses) {
  FloatHistogram sum = Exponential({{0, 1}}, {1});
  FloatHistogram compensation = NewCompensation(sum);
  for (const double term : {1e100, 1.0, -1e100}) {
    ASSERT_TRUE(KahanAdd(&sum, Exponential({{0, 1}}, {term}), &compensation).has_value());
  }
  ASSERT_TRUE(Add(&sum, compensation).has_value());
  EXPECT_EQ(sum.positive_buckets, (std::vector<double>{2}));
}

TEST(FloatHistogram, JoiningManySpansKeepsCountsInTheirBuckets) {
  FloatHistogram h = Exponential({{0, 3}, {1, 2}, {1, 1}}, {1, 2, 3, 4, 5, 6});
  const std::string before = ToString(h);
  Compact(&h, 1);
  EXPECT_EQ(h.positive_spans, (std::vector<HistogramSpan>{{0, 8}}));
  EXPECT_EQ(h.positive_buckets, (std::vector<double>{1, 2, 3, 0, 4, 5, 0, 6}));
  EXPECT_EQ(ToString(h), before);
}

TEST(FloatHistogram, ResolutionOnlyGetsCoarser) {
  FloatHistogram h = Exponential({{0, 1}}, {1});
  EXPECT_EQ(ReduceResolution(&h, 0).message(), "cannot reduce resolution from schema 0 to 0");
  h.schema = kCustomBoundsSchema;
  EXPECT_EQ(ReduceResolution(&h, 0).message(),
            "cannot reduce resolution when there are custom buckets");
}

// What came from disk may be malformed: nothing may be read past its end, nothing may hang.
TEST(FloatHistogram, SpansThatPromiseTooManyBucketsDoNoHarm) {
  FloatHistogram h = Exponential({{0, 4000000000u}, {-3, 7}}, {1, 2, 3});
  h.negative_spans = {{2, 5}};
  FloatHistogram other = Exponential({{1, 9}}, {1});
  other.zero_threshold = 2;
  other.schema = -1;
  EXPECT_FALSE(CheckHistogram(ToStored(h)).ok());
  EXPECT_TRUE(DetectReset(other, h));
  ASSERT_TRUE(Add(&h, other).has_value());
  FloatHistogram compensation;
  ASSERT_TRUE(KahanAdd(&h, other, &compensation).has_value());
  TrimBuckets(&h, 3, true);
  Compact(&h, 2);
  EXPECT_FALSE(std::isnan(HistogramQuantile(0.5, h).value));
  EXPECT_FALSE(ToString(h).empty());
}

TEST(FloatHistogram, AZeroThresholdThatIsNoNumberEndsTheSearch) {
  FloatHistogram h = Exponential({{0, 1}}, {1});
  FloatHistogram other = h;
  other.zero_threshold = std::nan("");
  EXPECT_TRUE(Add(&h, other).has_value());
}

TEST(GoMath, PowersOfTwoAreExact) {
  EXPECT_EQ(GoLog2(0x1p-1074), -1074);
  EXPECT_EQ(GoLog2(8), 3);
  EXPECT_EQ(GoExp2(10), 1024);
  EXPECT_EQ(GoExp2(-1074), 0x1p-1074);
  EXPECT_EQ(GoExp2(1024), std::numeric_limits<double>::infinity());
  EXPECT_EQ(GoLog2(0), -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(GoLog2(-1)));
}

}  // namespace
}  // namespace thermocline
