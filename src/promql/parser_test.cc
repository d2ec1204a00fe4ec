#include "promql/parser.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>

#include "promql/printer.h"

namespace thermocline::promql {
namespace {

using Json = nlohmann::json;

std::filesystem::path RepositoryRoot() {
  return std::filesystem::path(__FILE__).parent_path().parent_path().parent_path();
}

Json LoadCases(const std::filesystem::path& file) {
  std::ifstream stream(file);
  std::stringstream text;
  text << stream.rdbuf();
  return Json::parse(text.str())["cases"];
}

// What Prometheus' test configuration has on and off.
ParseOptions CaseOptions() {
  ParseOptions options;
  options.fill_modifiers = false;
  return options;
}

Json ErrorsAsJson(const std::vector<ParseError>& errors) {
  Json list = Json::array();
  for (const ParseError& error : errors) {
    list.push_back(
        {{"message", error.message}, {"start", error.span.start}, {"end", error.span.end}});
  }
  return list;
}

// JSON cannot hold the invalid byte that two cases are about; the file has U+FFFD in its place.
std::string QueryOf(const Json& one) {
  std::string query = one["expr"];
  const std::string replacement = "\xEF\xBF\xBD";
  for (size_t at = query.find(replacement); at != std::string::npos; at = query.find(replacement)) {
    query.replace(at, replacement.size(), "\xFF");
  }
  return query;
}

void ExpectCase(const Json& wanted) {
  const std::string query = QueryOf(wanted);
  SCOPED_TRACE(query);
  std::vector<ParseError> errors;
  const ExprPtr expr = Parse(query, CaseOptions(), &errors);
  if (!wanted["ok"]) {
    EXPECT_EQ(ErrorsAsJson(errors).dump(1), wanted["errors"].dump(1));
    return;
  }
  EXPECT_EQ(ErrorsAsJson(errors).dump(1), "[]");
  if (expr == nullptr) return;
  EXPECT_EQ(ValueTypeName(TypeOf(*expr)), wanted["type"].get<std::string>());
  EXPECT_EQ(Print(*expr), wanted["string"].get<std::string>());
}

TEST(Parser, AnswersEveryCommittedCaseAsPrometheusDoes) {
  const Json cases = LoadCases(RepositoryRoot() / "tests/golden/promql-parser/cases.json");
  ASSERT_GT(cases.size(), 200u);
  for (const Json& one : cases) ExpectCase(one);
}

TEST(Parser, AnswersEverySharedCaseAsPrometheusDoes) {
  const char* shared = std::getenv("THERMOCLINE_SHARED");
  const std::filesystem::path folder =
      shared != nullptr ? std::filesystem::path(shared) : RepositoryRoot() / "../shared";
  const auto file = folder / "data/promql-parser/cases.json";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "no " << file;
  for (const Json& one : LoadCases(file)) ExpectCase(one);
}

TEST(Parser, PrintsWhatParsesToTheSameTextAgain) {
  const Json cases = LoadCases(RepositoryRoot() / "tests/golden/promql-parser/cases.json");
  for (const Json& one : cases) {
    if (!one["ok"]) continue;
    const std::string printed = one["string"];
    const Result<ExprPtr> again = Parse(printed, CaseOptions());
    ASSERT_TRUE(again.ok()) << printed << ": " << again.status().message();
    EXPECT_EQ(Print(**again), printed);
  }
}

std::string FirstError(std::string_view query, const ParseOptions& options = {}) {
  const Result<ExprPtr> parsed = Parse(query, options);
  return parsed.ok() ? "no error" : std::string(parsed.status().message());
}

TEST(Parser, ShowsTheFirstErrorWithLineAndColumn) {
  EXPECT_EQ(FirstError("sum(\n  foo bar)"),
            "2:7: parse error: unexpected identifier \"bar\" in aggregation");
  EXPECT_EQ(FirstError(""), "unknown position: parse error: no expression found in input");
  EXPECT_EQ(FirstError("a{b=~\"(\"}"),
            "1:3: parse error: error parsing regexp: missing closing ): `(`");
}

TEST(Parser, RefusesExperimentalPartsThatAreOff) {
  ParseOptions off;
  off.experimental_functions = off.duration_expressions = false;
  off.extended_range_selectors = off.fill_modifiers = false;
  EXPECT_EQ(FirstError("limitk(1, a)", off),
            "1:1: parse error: limitk() is experimental and must be enabled with "
            "--enable-feature=promql-experimental-functions");
  EXPECT_EQ(FirstError("mad_over_time(a[5m])", off),
            "1:1: parse error: function \"mad_over_time\" is not enabled");
  EXPECT_EQ(FirstError("a[5m*2]", off),
            "1:3: parse error: experimental duration expression is not enabled");
  EXPECT_EQ(FirstError("a[5m] smoothed", off),
            "1:1: parse error: smoothed modifier is experimental and not enabled");
  EXPECT_EQ(FirstError("a + fill(0) b", off),
            "1:1: parse error: binop fill modifiers are experimental and not enabled");
  EXPECT_EQ(FirstError("a[-(5m + 1)] offset -step()"), "no error");
}

std::string PrintedOf(std::string_view query) {
  const Result<ExprPtr> parsed = Parse(query);
  return parsed.ok() ? Print(**parsed) : std::string(parsed.status().message());
}

TEST(Parser, PrintsNumbersAsGoDoes) {
  EXPECT_EQ(PrintedOf("5e31"), "5" + std::string(31, '0'));
  EXPECT_EQ(PrintedOf("123456789012345680768"), "123456789012345680000");
  EXPECT_EQ(PrintedOf("1.5e-9"), "0.0000000015");
  EXPECT_EQ(PrintedOf("-0"), "-0");
  EXPECT_EQ(PrintedOf("a + fill(1234567) b"), "a + fill (1.234567e+06) b");
  EXPECT_EQ(PrintedOf("1_000 + 0x1F + 010 + 08"), "1000 + 31 + 8 + 8");
}

TEST(Parser, PrintsOddLiteralsSoThatTheyCanBeReadAgain) {
  for (const std::string query : {"foo[0.0001]", "foo[5m:0.0001]", "\"\\ufffd\\xff\\n\"",
                                  "foo offset 0.0001", "foo @ 1603771234567890123", "-Inf ^ 2"}) {
    const std::string printed = PrintedOf(query);
    EXPECT_EQ(PrintedOf(printed), printed) << query;
  }
}

// What binds to what.
TEST(Parser, BindsOperatorsAsPrometheusDoes) {
  const auto root = [](std::string_view query) {
    const ExprPtr expr = std::move(Parse(query)).value();
    const auto& binary = As<BinaryExpr>(*expr);
    return Print(*binary.lhs) + " | " + Print(*binary.rhs);
  };
  EXPECT_EQ(root("a ^ b ^ c"), "a | b ^ c");
  EXPECT_EQ(root("a - b - c"), "a - b | c");
  EXPECT_EQ(root("2 ^ -1 * 3"), "2 ^ -1 | 3");
  EXPECT_EQ(root("a or b and c unless d"), "a | b and c unless d");
  EXPECT_EQ(root("-a * b"), "-a | b");
  EXPECT_EQ(root("foo offset -2 ^ 2"), "foo offset -2s | 2");
  EXPECT_EQ(root("a atan2 b + c > d"), "a atan2 b + c | d");
  EXPECT_EQ(PrintedOf("-1^2"), "-1 ^ 2");
  EXPECT_EQ(As<UnaryExpr>(**Parse("-1^2")).expr->kind, ExprKind::kBinary);
}

TEST(Parser, ReadsFillModifiers) {
  EXPECT_EQ(PrintedOf("a + on(x) group_left fill_right(-1) fill_left(2.5) b"),
            "a + on (x) group_left () fill_left (2.5) fill_right (-1) b");
  EXPECT_EQ(PrintedOf("a + fill(0) b"), "a + fill (0) b");
  EXPECT_EQ(PrintedOf("fill + fill_left"), "fill + fill_left");
  EXPECT_EQ(FirstError("a and fill(0) b"),
            "1:1: parse error: filling in missing series not allowed for set operators");
}

TEST(Parser, KnowsNinetyFunctionsInOrder) {
  const auto all = AllSignatures();
  EXPECT_EQ(all.size(), 90u);
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(static_cast<size_t>(all[i].function), i);
    EXPECT_EQ(FindSignature(all[i].name), &all[i]);
    if (i > 0) {
      EXPECT_LT(all[i - 1].name, all[i].name);
    }
  }
  EXPECT_EQ(FindSignature("Rate"), nullptr);
}

TEST(Parser, ReadsSelectorsForTheSeriesApis) {
  EXPECT_EQ(ParseMetricSelector("up{job=\"a\"}").value().size(), 2u);
  EXPECT_FALSE(ParseMetricSelector("rate(up[5m])").ok());
  EXPECT_FALSE(ParseMetricSelector("").ok());
  EXPECT_FALSE(ParseMetricSelector("up up").ok());
}

std::string Repeat(std::string_view part, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += part;
  return text;
}

// Sanitizers put guards around every variable: frames are several times as large.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr size_t kSmallStackBytes = 2048 * 1024;
#else
constexpr size_t kSmallStackBytes = 256 * 1024;
#endif

void OnSmallStack(const std::function<void()>& work) {
  pthread_attr_t attributes;
  ASSERT_EQ(pthread_attr_init(&attributes), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, kSmallStackBytes), 0);
  pthread_t thread;
  const auto run = [](void* arg) -> void* {
    (*static_cast<const std::function<void()>*>(arg))();
    return nullptr;
  };
  ASSERT_EQ(
      pthread_create(&thread, &attributes, run, const_cast<void*>(static_cast<const void*>(&work))),
      0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

TEST(Parser, SurvivesTenThousandParenthesesOnASmallStack) {
  const std::vector<std::string> hostile = {
      Repeat("(", 10'000),
      Repeat("(", 10'000) + "1" + Repeat(")", 10'000),
      Repeat("-", 10'000) + "1",
      Repeat("sum(", 10'000) + "a" + Repeat(")", 10'000),
      "a" + Repeat(" + a", 10'000),
      Repeat("a ^ ", 10'000) + "a",
      "a[" + Repeat("(", 10'000) + "5m" + Repeat(")", 10'000) + "]",
      "a[" + Repeat("-", 10'000) + "5m]",
      "a[5m" + Repeat(" ^ 1", 10'000) + "]",
      "a offset " + Repeat("min_of(1, ", 10'000) + "1" + Repeat(")", 10'000),
      "a" + Repeat("[5m:1m]", 10'000),
      "a{" + Repeat("b=\"c\",", 10'000) + "}" + Repeat("(", 10'000)};
  OnSmallStack([&] {
    for (const std::string& query : hostile) {
      EXPECT_FALSE(Parse(query).ok()) << query.substr(0, 20);
    }
  });
}

TEST(Parser, AcceptsTheDeepestNestingOnASmallStack) {
  const int parens = kMaxTreeDepth - 1;
  const std::string nested = Repeat("(", parens) + "a" + Repeat(")", parens);
  const std::string calls = Repeat("abs(", parens) + "a" + Repeat(")", parens);
  OnSmallStack([&] {
    EXPECT_EQ(PrintedOf(nested), nested);
    EXPECT_EQ(PrintedOf(calls), calls);
    EXPECT_EQ(PrintedOf(Repeat("-", parens) + "a"), Repeat("-", parens) + "a");
    EXPECT_EQ(FirstError("(" + nested + ")"),
              "1:1: parse error: expression is nested deeper than 256 levels");
  });
}

// Any text gives a tree or errors with positions inside it.
TEST(Parser, SurvivesRandomText) {
  const uint32_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const Json cases = LoadCases(RepositoryRoot() / "tests/golden/promql-parser/cases.json");
  for (int round = 0; round < 20'000; ++round) {
    std::string query = cases[random() % cases.size()]["expr"];
    const std::string other = cases[random() % cases.size()]["expr"];
    for (int edits = random() % 4; edits >= 0; --edits) {
      const size_t at = query.empty() ? 0 : random() % query.size();
      const size_t from = other.empty() ? 0 : random() % other.size();
      query.replace(at, random() % 5, other.substr(from, random() % 8));
    }
    std::vector<ParseError> errors;
    const ExprPtr expr = Parse(query, ParseOptions(), &errors);
    ASSERT_EQ(expr == nullptr, !errors.empty()) << query;
    for (const ParseError& error : errors) {
      ASSERT_LE(0, error.span.start) << query;
      ASSERT_LE(static_cast<size_t>(error.span.end), query.size()) << query;
    }
    if (expr == nullptr) continue;
    const std::string printed = Print(*expr);
    ASSERT_EQ(PrintedOf(printed), printed) << query;
  }
}

}  // namespace
}  // namespace thermocline::promql
