#include "promql/functions/calendar.h"

#include <gtest/gtest.h>

#include <limits>

namespace thermocline::promql {
namespace {

TEST(Calendar, SplitsTimesBeforeAndAfterTheEpoch) {
  EXPECT_EQ(Rfc3339(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(Rfc3339(-1), "1969-12-31T23:59:59Z");
  EXPECT_EQ(Rfc3339(1'709'210'096'789), "2024-02-29T12:34:56Z");
}

TEST(Calendar, CountsLeapDays) {
  EXPECT_EQ(DaysInMonth(2024, 2), 29);
  EXPECT_EQ(DaysInMonth(2100, 2), 28);
  EXPECT_EQ(DaysInMonth(2000, 2), 29);
  EXPECT_EQ(DatePart(Function::kDayOfYear, 1'735'603'200), 366);  // 31 December 2024
  EXPECT_EQ(DatePart(Function::kDayOfWeek, 1'735'603'200), 2);    // a Tuesday
}

TEST(Calendar, TreatsWhatIsNoTimeAsTheMinimumAsGoDoes) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(DatePart(Function::kYear, nan), 292'277'026'596);
  EXPECT_EQ(DatePart(Function::kMonth, nan), 12);
}

TEST(Calendar, EveryDayFollowsTheDayBefore) {
  CivilTime before = ToCivil(-400ll * 366 * 86'400);
  for (int64_t day = -400 * 366 + 1; day < 400 * 366; ++day) {
    const CivilTime now = ToCivil(day * 86'400);
    const bool month_ends = before.day == DaysInMonth(before.year, before.month);
    EXPECT_EQ(now.day, month_ends ? 1 : before.day + 1);
    EXPECT_EQ(now.month, month_ends ? before.month % 12 + 1 : before.month);
    EXPECT_EQ(now.year, before.year + (month_ends && before.month == 12 ? 1 : 0));
    EXPECT_EQ(now.day_of_week, (before.day_of_week + 1) % 7);
    before = now;
  }
}

}  // namespace
}  // namespace thermocline::promql
