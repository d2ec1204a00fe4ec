#include "convert/text_file.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "convert/source.h"
#include "env/simulated/simulated_env.h"

namespace thermocline {
namespace {

using Contents = std::map<std::string, std::map<TimestampMs, double>>;

class TextFileTest : public testing::Test {
 protected:
  void Write(const std::string& text) {
    ASSERT_TRUE(machine_.files.CreateDirectories("/in").ok());
    ASSERT_TRUE(machine_.files.WriteFileAtomically("/in/a.om", text).ok());
  }
  Result<std::shared_ptr<TextFile>> Open(uint64_t memory_bytes = 64 << 20,
                                         TextFormat format = TextFormat::kOpenMetrics) {
    return TextFile::Open(machine_.files, "/in/a.om", {format, memory_bytes, "/in/scratch"});
  }
  std::string Refused(const std::string& text, TextFormat format = TextFormat::kOpenMetrics) {
    Write(text);
    auto file = Open(64 << 20, format);
    EXPECT_FALSE(file.ok()) << text;
    EXPECT_EQ(file.status().code(), Code::kInvalidArgument);
    return std::string(file.status().message());
  }
  static Result<Contents> Read(const TextFile& file,
                               TimeRange range = {kMinTimestampMs, kMaxTimestampMs}) {
    SelectRequest request;
    request.range = range;
    request.hints.sorted = true;
    ASSIGN_OR_RETURN(const auto set, file.Select(request));
    Contents contents;
    SeriesBatch batch;
    for (uint32_t i = 0; i < set->series_count(); ++i) {
      RETURN_IF_ERROR(set->Read(std::vector<uint32_t>{i}, &batch));
      for (size_t k = 0; k < batch.timestamps_ms.size(); ++k) {
        contents[set->labels(i).ToString()][batch.timestamps_ms[k]] = batch.values[k];
      }
    }
    return contents;
  }

