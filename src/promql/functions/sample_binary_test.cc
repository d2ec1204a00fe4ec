#include "promql/functions/sample_binary.h"

#include <gtest/gtest.h>

namespace thermocline::promql {
namespace {

std::shared_ptr<FloatHistogram> Exponential(double count) {
  auto histogram = std::make_shared<FloatHistogram>();
  histogram->positive_spans = {{0, 1}};
  histogram->positive_buckets = {count};
  histogram->count = count;
  histogram->sum = count * 2;
  return histogram;
}

std::shared_ptr<FloatHistogram> Custom(std::vector<double> bounds) {
  auto histogram = std::make_shared<FloatHistogram>();
  histogram->schema = kCustomBoundsSchema;
  histogram->custom_bounds = std::move(bounds);
  histogram->positive_spans = {{0, 1}};
  histogram->positive_buckets = {4};
  histogram->count = 4;
  return histogram;
}

SampleAnswer Ask(BinaryOp op, const std::shared_ptr<const FloatHistogram>& left,
                 const std::shared_ptr<const FloatHistogram>& right) {
  return CombineSamples(op, {0, &left}, {0, &right});
}

TEST(SampleBinary, HistogramsAddAndSubtract) {
  const SampleAnswer sum = Ask(BinaryOp::kAdd, Exponential(3), Exponential(4));
  ASSERT_TRUE(sum.valid);
  EXPECT_EQ(sum.histogram->count, 7);
  EXPECT_EQ(sum.histogram->sum, 14);
  const SampleAnswer difference = Ask(BinaryOp::kSub, Exponential(7), Exponential(4));
  EXPECT_EQ(difference.histogram->positive_buckets, std::vector<double>{3});
  EXPECT_EQ(difference.histogram->reset_hint, CounterResetHint::kGauge);
}

TEST(SampleBinary, AHistogramIsScaledByANumberOnEitherSideButDividedOnlyByOne) {
  const std::shared_ptr<const FloatHistogram> histogram = Exponential(3);
  EXPECT_EQ(CombineSamples(BinaryOp::kMul, {2, nullptr}, {0, &histogram}).histogram->count, 6);
  EXPECT_EQ(CombineSamples(BinaryOp::kDiv, {0, &histogram}, {2, nullptr}).histogram->count, 1.5);
  const SampleAnswer refused = CombineSamples(BinaryOp::kDiv, {2, nullptr}, {0, &histogram});
  EXPECT_FALSE(refused.valid);
  EXPECT_EQ(refused.note, BinaryNote::kFloatHistogram);
}

TEST(SampleBinary, OnlyEqualityComparesHistograms) {
  EXPECT_TRUE(Ask(BinaryOp::kEqual, Exponential(3), Exponential(3)).keep);
  EXPECT_FALSE(Ask(BinaryOp::kEqual, Exponential(3), Exponential(4)).keep);
  EXPECT_TRUE(Ask(BinaryOp::kNotEqual, Exponential(3), Exponential(4)).keep);
  EXPECT_EQ(Ask(BinaryOp::kGreater, Exponential(3), Exponential(4)).note,
            BinaryNote::kHistogramHistogram);
}

TEST(SampleBinary, SaysWhatDidNotFit) {
  EXPECT_EQ(Ask(BinaryOp::kAdd, Exponential(3), Custom({1, 2})).note, BinaryNote::kBucketLayout);
  const SampleAnswer reconciled = Ask(BinaryOp::kAdd, Custom({1, 2}), Custom({1, 3}));
  EXPECT_TRUE(reconciled.valid);
  EXPECT_EQ(reconciled.note, BinaryNote::kAddBounds);
  const auto reset = Exponential(3);
  reset->reset_hint = CounterResetHint::kReset;
  const auto followed = Exponential(3);
  followed->reset_hint = CounterResetHint::kNotReset;
  const SampleAnswer collided = Ask(BinaryOp::kAdd, reset, followed);
  EXPECT_FALSE(collided.valid);
  EXPECT_EQ(BinaryNoteText(collided.note, BinaryOp::kAdd),
            "conflicting counter resets during histogram addition");
  EXPECT_TRUE(IsWarning(collided.note));
  EXPECT_EQ(BinaryNoteText(BinaryNote::kFloatFloat, BinaryOp::kTrimUpper),
            "incompatible sample types encountered for binary operator \"</\": float </ float");
}

}  // namespace
}  // namespace thermocline::promql
