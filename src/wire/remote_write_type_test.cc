#include "wire/remote_write_type.h"

#include <gtest/gtest.h>

#include <utility>

namespace thermocline {
namespace {

TEST(RemoteWriteType, NamesTheMessageOfEveryFormThatSendersUse) {
  const std::pair<const char*, RemoteWriteMessage> cases[] = {
      {"", RemoteWriteMessage::kVersion1},
      {"application/x-protobuf", RemoteWriteMessage::kVersion1},
      {"application/x-protobuf;proto=prometheus.WriteRequest", RemoteWriteMessage::kVersion1},
      {"application/x-protobuf;charset=utf-8", RemoteWriteMessage::kVersion1},
      {"application/x-protobuf;a=b;proto=io.prometheus.write.v2.Request",
       RemoteWriteMessage::kVersion2},
      {"Application/X-Protobuf; Proto=io.prometheus.write.v2.Request",
       RemoteWriteMessage::kVersion2},
      // What follows the message's name is not looked at.
      {"application/x-protobuf;proto=prometheus.WriteRequest;foo", RemoteWriteMessage::kVersion1}};
  for (const auto& [text, want] : cases) {
    const auto got = ParseRemoteWriteType(text);
    ASSERT_TRUE(got.ok()) << text << ": " << got.status().ToString();
    EXPECT_EQ(*got, want) << text;
  }
}

TEST(RemoteWriteType, RefusesEverythingElseInPrometheusWords) {
  const std::string rfc =
      "as per https://www.rfc-editor.org/rfc/rfc9110#parameter expected parameters to be "
      "key-values, got ";
  const std::pair<std::string, std::string> cases[] = {
      {"application/json",
       "expected application/x-protobuf as the first (media) part, got application/json "
       "content-type"},
      {"application/x-protobuf;foo", rfc + "foo in application/x-protobuf;foo content-type"},
      {"application/x-protobuf;", rfc + " in application/x-protobuf; content-type"},
      {"application/x-protobuf;a=b=c", rfc + "a=b=c in application/x-protobuf;a=b=c content-type"},
      {"application/x-protobuf;proto=foo",
       "got application/x-protobuf;proto=foo content type; unknown type for remote write protobuf "
       "message foo, supported: prometheus.WriteRequest, io.prometheus.write.v2.Request"}};
  for (const auto& [text, want] : cases) {
    const auto got = ParseRemoteWriteType(text);
    ASSERT_FALSE(got.ok()) << text;
    EXPECT_EQ(got.status().message(), want);
  }
}

}  // namespace
}  // namespace thermocline
