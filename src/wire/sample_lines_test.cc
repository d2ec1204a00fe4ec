#include "wire/sample_lines.h"

#include <gtest/gtest.h>

#include <bit>
#include <random>

namespace thermocline {
namespace {

TextLine Line(std::string_view text, TextFormat format = TextFormat::kOpenMetrics) {
  auto line = ParseTextLine(text, format);
  EXPECT_TRUE(line.ok()) << text << ": " << line.status().ToString();
  return line.ok() ? *line : TextLine{};
}

std::string Refused(std::string_view text, TextFormat format = TextFormat::kOpenMetrics) {
  const auto line = ParseTextLine(text, format);
  EXPECT_FALSE(line.ok()) << text;
  EXPECT_EQ(line.status().code(), Code::kInvalidArgument);
  return std::string(line.status().message());
}

std::string SeriesOf(std::string_view text, std::string_view type = "") {
  const auto labels = ParseSeriesText(text, type);
  EXPECT_TRUE(labels.ok()) << labels.status().ToString();
  return labels.ok() ? labels->ToString() : "";
}

TEST(SampleLines, ASampleHasSeriesValueAndTimeInSeconds) {
  const TextLine line = Line(R"(http_total{code="200",path="/a b\"}"} 1.5e3 1600000000.123)");
  EXPECT_EQ(line.kind, TextLine::Kind::kSample);
  EXPECT_EQ(line.series, R"(http_total{code="200",path="/a b\"}"})");
  EXPECT_EQ(line.value, 1500);
  EXPECT_EQ(line.t_ms, 1'600'000'000'123);
  EXPECT_EQ(SeriesOf(line.series), R"({__name__="http_total", code="200", path="/a b\"}"})");
  EXPECT_EQ(Line("up 1").t_ms, std::nullopt);
  EXPECT_EQ(Line("up 1 -3.5").t_ms, -3500);
  EXPECT_EQ(Line("up 1 1e9").t_ms, 1'000'000'000'000);
  EXPECT_EQ(Line("up +Inf 1").value, std::numeric_limits<double>::infinity());
  EXPECT_EQ(std::bit_cast<uint64_t>(Line("up NaN 1").value), 0x7ff8000000000001u);
  EXPECT_EQ(SeriesOf(R"({"odd name",a="b"})"), R"({__name__="odd name", a="b"})");
}

TEST(SampleLines, ClassicTimesAreMilliseconds) {
  EXPECT_EQ(Line("up 1 1600000000123", TextFormat::kClassic).t_ms, 1'600'000'000'123);
  EXPECT_NE(Refused("up 1 1.5", TextFormat::kClassic).find("milliseconds"), std::string::npos);
  EXPECT_EQ(Line("", TextFormat::kClassic).kind, TextLine::Kind::kNothing);
  EXPECT_EQ(Line("# any remark", TextFormat::kClassic).kind, TextLine::Kind::kNothing);
  EXPECT_EQ(Line("# TYPE a untyped", TextFormat::kClassic).text, "unknown");
}

TEST(SampleLines, MetadataLinesHaveAFamilyAndText) {
  const TextLine help = Line(R"(# HELP a What \"it\" is\nand \\ more)");
  EXPECT_EQ(help.kind, TextLine::Kind::kHelp);
  EXPECT_EQ(help.family, "a");
  EXPECT_EQ(help.text, "What \"it\" is\nand \\ more");
  EXPECT_EQ(Line("# TYPE a histogram").text, "histogram");
  EXPECT_EQ(Line("# UNIT a_seconds seconds").kind, TextLine::Kind::kUnit);
  EXPECT_EQ(Line("# HELP a ").text, "");
  EXPECT_EQ(Line("# EOF").kind, TextLine::Kind::kEnd);
}

TEST(SampleLines, ExemplarsFollowASample) {
  const TextLine line = Line(R"(b_bucket{le="1"} 3 10 # {trace_id="a#b"} 0.5 9.75)");
  ASSERT_TRUE(line.exemplar.has_value());
  EXPECT_EQ(line.exemplar->value, 0.5);
  EXPECT_EQ(line.exemplar->t_ms, 9750);
  const auto labels = ParseSeriesText(line.exemplar->labels, "", true);
  ASSERT_TRUE(labels.ok());
  EXPECT_EQ(labels->ToString(), R"({trace_id="a#b"})");
  const TextLine bare = Line("b_total 3 10 # {} 1");
  ASSERT_TRUE(bare.exemplar.has_value());
  EXPECT_EQ(bare.exemplar->t_ms, std::nullopt);
  EXPECT_TRUE(ParseSeriesText(bare.exemplar->labels, "", true)->empty());
}

TEST(SampleLines, BoundsAreWrittenAsPrometheusDoes) {
  EXPECT_EQ(SeriesOf(R"(b_bucket{le="1"})", "histogram"), R"({__name__="b_bucket", le="1.0"})");
  EXPECT_EQ(SeriesOf(R"(b{quantile="0.50"})", "summary"), R"({__name__="b", quantile="0.5"})");
  EXPECT_EQ(SeriesOf(R"(b_bucket{le="1"})", "gauge"), R"({__name__="b_bucket", le="1"})");
}

TEST(SampleLines, WhatIsNotOpenMetricsIsRefused) {
  for (const std::string_view text : {"",
                                      " ",
                                      "up",
                                      "up ",
                                      "up x",
                                      "up 0x1p4 1",
                                      "up 1_0 1",
                                      "up 1 NaN",
                                      "up 1 1 1",
                                      "up 1 1e300",
                                      "up{a=\"b} 1",
                                      "up{a=\"b\" 1",
                                      "# EOF ",
                                      "#EOF",
                                      "# remark",
                                      "# TYPE a b",
                                      "# TYPE 1 gauge",
                                      "up 1 1 # {a=\"b\"}",
                                      "up 1 1 # 5",
                                      "up 1 1 #",
                                      "up 1 1 # {} 1 1 1",
                                      "a\xff 1 1"}) {
    Refused(text);
  }
  for (const std::string_view series :
       {"{}", "{a=\"b\"}", "up{a}", "up{a=\"b\",a=\"c\"}", "1up", "up{a=b}", "", "up{=\"x\"}"}) {
    const auto labels = ParseSeriesText(series, "");
    EXPECT_FALSE(labels.ok()) << series;
    EXPECT_EQ(labels.status().message().find("line 1"), std::string_view::npos);
  }
}

TEST(SampleLines, AnyBytesAreReadOrRefused) {
  std::mt19937 random(7);
  const std::string_view alphabet = "ab{}\"=,# 01.e-\\\nT";
  for (int n = 0; n < 20'000; ++n) {
    std::string text = n % 3 == 0 ? "a{b=\"c\"} 1 2 # {d=\"e\"} 3 4" : "";
    for (uint32_t edits = random() % 8; edits > 0; --edits) {
      text.insert(random() % (text.size() + 1), 1, alphabet[random() % alphabet.size()]);
    }
    const auto line = ParseTextLine(text, TextFormat::kOpenMetrics);
    if (line.ok() && line->kind == TextLine::Kind::kSample) {
      (void)ParseSeriesText(line->series, "histogram").ok();
    }
  }
}

}  // namespace
}  // namespace thermocline
