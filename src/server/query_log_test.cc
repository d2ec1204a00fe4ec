#include "server/query_log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "env/simulated/simulated_env.h"
#include "env/simulated/simulated_file_system.h"

namespace thermocline {
namespace {

LoggedQuery Range() {
  LoggedQuery query;
  query.text = "up{a=\"<&é\"}";
  query.start_ms = 1'250;
  query.end_ms = 20'000;
  query.step_ms = 2'500;
  query.statistics = R"({"samples":{}})";
  query.client = "127.0.0.1";
  query.method = "POST";
  query.path = "/api/v1/query_range";
  return query;
}

TEST(QueryLog, ALineHasPrometheusKeysInItsOrder) {
  // What Prometheus 3.14 wrote of this request, its own statistics and source left out.
  EXPECT_EQ(QueryLogLine(Range(), 1'796'086'483'378),
            R"({"time":"2026-12-01T00:54:43.378Z","level":"INFO","source":"query_log",)"
            R"("msg":"promql query logged","params":{"end":"1970-01-01T00:00:20.000Z",)"
            R"("query":"up{a=\"<&é\"}","start":"1970-01-01T00:00:01.250Z","step":2},)"
            R"("stats":{"samples":{}},"spanID":"0000000000000000",)"
            R"("traceID":"00000000000000000000000000000000","httpRequest":)"
            R"({"clientIP":"127.0.0.1","method":"POST","path":"/api/v1/query_range"}})"
            "\n");
}

TEST(QueryLog, AnErrorStandsBetweenParametersAndStatistics) {
  LoggedQuery query = Range();
  query.error = "Parameter value is NaN";
  const std::string line = QueryLogLine(query, 0);
  EXPECT_NE(line.find(R"("step":2},"error":"Parameter value is NaN","stats":)"), std::string::npos)
      << line;
}

TEST(QueryLog, AnyTextIsOneLineOfJson) {
  LoggedQuery query = Range();
  const std::string text = "a\n\"\\\x01\xff";
  query.text = text;
  query.start_ms = -1;
  const std::string line = QueryLogLine(query, 0);
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  const auto read = nlohmann::json::parse(line);
  EXPECT_EQ(read["params"]["start"], "1969-12-31T23:59:59.999Z");
}

class QueryLogFile : public ::testing::Test {
 protected:
  size_t Lines() {
    const std::string text = env_.files.ReadFile("query.log").value();
    return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
  }

  SimulatedEnv env_;
};

TEST_F(QueryLogFile, LinesAreAppendedToWhatIsThere) {
  QueryLog::Open("query.log", env_.env()).value()->Write(Range());
  const auto log = QueryLog::Open("query.log", env_.env()).value();
  log->Write(Range());
  log->Write(Range());
  EXPECT_EQ(Lines(), 3u);
}

TEST_F(QueryLogFile, ALogThatWasMovedAwayIsBegunAnew) {
  const auto log = QueryLog::Open("query.log", env_.env()).value();
  log->Write(Range());
  ASSERT_TRUE(env_.files.Rename("query.log", "query.log.1").ok());
  log->Write(Range());
  log->Write(Range());
  EXPECT_EQ(Lines(), 2u);
}

TEST_F(QueryLogFile, ALogThatWasCutOffGoesOnAtItsEnd) {
  const auto log = QueryLog::Open("query.log", env_.env()).value();
  log->Write(Range());
  ASSERT_TRUE(env_.files.OpenForWrite("query.log", OpenMode::kTruncate).ok());
  log->Write(Range());
  EXPECT_EQ(Lines(), 1u);
  EXPECT_EQ(env_.files.ReadFile("query.log").value().front(), '{');
}

TEST_F(QueryLogFile, AFileThatCannotBeMadeIsAnError) {
  ASSERT_TRUE(env_.files.CreateDirectories("query.log").ok());
  EXPECT_FALSE(QueryLog::Open("query.log", env_.env()).ok());
}

}  // namespace
}  // namespace thermocline
