#include "wire/histogram_message.h"

#include <gtest/gtest.h>

#include <limits>

#include "wire/test_message.h"

namespace thermocline {
namespace {

constexpr uint64_t kRoom = 1000;

uint64_t ZigZag(int64_t v) {
  return (static_cast<uint64_t>(v) << 1) ^ static_cast<uint64_t>(v >> 63);
}
std::string Span(int32_t offset, uint64_t length) {
  return Message().Varint(1, ZigZag(offset)).Varint(2, length).bytes;
}
std::string Deltas(std::initializer_list<int64_t> deltas) {
  std::string bytes;
  ByteWriter writer(&bytes);
  for (const int64_t delta : deltas) writer.SignedVarint(delta);
  return bytes;
}
std::string Doubles(std::initializer_list<double> values) {
  std::string bytes;
  ByteWriter writer(&bytes);
  for (const double value : values) writer.F64(value);
  return bytes;
}

std::optional<HistogramMessage> Read(std::string_view message, ProtoFault* fault = nullptr) {
  HistogramMessage out;
  uint64_t room = kRoom;
  ProtoFault found = ProtoFault::kNone;
  const bool read = ReadHistogramMessage(message, &room, &out, &found);
  if (fault != nullptr) *fault = found;
  return read ? std::optional(out) : std::nullopt;
}

// What is wrong with the histogram, as a sender reads it.
std::string Refusal(const Message& message) {
  auto read = Read(message.bytes);
  if (!read) return "does not decode";
  const Status status = AdmitHistogram(&read->histogram);
  return status.ok() ? "" : std::string(status.message());
}

TEST(HistogramMessage, IsReadAsPrometheusSendsIt) {
  const auto read = Read(FromHex("080319000000000000184030005a0408021002620202027880d095ffbc31"));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->timestamp_ms, 1'700'000'000'000);
  const Histogram& h = read->histogram;
  EXPECT_EQ(h.kind, SampleKind::kHistogram);
  EXPECT_EQ(h.count, 3u);
  EXPECT_EQ(h.sum, 6);
  EXPECT_EQ(h.positive_spans, (std::vector<HistogramSpan>{{1, 2}}));
  EXPECT_EQ(h.positive_counts, (std::vector<int64_t>{1, 2}));
}

TEST(HistogramMessage, HasCustomBoundsAndAStartTimestamp) {
  const auto read = Read(
      FromHex("0803190000000000001840206930005a021002620202027880d095ffbc31820108000000000000e03f"
              "880198c895ffbc31"));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->histogram.schema, kCustomBoundsSchema);
  EXPECT_EQ(read->histogram.custom_bounds, std::vector<double>{0.5});
  EXPECT_EQ(read->start_ms, 1'699'999'999'000);
}

TEST(HistogramMessage, IsFloatWhenTheFloatCountIsSetLast) {
  Message message;
  message.Varint(1, 5).Double(2, 2.5).Double(7, 0.5).Double(5, 0.001).Varint(4, ZigZag(-4));
  message.Bytes(8, Span(-3, 1)).Bytes(10, Doubles({0.5})).Bytes(9, Deltas({7}));
  message.Bytes(11, Span(0, 2)).Double(13, 1.5).Double(13, 0).Varint(14, 3).Varint(15, 9);
  const auto read = Read(message.bytes);
  ASSERT_TRUE(read.has_value());
  Histogram want;
  want.kind = SampleKind::kFloatHistogram;
  want.reset_hint = CounterResetHint::kGauge;
  want.schema = -4;
  want.zero_threshold = 0.001;
  want.float_count = 2.5;
  want.float_zero_count = 0.5;
  want.negative_spans = {{-3, 1}};
  want.negative_floats = {0.5};
  want.positive_spans = {{0, 2}};
  want.positive_floats = {1.5, 0};
  EXPECT_TRUE(SameBits(read->histogram, want));
  message.Varint(1, 5).Varint(14, 77);
  const auto integer = Read(message.bytes);
  EXPECT_EQ(integer->histogram.kind, SampleKind::kHistogram);
  EXPECT_EQ(integer->histogram.zero_count, 0u) << "the zero count was a float one";
  EXPECT_EQ(integer->histogram.negative_counts, std::vector<int64_t>{7});
  EXPECT_EQ(integer->histogram.reset_hint, CounterResetHint::kUnknown);
}

TEST(HistogramMessage, TakesRepeatedNumbersPackedOrNot) {
  Message message;
  message.Varint(12, ZigZag(4)).Bytes(12, Deltas({-1, 3})).Varint(12, ZigZag(-6)).Varint(99, 1);
  const auto read = Read(message.bytes);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->histogram.positive_counts, (std::vector<int64_t>{4, 3, 6, 0}));
}

TEST(HistogramMessage, RefusesBytesThatLie) {
  const std::string_view truncated[] = {
      {"\x08", 1}, {"\x11\x00\x00", 3}, {"\x62\x05\x02", 3}, {"\x5a\x04\x08\x02", 4}};
  ProtoFault fault;
  for (const std::string_view bytes : truncated) {
    EXPECT_FALSE(Read(bytes, &fault).has_value());
    EXPECT_EQ(fault, ProtoFault::kTruncated);
  }
  EXPECT_FALSE(Read(Message().Bytes(13, "1234567").bytes, &fault).has_value());
  EXPECT_EQ(fault, ProtoFault::kTruncated) << "no whole double";
  EXPECT_FALSE(Read(Message().Varint(11, 1).bytes, &fault).has_value());
  EXPECT_EQ(fault, ProtoFault::kMalformed) << "a span that is a number";
  // Bucket counts that lie about their size are not memory yet, and spans that do never are.
  HistogramMessage out;
  uint64_t room = 100;
  const std::string many = Message().Bytes(12, std::string(101, '\0')).bytes;
  EXPECT_FALSE(ReadHistogramMessage(many, &room, &out, &fault));
  EXPECT_EQ(room, 0u);
  EXPECT_LE(out.histogram.positive_counts.capacity(), 128u);
  EXPECT_EQ(Refusal(Message().Bytes(11, Span(0, UINT32_MAX)).Varint(12, 2)),
            "positive side: spans need 4294967295 buckets, have 1 buckets: histogram spans specify "
            "different number of buckets than provided");
}

