#include "wire/parameters.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "model/sample.h"

namespace thermocline {
namespace {

Parameters Form(std::string_view text) {
  Parameters parameters;
  const Status status = parameters.Add(text);
  EXPECT_TRUE(status.ok()) << status.ToString();
  return parameters;
}

TEST(Parameters, DecodesForms) {
  const Parameters form = Form("a=1&b=x+y%2Bz&&match%5B%5D=up&match[]=%7Ba%3D%22b%22%7D&flag&e=");
  EXPECT_EQ(form.Get("a"), "1");
  EXPECT_EQ(form.Get("b"), "x y+z");
  EXPECT_EQ(form.GetAll("match[]"), (std::vector<std::string_view>{"up", "{a=\"b\"}"}));
  EXPECT_TRUE(form.Has("flag"));
  EXPECT_TRUE(form.Has("e"));
  EXPECT_FALSE(form.Has("missing"));
  EXPECT_EQ(form.Get("missing"), "");
  EXPECT_EQ(form.pairs().size(), 6u);
}

TEST(Parameters, RefusesBadFormsInGosWords) {
  Parameters form;
  EXPECT_EQ(form.Add("a=%zz").message(), R"(invalid URL escape "%zz")");
  EXPECT_EQ(form.Add("a=%4").message(), R"(invalid URL escape "%4")");
  EXPECT_EQ(form.Add("a=1;b=2").message(), "invalid semicolon separator in query");
  std::string many;
  for (size_t i = 0; i <= Parameters::kMaxCount; ++i) many += "a&";
  EXPECT_EQ(form.Add(many).code(), Code::kInvalidArgument);
}

TEST(Parameters, ReadsTimes) {
  const std::vector<std::pair<std::string_view, TimestampMs>> good = {
      {"0", 0},
      {"1435781430.781", 1435781430781},
      {"123.123456", 123123},
      {"123.1239", 123124},
      {"-1.5", -1500},
      {"1e3", 1000000},
      {"2015-06-03T13:21:58.555Z", 1433337718555},
      {"2015-06-03T14:21:58.555+01:00", 1433337718555},
      {"2015-06-03T13:21:58Z", 1433337718000},
      {"2015-06-03T13:21:58.5559999Z", 1433337718555},
      {"1969-12-31T23:59:59.999Z", -1},
      {"2024-02-29T00:00:00Z", 1709164800000},
      {"-292273086-05-16T16:47:06Z", kApiMinTimeMs},
      {"292277025-08-18T07:12:54.999999999Z", kApiMaxTimeMs},
  };
  for (const auto& [text, t_ms] : good) {
    const auto time = ParseTime(text);
    ASSERT_TRUE(time.ok()) << text;
    EXPECT_EQ(*time, t_ms) << text;
  }
  for (const std::string_view bad :
       {"", "foo", "30s", "2015-06-03", "2015-06-03T13:21:58", "2015-13-03T13:21:58Z",
        "2023-02-29T00:00:00Z", "2015-06-03T24:00:00Z", "2015-06-03 13:21:58Z", "NaN", "Inf",
        "1e300", "2015-06-03T13:21:58.Z", "2015-06-03T13:21:58Zx", "1.2.3", " 1", "0x"}) {
    const auto time = ParseTime(bad);
    ASSERT_FALSE(time.ok()) << bad;
    EXPECT_EQ(time.status().message(),
              "cannot parse \"" + std::string(bad) + "\" to a valid timestamp");
  }
}

TEST(Parameters, ReadsDurations) {
  EXPECT_EQ(*ParseDurationOrSecondsMs("1"), 1000);
  EXPECT_EQ(*ParseDurationOrSecondsMs("0.25"), 250);
  EXPECT_EQ(*ParseDurationOrSecondsMs("1h30m"), 5400000);
  EXPECT_EQ(*ParseDurationOrSecondsMs("-5"), -5000);
  EXPECT_EQ(ParseDurationOrSecondsMs("1x").status().message(),
            R"(cannot parse "1x" to a valid duration)");
  EXPECT_EQ(ParseDurationOrSecondsMs("1e300").status().message(),
            R"(cannot parse "1e300" to a valid duration. It overflows int64)");
}

TEST(Parameters, NamesTheBadParameter) {
  EXPECT_EQ(*TimeParameter(Form("time="), "time", 42), 42);
  EXPECT_EQ(TimeParameter(Form("time=x"), "time", 0).status().message(),
            R"(invalid parameter "time": invalid time value for 'time': )"
            R"(cannot parse "x" to a valid timestamp)");
  EXPECT_EQ(*LimitParameter(Form("")), 0u);
  EXPECT_EQ(*LimitParameter(Form("limit=40000")), 40000u);
  EXPECT_EQ(*LimitParameter(Form("limit=%2B4")), 4u);
  EXPECT_EQ(LimitParameter(Form("limit=-1")).status().message(),
            R"(invalid parameter "limit": limit must be non-negative)");
  EXPECT_EQ(LimitParameter(Form("limit=1.5")).status().message(),
            R"(invalid parameter "limit": strconv.Atoi: parsing "1.5": invalid syntax)");
  EXPECT_FALSE(LimitParameter(Form("limit=99999999999999999999")).ok());
  EXPECT_EQ(*DurationParameter(Form("timeout=30s"), "timeout"), 30000);
  EXPECT_EQ(DurationParameter(Form("timeout=x"), "timeout").status().message(),
            R"(invalid parameter "timeout": cannot parse "x" to a valid duration)");
}

TEST(Parameters, ChecksTheStepsOfARangeQuery) {
  const auto steps = StepsParameters(Form("start=0&end=11000&step=1"));
  ASSERT_TRUE(steps.ok()) << steps.status().ToString();
  EXPECT_EQ(steps->end_ms, 11000000);
  EXPECT_EQ(steps->step_ms, 1000);
  const std::vector<std::pair<std::string_view, std::string_view>> bad = {
      {"end=1&step=1", R"(invalid parameter "start": cannot parse "" to a valid timestamp)"},
      {"start=1&end=x&step=1", R"(invalid parameter "end": cannot parse "x" to a valid timestamp)"},
      {"start=2&end=1&step=1",
       R"(invalid parameter "end": end timestamp must not be before start time)"},
      {"start=1&end=2", R"(invalid parameter "step": cannot parse "" to a valid duration)"},
      {"start=1&end=2&step=0",
       R"(invalid parameter "step": zero or negative query resolution step widths are not )"
       "accepted. Try a positive integer"},
      {"start=1&end=2&step=-1",
       R"(invalid parameter "step": zero or negative query resolution step widths are not )"
       "accepted. Try a positive integer"},
      {"start=0&end=11001&step=1",
       "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query "
       "resolution (?step=XX)"},
      {"start=-292273086-05-16T16:47:06Z&end=292277025-08-18T07:12:54.999999999Z&step=1y",
       "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query "
       "resolution (?step=XX)"},
  };
  for (const auto& [form, message] : bad) {
    EXPECT_EQ(StepsParameters(Form(form)).status().message(), message) << form;
  }
}

TEST(Parameters, DecodesLabelNamesOfPaths) {
  const std::vector<std::pair<std::string_view, std::string_view>> cases = {
      {"job", "job"},
      {"a%2Fb", "a/b"},
      {"a+b", "a+b"},
      {"U__http_2e_status", "http.status"},
      {"U__a__b", "a_b"},
      {"U___1F600_x", "\xf0\x9f\x98\x80x"},
      {"U___fc_", "\xc3\xbc"},
      {"U___", "U___"},
      {"U__a_zz_", "U__a_zz_"},
      {"U__a_2e", "U__a_2e"},
      {"U___d800_", "U___d800_"},
      {"U___1234567_", "U___1234567_"},
      {"u__a", "u__a"},
  };
  for (const auto& [segment, name] : cases) {
    const auto decoded = LabelNameFromPath(segment);
    ASSERT_TRUE(decoded.ok()) << segment;
    EXPECT_EQ(*decoded, name) << segment;
  }
  EXPECT_EQ(LabelNameFromPath("%ff").status().message(), R"(invalid label name: "\xff")");
  EXPECT_EQ(LabelNameFromPath("").status().message(), R"(invalid label name: "")");
  EXPECT_EQ(LabelNameFromPath("%g").status().message(), R"(invalid URL escape "%g")");
}

TEST(Parameters, SurviveRandomForms) {
  const uint32_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const std::string_view alphabet = "ab=&%+;2fU_-.:TZ0\xff";
  for (int round = 0; round < 50000; ++round) {
    std::string text;
    for (size_t i = random() % 30; i > 0; --i) text += alphabet[random() % alphabet.size()];
    Parameters form;
    if (form.Add(text).ok()) {
      EXPECT_LE(form.pairs().size(), text.size());
    }
    if (const auto name = LabelNameFromPath(text); name.ok()) {
      EXPECT_FALSE(name->empty());
    }
    if (const auto time = ParseTime(text); time.ok()) {
      EXPECT_GE(*time, kApiMinTimeMs);
    }
  }
}

}  // namespace
}  // namespace thermocline
