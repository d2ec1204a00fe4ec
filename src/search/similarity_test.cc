#include "search/similarity.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

#include "search/runes.h"

namespace thermocline {
namespace {

// Scores that Prometheus 3.14's util/strutil gives.
struct Case {
  const char* term;
  const char* text;
  double subsequence;
  double jaro_winkler;
};
constexpr Case kCases[] = {
    {"http", "http_requests_total", 0.97435361842105261, 0.84210526315789469},
    {"hrt", "http_requests_total", 0.2599736842105263, 0.64736842105263159},
    {"req", "http_requests_total", 0.93765789473684213, 0.7192982456140351},
    {"total", "http_requests_total", 0.96955578947368426, 0.50175438596491229},
    {"htpp", "http_requests_total", 0, 0.70877192982456139},
    {"a", "b", 0, 0},
    {"", "", 1, 1},
    {"", "x", 1, 0},
    {"x", "", 0, 0},
    {"node_cpu", "node_cpu_seconds_total", 0.99403338068181812, 0.8727272727272728},
    {"ncs", "node_cpu_seconds_total", 0.26740909090909093, 0.74090909090909085},
    {"aab", "aacaab", 0.94350000000000001, 0.73333333333333328},
    {"é", "café", 0.24975, 0},
    {"cf", "café", 0.40584375, 0.85000000000000009},
    {"fé", "café_é", 0.87412500000000004, 0.77777777777777768},
    {"dwayne", "duane", 0, 0.84000000000000008},
    {"martha", "marhta", 0, 0.96111111111111114},
    {"dixon", "dicksonx", 0, 0.81333333333333324},
    {"abcdef", "fedcba", 0, 0.38888888888888884},
    {"prometheus_tsdb", "prometheus_tsdb_head_series", 0.99801333333333331, 0.91111111111111109},
    {"mem", "go_memstats_alloc_bytes", 0.94350000000000001, 0.71014492753623182},
    {"gmab", "go_memstats_alloc_bytes", 0.2036005434782609, 0.66413043478260869},
    {"seconds", "scrape_duration_seconds", 0.98481721384205856, 0.68416149068322973},
    {"zz", "az_bz_cz_dz_ez_fz_gz_hz_iz_jz_kz_lz_mz", 0.3713388157894737, 0.68421052631578938},
    {"ab", "a_______________________________________b", 0.26193292682926828, 0.55731707317073176}};

TEST(Similarity, ScoresArePrometheusToTheBit) {
  for (const Case& c : kCases) {
    EXPECT_EQ(SubsequenceScore(c.term, c.text), c.subsequence) << c.term << " in " << c.text;
    EXPECT_EQ(JaroWinklerScore(c.term, c.text), c.jaro_winkler) << c.term << " and " << c.text;
  }
}

// Whether the characters of `pattern` occur in `text` in order.
bool IsSubsequence(std::u32string_view pattern, std::u32string_view text) {
  for (const char32_t c : text) {
    if (!pattern.empty() && c == pattern.front()) pattern.remove_prefix(1);
  }
  return pattern.empty();
}

TEST(Similarity, OnlySubsequencesScoreAndNoneAboveOne) {
  constexpr uint64_t kSeed = 5;
  std::mt19937_64 random(kSeed);
  const auto word = [&](size_t most) {
    std::string text;
    for (uint64_t i = random() % most; i > 0; --i) {
      text += random() % 8 == 0 ? "é" : std::string(1, static_cast<char>('a' + random() % 3));
    }
    return text;
  };
  for (int i = 0; i < 20'000; ++i) {
    const std::string pattern = word(6);
    const std::string text = word(12);
    const double score = SubsequenceScore(pattern, text);
    ASSERT_GE(score, 0) << "seed " << kSeed;
    ASSERT_EQ(score == 1, pattern.empty() || pattern == text) << pattern << " in " << text;
    // A match whose gaps cost more than its runs earn scores 0 too.
    ASSERT_TRUE(score == 0 || IsSubsequence(RunesOf(pattern), RunesOf(text)));
    const double similar = JaroWinklerScore(pattern, text);
    ASSERT_GE(similar, 0);
    ASSERT_LE(similar, 1);
    ASSERT_EQ(similar, JaroWinklerScore(text, pattern)) << pattern << " and " << text;
  }
}

TEST(Similarity, ASubstringScoresLessTheLaterItBegins) {
  EXPECT_EQ(SubstringScore("ab", "abcd"), 1.0);
  EXPECT_EQ(SubstringScore("", "x"), 1.0);
  EXPECT_EQ(SubstringScore("bc", "abcd"), 1.0 - 0.9 * 1.0 / 2.0);
  EXPECT_EQ(SubstringScore("cd", "abcd"), 1.0 - 0.9 * 2.0 / 2.0);
  // Characters count, not bytes.
  EXPECT_EQ(SubstringScore("cd", "éécd"), SubstringScore("cd", "aacd"));
  EXPECT_EQ(SubstringScore("x", "abcd"), std::nullopt);
}

TEST(Runes, InvalidBytesBecomeTheReplacement) {
  EXPECT_EQ(RunesOf("a\xff\xc3\xa9\xed\xa0\x80"), U"a\xfffd\xe9\xfffd\xfffd\xfffd");
}

TEST(Runes, LowerCaseIsThatOfGo) {
  EXPECT_EQ(LowerCase("ABZ[\xc3\x89\xce\xa3\xc4\xb0\xe1\xba\x9e"), "abz[\xc3\xa9\xcf\x83i\xc3\x9f");
  // Over all code points: how many change, and the sum of code point times difference, as a program
  // of Go 1.26 counts them.
  int64_t changed = 0;
  int64_t sum = 0;
  for (int64_t c = 0; c <= 0x10ffff; ++c) {
    const auto lower = static_cast<int64_t>(LowerCase(static_cast<char32_t>(c)));
    if (lower == c) continue;
    ++changed;
    sum += c * (lower - c);
  }
  EXPECT_EQ(changed, 1433);
  EXPECT_EQ(sum, -5538539078);
}

}  // namespace
}  // namespace thermocline
