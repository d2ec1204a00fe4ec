#include "wire/read_request.h"

#include <gtest/gtest.h>

#include "codec/compression.h"
#include "wire/test_message.h"

namespace thermocline {
namespace {

std::string MatcherOf(uint64_t type, std::string_view name, std::string_view value) {
  return Message().Varint(1, type).Bytes(2, name).Bytes(3, value).bytes;
}
std::string QueryOf(int64_t start_ms, int64_t end_ms) {
  return Message()
      .Varint(1, static_cast<uint64_t>(start_ms))
      .Varint(2, static_cast<uint64_t>(end_ms))
      .Bytes(3, MatcherOf(0, "__name__", "up"))
      .bytes;
}
Result<ReadRequest> Parse(const Message& message) {
  return ParseReadRequest(message.bytes, ReadRequestLimits());
}
std::string ErrorOf(const Message& message) {
  const auto request = Parse(message);
  return request.ok() ? "none" : std::string(request.status().message());
}

TEST(ReadRequest, HasItsQueriesMatchersAndHints) {
  const std::string hints = Message()
                                .Varint(1, 15'000)
                                .Bytes(2, "rate")
                                .Varint(3, 150)
                                .Varint(4, 250)
                                .Bytes(5, "job")
                                .Varint(6, 1)
                                .Varint(7, 300'000)
                                .bytes;
  const std::string query = Message()
                                .Varint(1, 100)
                                .Varint(2, 200)
                                .Bytes(3, MatcherOf(0, "a", "1"))
                                .Bytes(3, MatcherOf(1, "b", "2"))
                                .Bytes(3, MatcherOf(2, "c", "3.*"))
                                .Bytes(3, MatcherOf(3, "d", ""))
                                .Bytes(4, hints)
                                .bytes;
  const auto request = Parse(Message().Bytes(1, query).Bytes(1, QueryOf(-5, 5)).Varint(9, 1));
  ASSERT_TRUE(request.ok()) << request.status().ToString();
  ASSERT_EQ(request->queries.size(), 2u);
  const ReadQuery& first = request->queries[0];
  EXPECT_EQ(first.range, (TimeRange{150, 200}));
  EXPECT_EQ(first.step_ms, 15'000);
  EXPECT_EQ(first.range_ms, 300'000);
  EXPECT_EQ(first.function, "rate");
  std::string matchers;
  for (const Matcher& matcher : first.matchers) matchers += matcher.ToString() + " ";
  EXPECT_EQ(matchers, R"(a="1" b!="2" c=~"3.*" d!~"" )");
  EXPECT_EQ(request->queries[1].range, (TimeRange{-5, 5}));
  EXPECT_EQ(request->response_type, ReadResponseType::kSamples);
}

TEST(ReadRequest, ARangeOfZerosInTheHintsIsNone) {
  const std::string query = QueryOf(100, 200) + Message().Bytes(4, "").bytes;
  const auto request = Parse(Message().Bytes(1, query));
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->queries[0].range, (TimeRange{100, 200}));
}

TEST(ReadRequest, TheFirstAcceptedTypeThatIsServedIsTaken) {
  const auto type = [](const Message& message) { return Parse(message)->response_type; };
  EXPECT_EQ(type(Message()), ReadResponseType::kSamples);
  EXPECT_EQ(type(Message().Varint(2, 1).Varint(2, 0)), ReadResponseType::kStreamedChunks);
  EXPECT_EQ(type(Message().Bytes(2, std::string("\x07\x00\x01", 3))), ReadResponseType::kSamples);
  EXPECT_EQ(ErrorOf(Message().Varint(2, 7)),
            "none of the requested response types is served; served are SAMPLES and "
            "STREAMED_XOR_CHUNKS");
}

TEST(ReadRequest, BadBytesAreToldApart) {
  EXPECT_EQ(ErrorOf(Message{QueryOf(1, 2).substr(0, 5)}), "proto: read request is malformed");
  EXPECT_EQ(ErrorOf(Message{Message().Bytes(1, QueryOf(1, 2)).bytes.substr(0, 12)}),
            "unexpected EOF");
  EXPECT_EQ(ErrorOf(Message().Bytes(1, Message().Bytes(3, MatcherOf(4, "a", "b")).bytes)),
            "invalid matcher type");
  EXPECT_NE(ErrorOf(Message().Bytes(1, Message().Bytes(3, MatcherOf(2, "a", "b(")).bytes))
                .find("error parsing regexp"),
            std::string::npos);
  // Known fields in wire types that are not theirs, at each level.
  const std::string wrong_matcher = Message().Varint(2, 1).bytes;
  const std::string wrong_hints = Message().Bytes(1, "x").bytes;
  for (const std::string& query :
       {Message().Bytes(1, "x").bytes, Message().Bytes(3, wrong_matcher).bytes,
        Message().Bytes(4, wrong_hints).bytes}) {
    EXPECT_EQ(ErrorOf(Message().Bytes(1, query)), "proto: read request is malformed");
  }
  EXPECT_EQ(ErrorOf(Message{"\x0b"}), "proto: read request is malformed");
}

TEST(ReadRequest, CountsAreBounded) {
  ReadRequestLimits limits;
  limits.max_queries = 2;
  limits.max_matchers = 3;
  Message message;
  for (int i = 0; i < 2; ++i) message.Bytes(1, QueryOf(1, 2));
  EXPECT_TRUE(ParseReadRequest(message.bytes, limits).ok());
  Message one_more = message;
  one_more.Bytes(1, "");
  EXPECT_EQ(ParseReadRequest(one_more.bytes, limits).status().message(),
            "the request has more than 2 queries");
  limits.max_matchers = 1;
  EXPECT_EQ(ParseReadRequest(message.bytes, limits).status().message(),
            "the request has more than 1 matchers");
}

TEST(ReadRequest, TheSnappyBlockIsBoundedBeforeItIsDecoded) {
  const std::string message = Message().Bytes(1, QueryOf(1, 2)).bytes;
  std::string body;
  SnappyEncode(message, &body);
  ReadRequestLimits limits;
  limits.max_decoded_bytes = message.size();
  EXPECT_TRUE(DecodeReadRequest(body, limits).ok());
  limits.max_decoded_bytes = message.size() - 1;
  EXPECT_EQ(
      DecodeReadRequest(body, limits).status().message(),
      "snappy: decoded size exceeds the " + std::to_string(message.size() - 1) + " bytes limit");
  EXPECT_EQ(DecodeReadRequest("", limits).status().message(), "snappy: corrupt input");
  EXPECT_EQ(DecodeReadRequest("\xff", limits).status().message(), "snappy: corrupt input");
}

}  // namespace
}  // namespace thermocline
