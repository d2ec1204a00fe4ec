#include "server/reply.h"

#include <gtest/gtest.h>

#include <tuple>

namespace thermocline {
namespace {

std::string RetryAfter(const Response& response) {
  for (const auto& [name, value] : response.headers) {
    if (name == "Retry-After") return value;
  }
  return "";
}

TEST(Reply, SuccessIsTheEnvelopeAroundTheData) {
  const Response response = Success(R"([1,"a"])");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_EQ(response.body, R"({"status":"success","data":[1,"a"]})");
  EXPECT_EQ(Success("null", {"w \"1\""}, {"i"}).body,
            R"({"status":"success","data":null,"warnings":["w \"1\""],"infos":["i"]})");
}

TEST(Reply, AfterTenNoticesOnlyTheirNumberIsTold) {
  std::vector<std::string> notices(10, "n");
  EXPECT_EQ(Success("1", notices).body.find("omitted"), std::string::npos);
  notices.resize(13, "n");
  EXPECT_TRUE(Success("1", notices).body.ends_with(R"("3 more warning annotations omitted"]})"));
  EXPECT_TRUE(Success("1", {}, notices).body.ends_with(R"("3 more info annotations omitted"]})"));
}

TEST(Reply, FailuresCarryPrometheusErrorTypes) {
  const std::tuple<Status, bool, int, std::string> cases[] = {
      {Status::InvalidArgument("m"), true, 400, "bad_data"},
      {Status::InvalidArgument("m"), false, 400, "bad_data"},
      {Status::NotFound("m"), false, 404, "not_found"},
      {Status::Cancelled("m"), true, 499, "canceled"},
      {Status::DeadlineExceeded("m"), true, 503, "timeout"},
      {Status::Unavailable("m"), false, 503, "unavailable"},
      {Status::ResourceExhausted("m"), true, 422, "execution"},
      {Status::ResourceExhausted("m"), false, 503, "unavailable"},
      {Status::OutOfRange("m"), true, 422, "execution"},
      {Status::Corruption("m"), true, 422, "execution"},
      {Status::Corruption("m"), false, 500, "internal"},
      {Status::Io("m"), false, 500, "internal"},
      {Status::Internal("m"), false, 500, "internal"}};
  for (const auto& [status, during_query, code, type] : cases) {
    const Response response = Failure(status, during_query);
    EXPECT_EQ(response.status, code) << status.ToString();
    EXPECT_EQ(response.body, R"({"status":"error","errorType":")" + type + R"(","error":"m"})");
    // What may be tried again says when.
    EXPECT_EQ(RetryAfter(response), code == 503 ? "5" : "") << status.ToString();
  }
}

TEST(Reply, AMessageThatIsNotUtf8StaysValidJson) {
  EXPECT_EQ(Failure(400, "bad_data", "a\xff\n\"b").body,
            R"({"status":"error","errorType":"bad_data","error":"a\ufffd\n\"b"})");
}

}  // namespace
}  // namespace thermocline
