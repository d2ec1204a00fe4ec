#include "server/tree_json.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "promql/parser.h"

namespace thermocline {
namespace {

std::string TreeOf(std::string_view query) {
  const auto parsed = promql::Parse(query);
  if (!parsed.ok()) return std::string(parsed.status().message());
  std::string out;
  AppendTree(**parsed, &out);
  return out;
}

TEST(TreeJson, AnswersEveryCaseAsPrometheusDoes) {
  const auto file = std::filesystem::path(__FILE__).parent_path().parent_path().parent_path() /
                    "tests/golden/promql-parser/trees.json";
  std::ifstream stream(file);
  const auto cases = nlohmann::json::parse(stream)["cases"];
  ASSERT_GT(cases.size(), 150u);
  for (const auto& one : cases) {
    EXPECT_EQ(TreeOf(one["in"].get<std::string>()), one["tree"].get<std::string>()) << one["in"];
  }
}

TEST(TreeJson, FillValuesThatAreNoJsonNumbersAreStrings) {
  EXPECT_NE(TreeOf("a + fill(NaN) b").find(R"("fillValues":{"lhs":"NaN","rhs":"NaN"})"),
            std::string::npos);
  EXPECT_NE(TreeOf("a + fill_right(-Inf) b").find(R"("fillValues":{"lhs":null,"rhs":"-Inf"})"),
            std::string::npos);
}

}  // namespace
}  // namespace thermocline
