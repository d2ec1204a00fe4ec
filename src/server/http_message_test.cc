#include "server/http_message.h"

#include <gtest/gtest.h>

namespace thermocline {
namespace {

TEST(HttpMessage, TheFirstHeaderOfANameCounts) {
  Request request;
  request.headers = {{"accept", "a"}, {"x-more", "1"}, {"x-more", "2"}};
  EXPECT_EQ(request.Header("accept"), "a");
  EXPECT_EQ(request.Header("x-more"), "1");
  EXPECT_EQ(request.Header("Accept"), "");
  EXPECT_EQ(request.Header("absent"), "");
}

TEST(HttpMessage, EveryStatusThatWeSendHasAPhrase) {
  for (const int status : {200, 204, 400, 403, 404, 405, 413, 414, 415, 422, 431, 499, 500, 503}) {
    EXPECT_NE(ReasonPhrase(status), "Unknown") << status;
  }
  EXPECT_EQ(ReasonPhrase(503), "Service Unavailable");
  EXPECT_EQ(ReasonPhrase(299), "Unknown");
}

}  // namespace
}  // namespace thermocline
