#include "app/query_text.h"

#include <gtest/gtest.h>

namespace thermocline {
namespace {

std::string Envelope(const std::string& data) { return R"({"status":"success","data":)" + data; }

TEST(QueryText, ShowsVectorsMatricesAndScalars) {
  const std::pair<std::string, const char*> cases[] = {
      {Envelope(R"({"resultType":"vector","result":)"
                R"([{"metric":{"__name__":"up","job":"a"},"value":[1.5,"1"]}]}})"),
       "up{job=\"a\"} => 1 @1.5\n"},
      {Envelope(R"({"resultType":"matrix","result":)"
                R"([{"metric":{"__name__":"up"},"values":[[1,"1"],[2,"NaN"]]}]}})"),
       "up =>\n  1 @1\n  NaN @2\n"},
      {Envelope(R"({"resultType":"scalar","result":[7,"3"]},"warnings":["w"],"infos":["i"]})"),
       "3 @7\n# w\n# i\n"}};
  for (const auto& [body, want] : cases) {
    const auto text = QueryText(body);
    ASSERT_TRUE(text.ok()) << text.status().ToString();
    EXPECT_EQ(*text, want);
  }
}

TEST(QueryText, AnErrorEnvelopeAndGarbageAreErrors) {
  const auto refused = QueryText(R"({"status":"error","errorType":"bad_data","error":"oops"})");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.status().message(), "oops");
  for (const char* body : {"", "<html>", "{}", R"({"status":"success"})", "[1"}) {
    EXPECT_FALSE(QueryText(body).ok()) << body;
  }
}

}  // namespace
}  // namespace thermocline
