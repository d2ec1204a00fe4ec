#include "base/duration.h"

#include <gtest/gtest.h>

namespace thermocline {
namespace {

TEST(Duration, ReadsWhatPrometheusReads) {
  const std::pair<const char*, int64_t> cases[] = {{"0", 0},
                                                   {"0s", 0},
                                                   {"15s", 15'000},
                                                   {"250ms", 250},
                                                   {"1h30m", 5400'000},
                                                   {"1w", 604800'000},
                                                   {"1y", 31536000'000},
                                                   {"2d", 172800'000},
                                                   {"1d12h", 129600'000},
                                                   {"1m500ms", 60'500}};
  for (const auto& [text, want] : cases) {
    auto got = ParseDurationMs(text);
    ASSERT_TRUE(got.ok()) << text << ": " << got.status().ToString();
    EXPECT_EQ(*got, want) << text;
  }
}

TEST(Duration, RefusesWhatPrometheusRefuses) {
  for (const char* text : {"", "1", "s", "1x", "30m1h", "1m1m", "-5m", "1.5h", "5 m", "1h ",
                           "99999999999y", "999999999999999999999999s"}) {
    EXPECT_FALSE(ParseDurationMs(text).ok()) << text;
  }
}

TEST(Duration, PrintsTheCanonicalForm) {
  const std::pair<int64_t, const char*> cases[] = {
      {0, "0s"},           {1, "1ms"},           {1000, "1s"},
      {5400'000, "1h30m"}, {604800'000, "1w"},   {86400'000, "1d"},
      {691200'000, "8d"},  {31536000'000, "1y"}, {-90'000, "-1m30s"}};
  for (const auto& [ms, want] : cases) EXPECT_EQ(FormatDurationMs(ms), want);
}

TEST(Duration, PrintedFormReadsBack) {
  constexpr int64_t kLongestMs = 9'223'372'036'854;  // 2^63 ns
  for (int64_t ms = 1; ms <= kLongestMs; ms = ms * 3 + 1) {
    auto got = ParseDurationMs(FormatDurationMs(ms));
    ASSERT_TRUE(got.ok()) << ms;
    EXPECT_EQ(*got, ms);
  }
}

}  // namespace
}  // namespace thermocline
