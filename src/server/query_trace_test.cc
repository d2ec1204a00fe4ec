#include "server/query_trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "env/simulated/simulated_env.h"
#include "promql/engine.h"
#include "promql/test_script/memory_storage.h"

namespace thermocline {
namespace {

using Json = nlohmann::json;

class QueryTraceTest : public testing::Test {
 protected:
  QueryTraceTest() {
    for (const char* job : {"a", "b"}) {
      for (TimestampMs t_ms = 0; t_ms < 100'000; t_ms += 10'000) {
        storage_.Add(Labels{{"__name__", "m"}, {"job", job}}, t_ms, 1);
      }
    }
  }

  Json Trace(std::string_view query) {
    const QueryTrace trace(storage_, machine_.clock);
    promql::QueryOptions options;
    options.counters = &counters_;
    const auto result = engine_.Range(trace, query, 0, 90'000, 10'000, options);
    EXPECT_TRUE(result.ok()) << result.status().ToString();
    return Json::parse(trace.Json(query, 0));
  }

  SimulatedEnv machine_;
  promql::MemoryStorage storage_;
  ReadCounters counters_;
  const promql::Engine engine_{promql::EngineOptions(), machine_.executor, machine_.clock};
};

TEST_F(QueryTraceTest, TellsEachSelectionWithWhatItRead) {
  const Json trace = Trace(R"(sum(rate(m{job="a"}[30s])) + count(m))");
  EXPECT_EQ(trace["message"], R"(sum(rate(m{job="a"}[30s])) + count(m))");
  ASSERT_EQ(trace["children"].size(), 2u);
  EXPECT_EQ(trace["children"][0]["message"], "parse and plan");
  const Json& selections = trace["children"][1]["children"];
  ASSERT_EQ(selections.size(), 2u);
  std::vector<std::string> messages;
  for (const Json& selection : selections) {
    messages.push_back(selection["message"]);
    EXPECT_EQ(selection["children"].size(), 2u);
    EXPECT_TRUE(selection["tiers"]["cold"]["files"].contains("skippedByTime"));
  }
  EXPECT_THAT(messages, testing::UnorderedElementsAre(
                            R"(select {__name__="m", job="a"} from -29999 to 90000: 1 series)",
                            R"(select {__name__="m"} from -299999 to 90000: 2 series)"));
}

TEST_F(QueryTraceTest, AQueryWithoutASelectionHasOneNode) {
  const Json trace = Trace("1 + 1");
  ASSERT_EQ(trace["children"].size(), 1u);
  EXPECT_EQ(trace["children"][0]["message"], "parse, plan and evaluate");
}

}  // namespace
}  // namespace thermocline
