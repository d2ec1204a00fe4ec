#include "model/labels.h"

#include <gtest/gtest.h>

#include <random>
#include <unordered_set>

namespace thermocline {
namespace {

TEST(Labels, SortsDropsEmptyValuesAndKeepsTheLastOfARepeatedName) {
  const Labels labels{{"b", "2"}, {"a", "1"}, {"c", ""}, {"b", "3"}};
  EXPECT_EQ(labels.ToString(), R"({a="1", b="3"})");
  EXPECT_EQ(labels.size(), 2u);
  EXPECT_EQ(labels.Get("b"), "3");
  EXPECT_EQ(labels.Get("c"), "");
  EXPECT_FALSE(labels.Has("c"));
  EXPECT_TRUE(Labels({{"a", "1"}, {"a", ""}}).empty());
}

TEST(Labels, PacksLengthsAsVarints) {
  const std::string long_value(300, 'x');
  const Labels labels{{"a", "1"}, {"b", long_value}};
  EXPECT_EQ(labels.packed().substr(0, 4), std::string("\x01"
                                                      "a\x01"
                                                      "1"));
  EXPECT_EQ(labels.Get("b"), long_value);
  EXPECT_EQ(labels.packed().size(), 4 + 2 + 2 + 300u);
}

// These values are stored on disk (series ids): a change here breaks every database.
TEST(Labels, HashIsTheXxHashOfThePackedBytes) {
  EXPECT_EQ(Labels().Hash(), 0xef46db3751d8e999ull);
  const Labels up{{"__name__", "up"}, {"job", "node"}};
  EXPECT_EQ(up.packed(), "\x08__name__\x02up\x03job\x04node");
  EXPECT_EQ(up.Hash(), 0x169f7118f8936ba5ull);
  EXPECT_EQ(Labels({{"a", "ü"}}).Hash(), 0x2293780efde9fc6full);
}

TEST(Labels, FromPackedAcceptsExactlyTheCanonicalForm) {
  const Labels labels{{"__name__", "up"}, {"job", "node"}};
  auto again = Labels::FromPacked(labels.packed());
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(*again, labels);
  EXPECT_TRUE(Labels::FromPacked("").ok());
  using namespace std::string_literals;
  for (const std::string& bad : {"\x01"s,
                                 "\x01"
                                 "a"s,
                                 "\x00\x01x"s,  // empty name
                                 "\x01"
                                 "a\x00"s,  // empty value
                                 "\x01"
                                 "b\x01x\x01"
                                 "a\x01x"s,  // order
                                 "\x01"
                                 "a\x01x\x01"
                                 "a\x01y"s,  // repeated
                                 "\x81\x00"
                                 "a\x01x"s,  // length with a byte too many
                                 "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
                                 "a"s}) {
    auto result = Labels::FromPacked(bad);
    ASSERT_FALSE(result.ok()) << bad.size();
    EXPECT_EQ(result.status().code(), Code::kCorruption);
  }
}

TEST(Labels, FromPackedSurvivesHostileBytes) {
  const uint32_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const std::string good =
      Labels({{"aa", "1"}, {"bbb", "22"}, {"c", std::string(200, 'z')}}).packed();
  for (int round = 0; round < 20000; ++round) {
    std::string bytes = good;
    const int edits = 1 + static_cast<int>(random() % 3);
    for (int i = 0; i < edits; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
    if (random() % 4 == 0) bytes.resize(random() % bytes.size());
    auto result = Labels::FromPacked(bytes);
    if (!result.ok()) continue;
    LabelsBuilder rebuilt(result->view());
    EXPECT_EQ(rebuilt.Build().packed(), bytes);
  }
}

TEST(Labels, ComparesPairByPairAndTheShorterSetFirst) {
  const Labels empty;
  const Labels a1{{"a", "1"}};
  const Labels a1b1{{"a", "1"}, {"b", "1"}};
  const Labels a2{{"a", "2"}};
  const Labels b1{{"b", "1"}};
  const std::vector<Labels> ascending = {empty, a1, a1b1, a2, b1};
  for (size_t i = 0; i < ascending.size(); ++i) {
    for (size_t j = 0; j < ascending.size(); ++j) {
      EXPECT_EQ(ascending[i] <=> ascending[j], i <=> j) << i << " " << j;
    }
  }
  // Packed bytes do not order like label sets: lengths come first in them.
  EXPECT_LT(Labels({{"aaa", "1"}}), Labels({{"b", "1"}}));
}

TEST(Labels, BuilderSetsRemovesAndKeeps) {
  const Labels base{{"__name__", "m"}, {"a", "1"}, {"b", "2"}};
  EXPECT_EQ(LabelsBuilder(base).Remove("__name__").Set("c", "3").Build(),
            Labels({{"a", "1"}, {"b", "2"}, {"c", "3"}}));
  EXPECT_EQ(LabelsBuilder(base).Keep({"b", "zzz"}).Build(), Labels({{"b", "2"}}));
  EXPECT_EQ(LabelsBuilder(base).Set("a", "").Build(), Labels({{"__name__", "m"}, {"b", "2"}}));
}

TEST(Labels, PrintsNamesThatAreNotLegacyNamesQuoted) {
  EXPECT_EQ(Labels({{"http.status", "a\"b"}}).ToString(), R"({"http.status"="a\"b"})");
}

TEST(Names, KnowsLegacyNames) {
  EXPECT_TRUE(IsLegacyMetricName("job:up:sum"));
  EXPECT_TRUE(IsLegacyMetricName(":x"));
  EXPECT_FALSE(IsLegacyMetricName("9x"));
  EXPECT_FALSE(IsLegacyMetricName("a.b"));
  EXPECT_FALSE(IsLegacyMetricName(""));
  EXPECT_TRUE(IsLegacyLabelName("_a9"));
  EXPECT_FALSE(IsLegacyLabelName("a:b"));
  EXPECT_FALSE(IsLegacyLabelName(""));
  EXPECT_FALSE(IsLegacyLabelName("ü"));
}

TEST(Utf8, AcceptsExactlyTheWellFormedSequences) {
  for (const std::string_view good :
       {"", "plain ascii longer than eight", "ü", "€uro", "\xf0\x9f\x98\x80", "\xed\x9f\xbf",
        "\xee\x80\x80", "\xf4\x8f\xbf\xbf", "12345678\xc2\x80"}) {
    EXPECT_TRUE(IsValidUtf8(good)) << good;
  }
  for (const std::string_view bad : {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80",
                                     "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
                                     "\xff", "abc\xc3", "12345678\xe2\x82", "\xe2\x28\xa1"}) {
    EXPECT_FALSE(IsValidUtf8(bad)) << bad.size();
  }
}

TEST(GoQuote, EscapesAsGoDoes) {
  using namespace std::string_view_literals;
  EXPECT_EQ(GoQuote(""), "\"\"");
  EXPECT_EQ(GoQuote("a\\b\"c'd`"), R"("a\\b\"c'd`")");
  EXPECT_EQ(GoQuote("\a\b\f\n\r\t\v"), R"("\a\b\f\n\r\t\v")");
  EXPECT_EQ(GoQuote("\0\x1f\x7f"sv), R"("\x00\x1f\x7f")");
  EXPECT_EQ(GoQuote("\xff\xc3"), R"("\xff\xc3")");
  EXPECT_EQ(GoQuote("ü€\xf0\x9f\x98\x80"), "\"ü€\xf0\x9f\x98\x80\"");
  EXPECT_EQ(GoQuote("\xc2\xa0|\xe2\x80\x8b|\xef\xbf\xbd"), "\"\\u00a0|\\u200b|\xef\xbf\xbd\"");
  EXPECT_EQ(GoQuote("\xf3\xa0\x80\x81"), R"("\U000e0001")");
}

TEST(Labels, WorkInHashedContainers) {
  std::unordered_set<Labels> set;
  set.insert(Labels({{"a", "1"}}));
  EXPECT_TRUE(set.contains(Labels({{"a", "1"}})));
  EXPECT_FALSE(set.contains(Labels({{"a", "2"}})));
}

}  // namespace
}  // namespace thermocline
