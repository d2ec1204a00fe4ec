#include "model/matcher.h"

#include <gtest/gtest.h>
#include <re2/re2.h>

#include <random>

#include "model/regex_literals.h"

namespace thermocline {
namespace {

Matcher Make(MatchType type, std::string_view value) {
  auto matcher = Matcher::Make(type, "name", std::string(value));
  EXPECT_TRUE(matcher.ok()) << value << ": " << matcher.status().ToString();
  return *matcher;
}

struct MatchCase {
  MatchType type;
  std::string_view pattern;
  std::string_view value;
  bool matches;
};

class MatcherTable : public ::testing::TestWithParam<MatchCase> {};

TEST_P(MatcherTable, DecidesAsPrometheus) {
  const MatchCase& c = GetParam();
  EXPECT_EQ(Make(c.type, c.pattern).Matches(c.value), c.matches) << c.pattern << " on " << c.value;
}

constexpr MatchType kEq = MatchType::kEqual, kNe = MatchType::kNotEqual;
constexpr MatchType kRe = MatchType::kRegex, kNr = MatchType::kNotRegex;

INSTANTIATE_TEST_SUITE_P(
    All, MatcherTable,
    ::testing::Values(MatchCase{kEq, "bar", "bar", true}, MatchCase{kEq, "bar", "foo-bar", false},
                      MatchCase{kEq, "", "", true}, MatchCase{kNe, "bar", "bar", false},
                      MatchCase{kNe, "bar", "", true}, MatchCase{kNe, "", "", false},
                      MatchCase{kRe, "bar", "bar", true}, MatchCase{kRe, "bar", "foo-bar", false},
                      MatchCase{kRe, ".*bar", "foo-bar", true},
                      MatchCase{kRe, ".*bar", "bar2", false}, MatchCase{kRe, "", "", true},
                      MatchCase{kRe, ".*", "", true}, MatchCase{kRe, ".+", "", false},
                      MatchCase{kRe, ".+", "x", true}, MatchCase{kRe, "a.b", "a\nb", true},
                      MatchCase{kRe, ".*", "\n", true}, MatchCase{kRe, "foo.*", "foo\nbar", true},
                      MatchCase{kRe, ".*x.*", "a\nx\nb", true},
                      MatchCase{kRe, ".*x.*", "ab", false}, MatchCase{kRe, "a|b", "b", true},
                      MatchCase{kRe, "a|bc", "ac", false}, MatchCase{kRe, "foo|", "", true},
                      MatchCase{kRe, "(a|b)?c", "c", true}, MatchCase{kRe, "^foo$", "foo", true},
                      MatchCase{kRe, "(?i)FOO", "foo", true}, MatchCase{kRe, "ü+", "üü", true},
                      MatchCase{kRe, ".", "ü", true}, MatchCase{kRe, "a\\.b", "a.b", true},
                      MatchCase{kRe, "a\\.b", "axb", false}, MatchCase{kRe, "a\\.*", "a...", true},
                      MatchCase{kRe, "a\\.*", "abc", false}, MatchCase{kRe, "ab*c", "ac", true},
                      MatchCase{kRe, "ü*c", "c", true}, MatchCase{kRe, "[[:digit:]]+", "42", true},
                      MatchCase{kRe, "\\Qa|b\\E", "a|b", true},
                      MatchCase{kRe, "\\Qa|b\\E", "a", false},
                      MatchCase{kRe, "10\\.0\\.(1|2)\\.[34]", "10.0.2.4", true},
                      MatchCase{kNr, "bar", "bar", false}, MatchCase{kNr, "bar", "", true},
                      MatchCase{kNr, ".+", "", true}, MatchCase{kNr, ".*", "", false},
                      MatchCase{kNr, "a|b", "c", true}));

TEST(Matcher, AnAbsentLabelIsTheEmptyString) {
  const Labels labels{{"a", "1"}};
  const auto all = [&labels](MatchType type, std::string name, std::string value) {
    return MatchesAll({*Matcher::Make(type, std::move(name), std::move(value))}, labels);
  };
  EXPECT_TRUE(all(kEq, "missing", ""));
  EXPECT_TRUE(all(kNe, "missing", "x"));
  EXPECT_FALSE(all(kNe, "missing", ""));
  EXPECT_TRUE(all(kRe, "missing", ".*"));
  EXPECT_FALSE(all(kRe, "missing", ".+"));
  EXPECT_TRUE(all(kNr, "missing", "x.*"));
  EXPECT_TRUE(all(kEq, "a", "1"));
  EXPECT_TRUE(MatchesAll({}, labels));
}

TEST(Matcher, SaysWhetherItMatchesTheEmptyString) {
  EXPECT_TRUE(Make(kEq, "").MatchesEmpty());
  EXPECT_TRUE(Make(kNe, "x").MatchesEmpty());
  EXPECT_TRUE(Make(kRe, "x?").MatchesEmpty());
  EXPECT_FALSE(Make(kRe, "x+").MatchesEmpty());
  EXPECT_FALSE(Make(kNr, "|x").MatchesEmpty());
}

TEST(Matcher, ReportsBadPatternsInGosWords) {
  const std::vector<std::pair<std::string_view, std::string_view>> cases = {
      {"a(", "error parsing regexp: missing closing ): `a(`"},
      {"a)", "error parsing regexp: unexpected ): `a)`"},
      {"*a", "error parsing regexp: missing argument to repetition operator: `*`"},
      {"a**", "error parsing regexp: invalid nested repetition operator: `**`"},
      {"[a", "error parsing regexp: missing closing ]: `[a`"},
      {"[z-a]", "error parsing regexp: invalid character class range: `z-a`"},
      {"a{1001}", "error parsing regexp: invalid repeat count: `{1001}`"},
      {"a\\", "error parsing regexp: trailing backslash at end of expression: ``"},
      {"\\8", "error parsing regexp: invalid escape sequence: `\\8`"},
      {"(?P<x", "error parsing regexp: invalid named capture: `(?P<x`"},
      {"(?z)", "error parsing regexp: invalid or unsupported Perl syntax: `(?z`"},
      {"(?=a)", "error parsing regexp: invalid or unsupported Perl syntax: `(?=`"},
  };
  for (const auto& [pattern, text] : cases) {
    auto matcher = Matcher::Make(kRe, "a", std::string(pattern));
    ASSERT_FALSE(matcher.ok()) << pattern;
    EXPECT_EQ(matcher.status().code(), Code::kInvalidArgument);
    EXPECT_EQ(matcher.status().message(), text);
  }
  EXPECT_FALSE(Matcher::Make(kRe, "a", std::string(4097, 'x')).ok());
  EXPECT_TRUE(Matcher::Make(kRe, "a", std::string(4096, 'x')).ok());
}

TEST(Matcher, ListsTheLiteralsOfFiniteSets) {
  using Values = std::vector<std::string>;
  const std::vector<std::pair<std::string_view, std::optional<Values>>> cases = {
      {"a", Values{"a"}},
      {"", Values{""}},
      {"b|a|b", Values{"a", "b"}},
      {"(a|b)c", Values{"ac", "bc"}},
      {"foo(?:bar|baz)?", Values{"foo", "foobar", "foobaz"}},
      {"x[12]", Values{"x1", "x2"}},
      {"a\\.b", Values{"a.b"}},
      {"ü|é?", Values{"", "é", "ü"}},
      {"a+", std::nullopt},
      {"a.b", std::nullopt},
      {"[^a]", std::nullopt},
      {"[a-c]", std::nullopt},
      {"a??", std::nullopt},
      {"(?i)a", std::nullopt},
      {"\\d", std::nullopt},
      {"[]a]", std::nullopt},
      {"^a$", std::nullopt},
  };
  for (const auto& [pattern, values] : cases) {
    EXPECT_EQ(Make(kRe, pattern).LiteralValues(), values) << pattern;
  }
  EXPECT_EQ(Make(kEq, "v").LiteralValues(), Values{"v"});
  EXPECT_EQ(Make(kNe, "v").LiteralValues(), std::nullopt);
}

TEST(Matcher, KnowsAPrefixOfEveryMatch) {
  const std::vector<std::pair<std::string_view, std::string_view>> cases = {
      {"foo.*", "foo"},   {"foo", "foo"}, {"fo*", "f"},       {"fo+x", "fo"},      {"a|b", ""},
      {"ab(c|d)", "ab"},  {"ü*", ""},     {"a\\.b.*", "a.b"}, {"x{0,2}", ""},      {".*x", ""},
      {"ab[c|d]e|f", ""}, {"(?i)a", ""},  {"\\Qa\\E|b", ""},  {"ab\\|c.", "ab|c"}, {"b(?i)?", ""},
  };
  for (const auto& [pattern, prefix] : cases) {
    EXPECT_EQ(Make(kRe, pattern).prefix(), prefix) << pattern;
  }
  EXPECT_EQ(Make(kEq, "v").prefix(), "v");
  EXPECT_EQ(Make(kNr, "foo.*").prefix(), "");
}

// The short cuts (literal sets, prefixes, contains) must agree with the automaton.
TEST(Matcher, AgreesWithRe2OnRandomPatterns) {
  const uint32_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const std::vector<std::string> atoms = {"a",    "b",  "ab",  "|",   "(", ")", "?",   "*", ".",
                                          "[ab]", ".*", "\\.", "(?:", "^", "$", "[|]", "ü", "+"};
  RE2::Options options;
  options.set_dot_nl(true);
  options.set_log_errors(false);
  int tried = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string pattern;
    for (size_t i = 0, n = random() % 7; i < n; ++i) pattern += atoms[random() % atoms.size()];
    const RE2 oracle(pattern, options);
    auto matcher = Matcher::Make(kRe, "a", pattern);
    ASSERT_EQ(matcher.ok(), oracle.ok()) << pattern;
    if (!oracle.ok()) continue;
    ++tried;
    for (const std::string value :
         {"", "a", "b", "ab", "aab", "ba", "abab", ".", "|", "ü", "aü", "\n", "a\nb", "bab"}) {
      ASSERT_EQ(matcher->Matches(value), RE2::FullMatch(value, oracle))
          << pattern << " on " << value;
    }
  }
  EXPECT_GT(tried, 1000);
}

TEST(Matcher, PrintsAsPrometheusDoes) {
  EXPECT_EQ(Matcher::Equal("job", "a\"b").ToString(), R"(job="a\"b")");
  EXPECT_EQ((*Matcher::Make(kNr, "http.code", "5..")).ToString(), R"("http.code"!~"5..")");
  EXPECT_EQ((*Matcher::Make(kNe, "x", "")).ToString(), R"(x!="")");
}

}  // namespace
}  // namespace thermocline
