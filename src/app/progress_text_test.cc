#include "app/progress_text.h"

#include <gtest/gtest.h>

namespace thermocline {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

ConvertProgress Half() {
  ConvertProgress progress;
  progress.pieces = 2;
  progress.pieces_done = 1;
  progress.series = 10;
  progress.samples = 50'000'000;
  return progress;
}

TEST(ProgressTextTest, AppearsAfterTwoSecondsWithRateAndTimeLeft) {
  ProgressText lines(ProgressStyle::kLines, 100 * kSecond);
  EXPECT_EQ(lines.Update(Half(), 101 * kSecond), "");
  EXPECT_EQ(lines.Update(Half(), 105 * kSecond),
            "converting 50 %, 50.0 M samples, 10.0 M/s, 5 s left\n");
  EXPECT_EQ(lines.Update(Half(), 114 * kSecond), "");
  EXPECT_NE(lines.Update(Half(), 115 * kSecond), "");
  EXPECT_EQ(lines.Finish(), "");
}

TEST(ProgressTextTest, ABarIsDrawnOverItselfAndTakenAway) {
  ProgressText bar(ProgressStyle::kBar, 0);
  EXPECT_EQ(bar.Finish(), "");
  EXPECT_EQ(bar.Update(Half(), 5 * kSecond),
            "\r\x1b[K[###############...............] converting 50 %, 50.0 M samples, 10.0 M/s, "
            "5 s left");
  EXPECT_EQ(bar.Update(Half(), 5 * kSecond + kSecond / 20), "");
  EXPECT_NE(bar.Update(Half(), 5 * kSecond + kSecond / 5), "");
  EXPECT_EQ(bar.Finish(), "\r\x1b[K");
}

TEST(ProgressTextTest, TheStyleFollowsTheTerminalUnlessTold) {
  EXPECT_EQ(*ParseProgressStyle("auto", true), ProgressStyle::kBar);
  EXPECT_EQ(*ParseProgressStyle("auto", false), ProgressStyle::kLines);
  EXPECT_EQ(*ParseProgressStyle("plain", true), ProgressStyle::kLines);
  EXPECT_EQ(*ParseProgressStyle("none", true), ProgressStyle::kNone);
  EXPECT_FALSE(ParseProgressStyle("loud", true).ok());
  ProgressText none(ProgressStyle::kNone, 0);
  EXPECT_EQ(none.Update(Half(), 50 * kSecond), "");
}

}  // namespace
}  // namespace thermocline
