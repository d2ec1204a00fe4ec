#include "promql/prettier.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "promql/parser.h"
#include "promql/printer.h"

namespace thermocline::promql {
namespace {

nlohmann::json Cases() {
  const auto file = std::filesystem::path(__FILE__).parent_path().parent_path().parent_path() /
                    "tests/golden/promql-parser/prettier.json";
  std::ifstream stream(file);
  return nlohmann::json::parse(stream)["cases"];
}

TEST(Prettier, BreaksEveryCaseAsPrometheusDoes) {
  const nlohmann::json cases = Cases();
  ASSERT_GT(cases.size(), 70u);
  for (const auto& one : cases) {
    const std::string query = one["in"];
    const auto parsed = Parse(query);
    ASSERT_TRUE(parsed.ok()) << query << ": " << parsed.status().message();
    EXPECT_EQ(Prettify(**parsed, one["line"].get<size_t>()), one["out"].get<std::string>())
        << query;
  }
}

TEST(Prettier, WhatItPrintsIsTheSameExpression) {
  for (const auto& one : Cases()) {
    const auto parsed = Parse(one["in"].get<std::string>());
    ASSERT_TRUE(parsed.ok());
    for (const size_t line_bytes : {1u, 10u, 40u, 100u}) {
      const std::string pretty = Prettify(**parsed, line_bytes);
      const auto again = Parse(pretty);
      ASSERT_TRUE(again.ok()) << pretty;
      EXPECT_EQ(Print(**again), Print(**parsed));
    }
  }
}

}  // namespace
}  // namespace thermocline::promql
