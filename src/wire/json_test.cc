#include "wire/json.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>
#include <random>

#include "model/sample.h"

namespace thermocline {
namespace {

std::string Float(double v) {
  std::string out;
  AppendFloat(&out, v);
  return out;
}
std::string Quoted(std::string_view text) {
  std::string out;
  AppendJsonString(&out, text);
  return out;
}
std::string Time(TimestampMs t) {
  std::string out;
  AppendJsonTimestamp(&out, t);
  return out;
}

TEST(Json, PrintsNumbersAsPrometheusDoes) {
  const std::vector<std::pair<double, std::string_view>> cases = {
      {0, "0"},
      {-0.0, "-0"},
      {1, "1"},
      {-1.5, "-1.5"},
      {100000, "100000"},
      {1e20, "100000000000000000000"},
      {123456789012345678901.0, "123456789012345680000"},
      {1e21, "1e+21"},
      {9007199254740993.0, "9007199254740992"},
      {-1e17, "-100000000000000000"},
      {-1.5e300, "-1.5e+300"},
      {1e-6, "0.000001"},
      {9.99e-7, "9.99e-07"},
      {5e-324, "5e-324"},
      {0.1, "0.1"},
      {1.0 / 3, "0.3333333333333333"},
      {std::numeric_limits<double>::max(), "1.7976931348623157e+308"},
      {std::numeric_limits<double>::infinity(), "+Inf"},
      {-std::numeric_limits<double>::infinity(), "-Inf"},
      {NormalNan(), "NaN"},
      {StaleMarker(), "NaN"},
  };
  for (const auto& [value, text] : cases) EXPECT_EQ(Float(value), text);
}

TEST(Json, NumbersReadBackAsTheSameDouble) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 100000; ++i) {
    const double value = std::bit_cast<double>(random());
    if (value != value) continue;
    ASSERT_EQ(std::strtod(Float(value).c_str(), nullptr), value) << Float(value);
  }
}

TEST(Json, PrintsTimesInSecondsWithThreeDecimals) {
  EXPECT_EQ(Time(0), "0");
  EXPECT_EQ(Time(1435781430000), "1435781430");
  EXPECT_EQ(Time(1435781430781), "1435781430.781");
  EXPECT_EQ(Time(1500), "1.500");
  EXPECT_EQ(Time(7), "0.007");
  EXPECT_EQ(Time(-1), "-0.001");
  EXPECT_EQ(Time(-1500), "-1.500");
  EXPECT_EQ(Time(kMinTimestampMs), "-9223372036854775.808");
}

TEST(Json, EscapesStrings) {
  using namespace std::string_view_literals;
  EXPECT_EQ(Quoted(""), "\"\"");
  EXPECT_EQ(Quoted("a\"b\\c/d"), R"("a\"b\\c/d")");
  EXPECT_EQ(Quoted("\n\r\t\b\x00\x1f\x7f"sv), "\"\\n\\r\\t\\u0008\\u0000\\u001f\x7f\"");
  EXPECT_EQ(Quoted("ü€\xf0\x9f\x98\x80<&>"), "\"ü€\xf0\x9f\x98\x80<&>\"");
  EXPECT_EQ(Quoted("a\xff\xc3z"), R"("a\ufffd\ufffdz")");
  EXPECT_EQ(Quoted("\u2028\u2029\u2030"), "\"\\u2028\\u2029\u2030\"");
}

TEST(Json, EscapesTheTextsOfTheApiForHtml) {
  std::string out;
  AppendJsonText(&out, "a<&>\u2028\b\xff");
  EXPECT_EQ(out, R"("a\u003c\u0026\u003e\u2028\u0008\ufffd")");
}

TEST(Json, EscapesTheTextOfAStringResultAsGosOwnEncoder) {
  std::string out;
  AppendJsonStringResult(&out, "\b\f\v\n<\xff");
  EXPECT_EQ(out, R"("\b\f\u000b\n\u003c\ufffd")");
}

TEST(Json, EscapesOnlyWhatItMustInLabels) {
  std::string out;
  AppendJsonLabels(&out, Labels({{"a", "<&>\u2028\b\"\n"}}));
  EXPECT_EQ(out, "{\"a\":\"<&>\u2028\\u0008\\\"\\n\"}");
}

TEST(Json, PrintsLabelsAndSamples) {
  std::string out;
  AppendJsonLabels(&out, Labels({{"__name__", "up"}, {"job", "a\"b"}}));
  EXPECT_EQ(out, R"({"__name__":"up","job":"a\"b"})");
  out.clear();
  AppendJsonLabels(&out, Labels());
  AppendJsonSample(&out, 1500, 1);
  EXPECT_EQ(out, R"({}[1.500,"1"])");
  out.clear();
  const std::vector<TimestampMs> times = {1000, 2000};
  const std::vector<double> values = {1, NormalNan()};
  AppendJsonSamples(&out, times, values);
  EXPECT_EQ(out, R"([[1,"1"],[2,"NaN"]])");
  out.clear();
  AppendJsonStrings(&out, std::vector<std::string>{"a", "b"});
  AppendJsonStrings(&out, {});
  EXPECT_EQ(out, R"(["a","b"][])");
}

}  // namespace
}  // namespace thermocline
