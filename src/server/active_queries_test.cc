#include "server/active_queries.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace thermocline {
namespace {

using Json = nlohmann::json;

class ActiveQueriesTest : public ::testing::Test {
 protected:
  ActiveQuery Query(const std::string& text) {
    ActiveQuery query;
    query.text = text;
    query.start_ms = 1'500;
    query.end_ms = 61'500;
    query.step_ms = 15'000;
    query.started_ms = 1'435'781'430'781;
    query.started_steady_ns = 2'000'000'000;
    query.client = "127.0.0.1";
    query.budget = &budget_;
    query.counters = &counters_;
    return query;
  }
  Json Listed() { return Json::parse(queries_.ToJson(4'250'000'000)); }

  QueryBudget budget_;
  ReadCounters counters_;
  ActiveQueries queries_;
};

TEST_F(ActiveQueriesTest, AQueryIsListedWhileItRuns) {
  EXPECT_EQ(Listed(), Json::array());
  {
    const ActiveQueries::Entry entry(queries_, Query("rate(a[5m])"));
    ASSERT_TRUE(budget_.Charge(4096).ok());
    counters_.head_samples = 5;
    counters_.cold_samples = 7;
    EXPECT_EQ(Listed(),
              Json::parse(R"json([{"id":1,"query":"rate(a[5m])","start":1.5,"end":61.5,"step":15,
                "started":1435781430.781,"elapsed":2.25,"samples":12,"bytes":4096,
                "client":"127.0.0.1"}])json"));
  }
  EXPECT_EQ(Listed(), Json::array());
}

TEST_F(ActiveQueriesTest, TheOldestIsFirstAndIdsAreNotUsedTwice) {
  const ActiveQueries::Entry first(queries_, Query("a"));
  { const ActiveQueries::Entry gone(queries_, Query("b")); }
  const ActiveQueries::Entry last(queries_, Query("\"<c>"));
  const Json listed = Listed();
  ASSERT_EQ(listed.size(), 2u);
  EXPECT_EQ(listed[0]["id"], 1);
  EXPECT_EQ(listed[1]["id"], 3);
  EXPECT_EQ(listed[1]["query"], "\"<c>");
}

TEST_F(ActiveQueriesTest, CancelStopsTheQueryOfThatIdAlone) {
  const ActiveQuery a = Query("a");
  const ActiveQuery b = Query("b");
  const ActiveQueries::Entry first(queries_, a);
  const ActiveQueries::Entry second(queries_, b);
  EXPECT_TRUE(queries_.Cancel(2));
  EXPECT_FALSE(a.stop.stop_requested());
  EXPECT_TRUE(b.stop.stop_requested());
  // It runs until it notices.
  EXPECT_TRUE(queries_.Cancel(2));
  EXPECT_FALSE(queries_.Cancel(3));
}

}  // namespace
}  // namespace thermocline
