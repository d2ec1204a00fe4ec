#include "promql/functions/window.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "promql/functions/window_extended.h"

namespace thermocline::promql {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// A window (0 s, 60 s] whose samples stand 10 s apart from `first_s` on.
class Window {
 public:
  Window(int64_t first_s, std::vector<double> values) : values_(std::move(values)) {
    for (size_t i = 0; i < values_.size(); ++i) {
      times_.push_back((first_s + 10 * static_cast<int64_t>(i)) * 1000);
    }
  }
  Window& With(double first, double second = 0) {
    params_[0] = first;
    params_[1] = second;
    return *this;
  }
  WindowView View() const {
    return {times_.data(), values_.data(), values_.size(),          0,
            60'000,        60'000,         {params_[0], params_[1]}};
  }
  // NaN stands for "no value" too: no case here yields NaN as a value unless it says so.
  double Ask(Function function) const {
    double out = 0;
    return FindWindowFunction(function)(View(), &out) ? out : kNan;
  }

 private:
  std::vector<TimestampMs> times_;
  std::vector<double> values_;
  double params_[2] = {0, 0};
};

TEST(Rate, ExtrapolatesToTheEdgesWithinReach) {
  // 10 s to either edge is no more than 1.1 gaps: the whole minute counts.
  EXPECT_DOUBLE_EQ(Window(10, {10, 20, 30, 40, 50}).Ask(Function::kIncrease), 60);
  EXPECT_DOUBLE_EQ(Window(10, {10, 20, 30, 40, 50}).Ask(Function::kRate), 1);
  // Beyond that half a gap is assumed.
  EXPECT_DOUBLE_EQ(Window(20, {100, 110, 120}).Ask(Function::kDelta), 30);
}

TEST(Rate, NeverExtrapolatesACounterBelowZero) {
  EXPECT_DOUBLE_EQ(Window(10, {0, 10, 20, 30, 40, 50}).Ask(Function::kIncrease), 50);
  EXPECT_DOUBLE_EQ(Window(10, {0, 10, 20, 30, 40, 50}).Ask(Function::kDelta), 60);
}

TEST(Rate, AddsWhatAResetLost) {
  EXPECT_DOUBLE_EQ(Window(10, {100, 110, 5, 15, 25, 35}).Ask(Function::kIncrease), 45 * 60.0 / 50);
  EXPECT_DOUBLE_EQ(Window(10, {100, 110, 5}).Ask(Function::kResets), 1);
}

TEST(Rate, NeedsTwoSamples) {
  EXPECT_TRUE(std::isnan(Window(10, {1}).Ask(Function::kRate)));
  EXPECT_TRUE(std::isnan(Window(10, {1}).Ask(Function::kIdelta)));
  EXPECT_TRUE(std::isnan(Window(10, {1}).Ask(Function::kDeriv)));
}

TEST(InstantRate, UsesTheLastTwoSamples) {
  EXPECT_DOUBLE_EQ(Window(10, {1, 5, 25}).Ask(Function::kIrate), 2);
  EXPECT_DOUBLE_EQ(Window(10, {1, 25, 5}).Ask(Function::kIrate), 0.5);
  EXPECT_DOUBLE_EQ(Window(10, {1, 25, 5}).Ask(Function::kIdelta), -20);
}

TEST(Changes, TakesNanForEqualToNan) {
  EXPECT_EQ(Window(10, {1, kNan, kNan, 2, 2}).Ask(Function::kChanges), 2);
}

TEST(Statistics, ReplaceNanByAnything) {
  EXPECT_EQ(Window(10, {kNan, 3, 1, kNan}).Ask(Function::kMinOverTime), 1);
  EXPECT_EQ(Window(10, {kNan, 3, 1, kNan}).Ask(Function::kMaxOverTime), 3);
  EXPECT_EQ(Window(10, {2, 7, 7}).Ask(Function::kTsOfMaxOverTime), 30);
  EXPECT_EQ(Window(10, {2, 2, 7}).Ask(Function::kTsOfMinOverTime), 20);
}

TEST(Statistics, ComputePopulationVarianceAndMedianDeviation) {
  EXPECT_DOUBLE_EQ(Window(10, {2, 4, 4, 6}).Ask(Function::kStdvarOverTime), 2);
  EXPECT_DOUBLE_EQ(Window(10, {2, 4, 4, 6}).Ask(Function::kStddevOverTime), std::sqrt(2.0));
  EXPECT_DOUBLE_EQ(Window(10, {1, 1, 2, 2, 4, 6}).Ask(Function::kMadOverTime), 1);
}

TEST(Statistics, AverageSurvivesOverflow) {
  constexpr double kMax = std::numeric_limits<double>::max();
  EXPECT_DOUBLE_EQ(Window(10, {kMax, kMax, kMax}).Ask(Function::kAvgOverTime), kMax);
  EXPECT_EQ(Window(10, {kInf, 1}).Ask(Function::kSumOverTime), kInf);
  EXPECT_EQ(Window(10, {1, 1e100, 1, -1e100}).Ask(Function::kSumOverTime), 2);
}

TEST(QuantileOfValues, InterpolatesAndKnowsItsBounds) {
  std::vector<double> values = {3, 1, 2};
  EXPECT_EQ(Quantile(0.5, &values), 2);
  EXPECT_EQ(Quantile(0.75, &values), 2.5);
  EXPECT_EQ(Quantile(-0.1, &values), -kInf);
  EXPECT_EQ(Quantile(1.1, &values), kInf);
  EXPECT_TRUE(std::isnan(Quantile(kNan, &values)));
  std::vector<double> none;
  EXPECT_TRUE(std::isnan(Quantile(0.5, &none)));
  // As in Prometheus: infinity times a weight of zero.
  std::vector<double> infinite = {1, kInf};
  EXPECT_TRUE(std::isnan(Quantile(0, &infinite)));
}

TEST(Regression, FitsALine) {
  EXPECT_DOUBLE_EQ(Window(10, {1, 3, 5}).Ask(Function::kDeriv), 0.2);
  // From the step's time (60 s) on: 5 + 3 gaps of 2, then 10 s more.
  EXPECT_DOUBLE_EQ(Window(10, {1, 3, 5}).With(10).Ask(Function::kPredictLinear), 13);
  EXPECT_EQ(Window(10, {4, 4}).Ask(Function::kDeriv), 0);
}

TEST(Regression, RefusesSmoothingFactorsOutsideTheOpenUnitInterval) {
  const double bad_smoothing[] = {1, 0.5};
  const double bad_trend[] = {0.5, 0};
  const double nan[] = {kNan, kNan};
  EXPECT_EQ(CheckWindowParams(Function::kDoubleExponentialSmoothing, bad_smoothing).message(),
            "invalid smoothing factor. Expected: 0 < sf < 1, got: 1.000000");
  EXPECT_EQ(CheckWindowParams(Function::kDoubleExponentialSmoothing, bad_trend).message(),
            "invalid trend factor. Expected: 0 < tf < 1, got: 0.000000");
  EXPECT_TRUE(CheckWindowParams(Function::kDoubleExponentialSmoothing, nan).ok());
}

TEST(ExtendedWindow, AnchorsAtTheLastSampleBeforeTheStart) {
  double out = 0;
  const Window window(-10, {5, 7, 9, 4, 6});
  ASSERT_TRUE(EvaluateExtended(Function::kIncrease, Extension::kAnchored, window.View(), &out));
  EXPECT_EQ(out, 6 - 7 + 9);
  ASSERT_TRUE(EvaluateExtended(Function::kResets, Extension::kAnchored, window.View(), &out));
  EXPECT_EQ(out, 1);
}

TEST(ExtendedWindow, SmoothsBetweenTheSamplesAroundItsEdges) {
  double out = 0;
  const Window window(-5, {0, 10, 20, 30, 40, 50, 60, 70});
  ASSERT_TRUE(EvaluateExtended(Function::kDelta, Extension::kSmoothed, window.View(), &out));
  EXPECT_DOUBLE_EQ(out, 60);
  EXPECT_EQ(SmoothedValue(window.View(), 0), 5);
  EXPECT_EQ(SmoothedValue(window.View(), -6'000), std::nullopt);
}

}  // namespace
}  // namespace thermocline::promql