  SimulatedEnv machine_;
};

TEST_F(TextFileTest, SeriesMetadataAndRangeAreThoseOfTheFile) {
  Write(
      "# HELP a Text.\n# TYPE a counter\n# UNIT a_seconds seconds\n"
      "a_total{x=\"1\"} 1 10\na_total{x=\"1\"} 2 20.5\na_created{x=\"1\"} 5 10\n# EOF\n");
  auto file = Open();
  ASSERT_TRUE(file.ok()) << file.status().ToString();
  EXPECT_EQ((*file)->samples(), 3u);
  EXPECT_EQ((*file)->range().start_ms, 10'000);
  EXPECT_EQ((*file)->range().end_ms, 20'500);
  const auto read = Read(**file);
  ASSERT_TRUE(read.ok());
  const Contents expected = {{R"({__name__="a_created", x="1"})", {{10'000, 5}}},
                             {R"({__name__="a_total", x="1"})", {{10'000, 1}, {20'500, 2}}}};
  EXPECT_EQ(*read, expected);
  const auto metadata = (*file)->Metadata({});
  ASSERT_TRUE(metadata.ok());
  ASSERT_EQ(metadata->size(), 2u);
  EXPECT_EQ((*metadata)[0].type, "counter");
  EXPECT_EQ((*metadata)[0].help, "Text.");
  EXPECT_EQ((*metadata)[1].unit, "seconds");
  LabelRequest all;
  all.range = {kMinTimestampMs, kMaxTimestampMs};
  EXPECT_EQ(*(*file)->LabelNames(all), (std::vector<std::string>{"__name__", "x"}));
  EXPECT_EQ(*(*file)->LabelValues("x", all), std::vector<std::string>{"1"});
}

TEST_F(TextFileTest, ErrorsNameFileAndLine) {
  EXPECT_NE(Refused("a 1 1\nb x 1\n# EOF\n").find("/in/a.om:2"), std::string::npos);
  EXPECT_NE(Refused("a 1 1\na 2 2\na 3\n# EOF\n").find("/in/a.om:3: a sample without a timestamp"),
            std::string::npos);
  EXPECT_NE(Refused("a 1 1\n").find("does not end with"), std::string::npos);
  EXPECT_NE(Refused("").find("does not end with"), std::string::npos);
  EXPECT_NE(Refused("a 1 1\n# EOF\na 2 2\n").find("/in/a.om:3: text after"), std::string::npos);
  EXPECT_NE(Refused("a 1 1\nb 1 1\na 2 1\n# EOF\n").find("/in/a.om:3: another value of "),
            std::string::npos);
  EXPECT_NE(Refused("a 1\n", TextFormat::kClassic).find("/in/a.om:1"), std::string::npos);
}

TEST_F(TextFileTest, TheSameSampleTwiceIsOne) {
  Write("a 1 1\na 1 1\na NaN 2\na NaN 2\n# EOF");
  auto file = Open();
  ASSERT_TRUE(file.ok()) << file.status().ToString();
  EXPECT_EQ((*file)->samples(), 2u);
}

TEST_F(TextFileTest, AFileIsRecognisedByItsLastLine) {
  Write("a 1 1\n# EOF\n");
  const auto layout = RecogniseLayout(machine_.files, "/in/a.om");
  ASSERT_TRUE(layout.ok());
  EXPECT_EQ(*layout, SourceLayout::kOpenMetrics);
  Write("a 1 1\n");
  EXPECT_EQ(RecogniseLayout(machine_.files, "/in/a.om").status().code(), Code::kInvalidArgument);
  Write("");
  EXPECT_FALSE(RecogniseLayout(machine_.files, "/in/a.om").ok());
}

// Lines in any order, with little memory, against a map.
TEST_F(TextFileTest, AnyOrderOfLinesGivesTheSameSamples) {
  for (const uint64_t seed : {1, 2, 3, 4}) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    Contents expected;
    std::vector<std::string> lines;
    for (int s = 0; s < 30; ++s) {
      for (uint64_t n = random() % 400; n > 0; --n) {
        const auto t_ms = static_cast<TimestampMs>(random() % 2000) * 500 - 100'000;
        const auto value = static_cast<double>(random() % 1000) / 8;
        const bool added =
            expected[fmt::format("{{__name__=\"m\", s=\"{}\"}}", s)].emplace(t_ms, value).second;
        if (!added) continue;
        lines.push_back(
            fmt::format("m{{s=\"{}\"}} {} {:.3f}\n", s, value, static_cast<double>(t_ms) / 1000));
      }
    }
    std::erase_if(expected, [](const auto& entry) { return entry.second.empty(); });
    if (seed > 2) std::shuffle(lines.begin(), lines.end(), random);
    std::string text;
    for (const std::string& line : lines) text += line;
    Write(text + "# EOF\n");
    {
      auto file = Open(seed % 2 == 0 ? 1 : 64 << 20);
      ASSERT_TRUE(file.ok()) << file.status().ToString();
      EXPECT_EQ((*file)->spill().file_bytes() > 0, seed % 2 == 0);
      const auto read = Read(**file);
      ASSERT_TRUE(read.ok()) << read.status().ToString();
      EXPECT_EQ(*read, expected);
      const TimeRange part{0, 250'000};
      Contents cut = expected;
      for (auto& [series, samples] : cut) {
        std::erase_if(samples, [&](const auto& sample) { return !part.Contains(sample.first); });
      }
      std::erase_if(cut, [](const auto& entry) { return entry.second.empty(); });
      EXPECT_EQ(*Read(**file, part), cut);
    }
    EXPECT_FALSE(machine_.files.Exists("/in/scratch"));
  }
}

TEST_F(TextFileTest, TwoValuesFarApartAreFoundWhenTheyAreRead) {
  std::string text = "a 1 1\n";
  for (int i = 0; i < 5000; ++i) text += fmt::format("b {} {}\n", i, i);
  Write(text + "a 2 1\n# EOF\n");
  auto file = Open(1);
  ASSERT_TRUE(file.ok()) << file.status().ToString();
  const auto read = Read(**file);
  ASSERT_FALSE(read.ok());
  EXPECT_NE(read.status().message().find("two values"), std::string_view::npos);
}

}  // namespace
}  // namespace thermocline