TEST(HistogramMessage, IsRefusedInPrometheusWords) {
  EXPECT_EQ(Refusal(Message()), "");
  EXPECT_EQ(Refusal(Message().Varint(4, ZigZag(-5))),
            "histogram has an invalid schema, which must be between -4 and 8 for exponential "
            "buckets, or -53 for custom buckets, got schema -5");
  EXPECT_EQ(Refusal(Message().Bytes(11, Span(0, 1)).Bytes(11, Span(-1, 1)).Bytes(12, "\x02\x02")),
            "positive side: span number 2 with offset -1: histogram has a span whose offset is "
            "negative");
  EXPECT_EQ(
      Refusal(Message().Bytes(8, Span(0, 2)).Varint(9, 2)),
      "negative side: spans need 2 buckets, have 1 buckets: histogram spans specify different "
      "number of buckets than provided");
  EXPECT_EQ(Refusal(Message().Bytes(11, Span(0, 2)).Bytes(12, Deltas({1, -2}))),
            "positive side: bucket number 2 has observation count of -1: histogram has a bucket "
            "whose observation count is negative");
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(Refusal(Message().Varint(1, 2).Double(3, nan).Varint(6, 3)),
            "3 observations found in buckets, but the Count field is 2: histogram's observation "
            "count should be at least the number of observations found in the buckets");
  EXPECT_EQ(Refusal(Message().Varint(1, 4).Double(3, nan).Varint(6, 3)), "");
  EXPECT_EQ(Refusal(Message().Double(2, 1).Double(7, -1)),
            "zero bucket has observation count of -1: histogram has a bucket whose observation "
            "count is negative");
  EXPECT_EQ(Refusal(Message().Double(2, -1)),
            "observation count is  -1: histogram's observation count is negative");
  EXPECT_EQ(Refusal(Message().Double(16, 1)),
            "histogram with exponential schema must not have custom bounds");
}

TEST(HistogramMessage, IsRefusedInPrometheusWordsForItsBounds) {
  const auto custom = [](std::initializer_list<double> bounds) {
    return Message().Varint(4, ZigZag(kCustomBoundsSchema)).Bytes(16, Doubles(bounds));
  };
  EXPECT_EQ(Refusal(custom({std::numeric_limits<double>::quiet_NaN()})),
            "custom buckets: histogram custom bounds must not be NaN");
  EXPECT_EQ(Refusal(custom({2, 1})),
            "custom buckets: previous bound is 2.000000 and current is 1.000000: histogram custom "
            "bounds must be in strictly increasing order");
  EXPECT_EQ(Refusal(custom({1, std::numeric_limits<double>::infinity()})),
            "custom buckets: last +Inf bound must not be explicitly defined: histogram custom "
            "bounds must be finite");
  EXPECT_EQ(Refusal(custom({}).Bytes(11, Span(0, 2)).Bytes(12, Deltas({0, 0}))),
            "custom buckets: only 0 custom bounds defined which is insufficient to cover total "
            "span length of 2: histogram custom bounds are too few");
  EXPECT_EQ(Refusal(custom({1}).Bytes(11, Span(-1, 0))),
            "custom buckets: span number 1 with offset -1: histogram has a span whose offset is "
            "negative");
  EXPECT_EQ(Refusal(custom({1}).Varint(6, 1)), "custom buckets: must have zero count of 0");
  EXPECT_EQ(Refusal(custom({1}).Double(5, 1)), "custom buckets: must have zero threshold of 0");
  EXPECT_EQ(Refusal(custom({1}).Bytes(8, Span(0, 1))),
            "custom buckets: must not have negative spans");
  EXPECT_EQ(Refusal(custom({1}).Varint(9, 2)), "custom buckets: must not have negative buckets");
  EXPECT_EQ(Refusal(custom({1}).Varint(1, 2).Bytes(11, Span(1, 1)).Varint(12, ZigZag(2))), "");
}

TEST(HistogramMessage, IsReducedToSchemaEight) {
  Message fine;
  fine.Varint(4, ZigZag(9)).Varint(1, 10).Bytes(11, Span(1, 4)).Bytes(12, Deltas({1, 1, 1, 1}));
  auto read = Read(fine.bytes);
  ASSERT_TRUE(read.has_value());
  ASSERT_TRUE(AdmitHistogram(&read->histogram).ok());
  EXPECT_EQ(read->histogram.schema, 8);
  EXPECT_EQ(read->histogram.positive_spans, (std::vector<HistogramSpan>{{1, 2}}));
  EXPECT_EQ(read->histogram.positive_counts, (std::vector<int64_t>{3, 7}));
  EXPECT_EQ(Refusal(Message().Varint(4, ZigZag(9)).Bytes(11, Span(0, UINT32_MAX)).Varint(12, 0)),
            "have 1 buckets but spans need more: histogram spans specify different number of "
            "buckets than provided");
  EXPECT_NE(Refusal(Message().Varint(4, ZigZag(53))), "");
}

}  // namespace
}  // namespace thermocline
