#include "wire/remote_write.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "codec/compression.h"
#include "wire/test_message.h"

namespace thermocline {
namespace {

std::string Label(std::string_view name, std::string_view value) {
  return Message().Bytes(1, name).Bytes(2, value).bytes;
}
std::string OneSample(double v, int64_t t) {
  return Message().Double(1, v).Varint(2, static_cast<uint64_t>(t)).bytes;
}
using Pairs = std::vector<std::pair<std::string, std::string>>;
std::string Series(const Pairs& labels, const std::vector<std::pair<int64_t, double>>& samples) {
  Message series;
  for (const auto& [name, value] : labels) series.Bytes(1, Label(name, value));
  for (const auto& [t, v] : samples) series.Bytes(2, OneSample(v, t));
  return Message().Bytes(1, series.bytes).bytes;
}

struct Decoded {
  Status status;
  WriteBatch batch;
  RemoteWriteSkipped skipped;
};
Decoded Parse(std::string_view message, const RemoteWriteLimits& limits = {}) {
  Decoded decoded;
  decoded.status = ParseWriteRequest1(message, limits, &decoded.batch, &decoded.skipped);
  return decoded;
}
Decoded DecodeBody(std::string_view body) {
  Decoded decoded;
  std::string scratch;
  decoded.status = DecompressRemoteWrite(body, RemoteWriteLimits(), &scratch);
  return decoded.status.ok() ? Parse(scratch) : std::move(decoded);
}

constexpr std::string_view kOneSample =
    "0a290a0d0a085f5f6e616d655f5f12016d0a060a0161120162121009000000000000f03f1080d095ffbc31";

TEST(RemoteWrite, DecodesTheExampleOfTheProtocol) {
  const Decoded decoded = DecodeBody("\x2b\xa8" + FromHex(kOneSample));
  ASSERT_TRUE(decoded.status.ok()) << decoded.status.ToString();
  ASSERT_EQ(decoded.batch.series.size(), 1u);
  const BatchSeries& series = decoded.batch.series[0];
  EXPECT_EQ(decoded.batch.labels(series).ToString(), R"({__name__="m", a="b"})");
  EXPECT_EQ(series.hash, decoded.batch.labels(series).Hash());
  ASSERT_EQ(decoded.batch.samples.size(), 1u);
  EXPECT_EQ(decoded.batch.samples[0].timestamp_ms, 1700000000000);
  EXPECT_EQ(decoded.batch.samples[0].value, 1);
  EXPECT_EQ(decoded.batch.on_reject, RejectPolicy::kWholeBatch);
}

TEST(RemoteWrite, SortsLabelsDropsEmptyValuesAndReadsAbsentNumbersAsZero) {
  const Decoded decoded = Parse(
      FromHex("0a250a060a017a1201310a0d0a085f5f6e616d655f5f1201750a030a016512071080d095ffbc31"));
  ASSERT_TRUE(decoded.status.ok());
  ASSERT_EQ(decoded.batch.series.size(), 1u);
  EXPECT_EQ(decoded.batch.labels(decoded.batch.series[0]), Labels({{"__name__", "u"}, {"z", "1"}}));
  EXPECT_EQ(decoded.batch.samples[0].value, 0);
  const Decoded zero = Parse(
      Message().Bytes(1, Message().Bytes(1, Label("__name__", "m")).Bytes(2, "").bytes).bytes);
  ASSERT_TRUE(zero.status.ok());
  ASSERT_EQ(zero.batch.samples.size(), 1u);
  EXPECT_EQ(zero.batch.samples[0].timestamp_ms, 0);
}

TEST(RemoteWrite, SkipsSeriesWithBadLabelsSilentlyAndKeepsTheRest) {
  const std::string long_text(5000, 'x');
  Pairs many = {{"__name__", "m"}};
  for (int i = 100; i < 170; ++i) many.push_back({"l" + std::to_string(i), "v"});
  const std::vector<std::pair<Pairs, bool>> bad = {
      {{{"a", "b"}}, true},                                 // no metric name
      {{{"__name__", ""}, {"a", "b"}}, true},               // an empty one
      {{{"__name__", "m"}, {"a", "1"}, {"a", "2"}}, true},  // twice
      {{{"__name__", "m"}, {"a", "1"}, {"a", "1"}}, true},
      {{{"__name__", "m"}, {"a", ""}, {"a", "1"}}, true},
      {{{"__name__", "m"}, {"", "1"}}, true},      // empty name
      {{{"__name__", "m"}, {"a", "\xff"}}, true},  // not UTF-8
      {{{"__name__", "m"}, {"a\xc3", "1"}}, true},
      {{{"__name__", "m"}, {"\xff", ""}}, true},
      {{{"__name__", std::string("m\xed\xa0\x80")}}, true},
      {{}, true},
      {{{"__name__", "m"}, {"a", long_text}}, false},
      {{{"__name__", "m"}, {long_text, "a"}}, false},
      {many, false},
  };
  for (const auto& [labels, invalid] : bad) {
    const Decoded decoded = Parse(Series({{"__name__", "before"}}, {{1, 1}}) +
                                  Series(labels, {{1, 5}}) + Series({{"__name__", "z"}}, {{1, 2}}));
    ASSERT_TRUE(decoded.status.ok());
    ASSERT_EQ(decoded.batch.series.size(), 2u) << (labels.empty() ? "" : labels.back().first);
    EXPECT_EQ(decoded.skipped.invalid_series, invalid ? 1u : 0u);
    EXPECT_EQ(decoded.skipped.over_limit_series, invalid ? 0u : 1u);
    EXPECT_EQ(decoded.batch.labels(decoded.batch.series[1]).metric_name(), "z");
    EXPECT_EQ(decoded.batch.samples.size(), 2u);
    EXPECT_EQ(decoded.batch.series[1].first_sample, 1u);
  }
}

TEST(RemoteWrite, KeepsLongAndUtf8Labels) {
  const std::string value(300, 'v');
  const Decoded decoded = Parse(Series(
      {{"__name__", "temperatür"}, {"a.b", value}, {"ort", "Zürich \xf0\x9f\x98\x80"}}, {{5, 6}}));
  ASSERT_TRUE(decoded.status.ok());
  ASSERT_EQ(decoded.batch.series.size(), 1u);
  const LabelsView labels = decoded.batch.labels(decoded.batch.series[0]);
  EXPECT_EQ(labels.Get("a.b"), value);
  EXPECT_EQ(labels.Get("ort"), "Zürich \xf0\x9f\x98\x80");
  EXPECT_TRUE(Labels::FromPacked(std::string(labels.packed())).ok());
}

TEST(RemoteWrite, KeepsNanPayloadsAndNegativeTimes) {
  const Decoded decoded = Parse(Series({{"__name__", "m"}}, {{-5, StaleMarker()}}));
  ASSERT_EQ(decoded.batch.samples.size(), 1u);
  EXPECT_TRUE(IsStale(decoded.batch.samples[0].value));
  EXPECT_EQ(decoded.batch.samples[0].timestamp_ms, -5);
}

TEST(RemoteWrite, CountsWhatItDoesNotStore) {
  Message series;
  series.Bytes(2, OneSample(1, 1)).Bytes(3, "").Bytes(1, Label("__name__", "m"));
  const Decoded decoded =
      Parse(Message().Bytes(1, series.bytes).bytes + Series({{"__name__", "n"}}, {}));
  ASSERT_TRUE(decoded.status.ok());
  EXPECT_EQ(decoded.batch.series.size(), 1u);
  EXPECT_EQ(decoded.skipped.exemplars, 1u);
  EXPECT_EQ(decoded.skipped.series_without_samples, 1u);
}

TEST(RemoteWrite, PutsTheHistogramsOfASeriesBehindItsFloats) {
  const auto histogram = [](uint64_t t) { return Message().Varint(15, t).bytes; };
  Message mixed;
  mixed.Bytes(4, histogram(7)).Bytes(2, OneSample(1, 5)).Bytes(4, histogram(8));
  mixed.Bytes(1, Label("__name__", "m"));
  const Decoded decoded =
      Parse(Message().Bytes(1, mixed.bytes).bytes + Series({{"__name__", "n"}}, {{9, 2}}));
  ASSERT_TRUE(decoded.status.ok()) << decoded.status.ToString();
  const WriteBatch& batch = decoded.batch;
  ASSERT_EQ(batch.samples.size(), 4u);
  EXPECT_EQ(batch.series[0].sample_count, 3u);
  ASSERT_EQ(batch.histogram_index.size(), 4u);
  EXPECT_EQ(batch.histogram(0), nullptr);
  EXPECT_EQ(batch.histogram(1), &batch.histograms[0]);
  EXPECT_EQ(batch.histogram(2), &batch.histograms[1]);
  EXPECT_EQ(batch.histogram(3), nullptr);
  EXPECT_EQ(batch.samples[2].timestamp_ms, 8);
}

TEST(RemoteWrite, RefusesTheRequestForOneBadHistogramButNotInASeriesThatItSkips) {
  const std::string bad = Message().Varint(1, 4).bytes;  // counts 4, has no buckets
  const std::string good = Series({{"__name__", "m"}}, {{1, 1}});
  const auto series = [&](std::string_view name) {
    return Message()
        .Bytes(1, Message().Bytes(1, Label("__name__", name)).Bytes(4, bad).bytes)
        .bytes;
  };
  const Decoded refused = Parse(good + series("h"));
  EXPECT_EQ(refused.status.code(), Code::kInvalidArgument);
  EXPECT_EQ(refused.status.message(),
            "0 observations found in buckets, but the Count field is 4: histogram's observation "
            "count should equal the number of observations found in the buckets (in absence of "
            "NaN)");
  const Decoded skipped = Parse(good + series(""));
  EXPECT_TRUE(skipped.status.ok());
  EXPECT_EQ(skipped.skipped.invalid_series, 1u);
  EXPECT_TRUE(skipped.batch.histograms.empty());
}

TEST(RemoteWrite, BoundsWhatHistogramsAskFor) {
  RemoteWriteLimits limits;
  limits.max_histograms = 2;
  limits.max_buckets = 10;
  const auto request = [](const std::vector<std::string>& histograms) {
    Message series;
    series.Bytes(1, Label("__name__", "h"));
    for (const std::string& h : histograms) series.Bytes(4, h);
    return Message().Bytes(1, series.bytes).bytes;
  };
  const std::string nine = Message()
                               .Bytes(11, Message().Varint(2, 8).bytes)
                               .Bytes(12, std::string(8, '\0'))
                               .bytes;  // a span and eight buckets
  EXPECT_TRUE(Parse(request({nine}), limits).status.ok());
  EXPECT_EQ(Parse(request({nine, nine}), limits).status.message(),
            "the request has more than 10 buckets of histograms");
  EXPECT_TRUE(Parse(request({"", ""}), limits).status.ok());
  EXPECT_EQ(Parse(request({"", "", ""}), limits).status.message(),
            "the request has more than 2 histograms");
}

TEST(RemoteWrite, KeepsMetadata) {
  const std::string metadata =
      Message().Varint(1, 1).Bytes(2, "m_total").Bytes(4, "Helps.").Bytes(5, "seconds").bytes;
  const Decoded decoded = Parse(Message()
                                    .Bytes(3, metadata)
                                    .Bytes(3, Message().Varint(1, 99).Bytes(2, "x").bytes)
                                    .Bytes(3, Message().Bytes(2, "\xff").bytes)
                                    .bytes);
  ASSERT_TRUE(decoded.status.ok());
  ASSERT_EQ(decoded.batch.metadata.size(), 2u);
  EXPECT_EQ(decoded.batch.metadata[0].family, "m_total");
  EXPECT_EQ(decoded.batch.metadata[0].type, "counter");
  EXPECT_EQ(decoded.batch.metadata[0].help, "Helps.");
  EXPECT_EQ(decoded.batch.metadata[0].unit, "seconds");
  EXPECT_EQ(decoded.batch.metadata[1].type, "unknown");
}

TEST(RemoteWrite, SkipsUnknownFieldsAndRefusesWrongWireTypes) {
  const std::string good = FromHex(kOneSample);
  const Decoded unknown = Parse(Message().Bytes(15, "x").Varint(20, 7).Double(21, 1).bytes + good);
  ASSERT_TRUE(unknown.status.ok());
  EXPECT_EQ(unknown.batch.series.size(), 1u);
  EXPECT_EQ(Parse(Message().Varint(1, 7).bytes).status.code(), Code::kInvalidArgument);
  EXPECT_EQ(Parse(std::string("\x0b", 1)).status.code(), Code::kInvalidArgument);      // a group
  EXPECT_EQ(Parse(std::string("\x02\x00", 2)).status.code(), Code::kInvalidArgument);  // field 0
  EXPECT_TRUE(Parse("").status.ok());
}

TEST(RemoteWrite, RefusesEveryTruncation) {
  const std::string good = FromHex(kOneSample);
  for (size_t size = 1; size < good.size(); ++size) {
    const Decoded decoded = Parse(std::string_view(good).substr(0, size));
    ASSERT_FALSE(decoded.status.ok()) << size;
    EXPECT_EQ(decoded.status.message(), "unexpected EOF");
  }
}

TEST(RemoteWrite, RefusesBodiesThatLieAboutTheirSize) {
  EXPECT_EQ(DecodeBody("").status.message(), "s2: corrupt input");
  EXPECT_EQ(DecodeBody(FromHex(kOneSample)).status.message(), "s2: corrupt input");
  EXPECT_EQ(DecodeBody("\x80\x80\x80\x80\x10").status.message(), "s2: corrupt input");
  EXPECT_EQ(DecodeBody("\x81\x80\x80\x10\x00").status.message(),
            "decoded size exceeds the 33554432 bytes limit");
  EXPECT_EQ(DecodeBody(std::string("\x80\x80\x80\x08\x00", 5)).status.message(),
            "s2: corrupt input");
  EXPECT_TRUE(DecodeBody(std::string(1, '\0')).status.ok());
}

TEST(RemoteWrite, LimitsSeriesAndSamplesOfARequest) {
  RemoteWriteLimits limits;
  limits.max_series = 2;
  limits.max_samples = 3;
  const std::string one = Series({{"__name__", "m"}}, {{1, 1}});
  EXPECT_TRUE(Parse(one + one, limits).status.ok());
  EXPECT_EQ(Parse(one + one + one, limits).status.message(), "the request has more than 2 series");
  EXPECT_EQ(
      Parse(Series({{"__name__", "m"}}, {{1, 1}, {2, 1}, {3, 1}, {4, 1}}), limits).status.message(),
      "the request has more than 3 samples");
}

// Random label lists, sorted or not, against the straightforward rules on a map.
TEST(RemoteWrite, AgreesWithTheRulesOnRandomLabels) {
  const uint32_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const std::vector<std::string> names = {"__name__", "a", "aa", "b",   "job",
                                          "\xc3\xbc", "Z", "",   "\xff"};
  const std::vector<std::string> values = {
      "x",        "",     "exactly sixteen!",    "seventeen letters",
      "\xc3\xa9", "\x80", std::string(130, 'y'), "z"};
  int kept = 0;
  for (int round = 0; round < 20000; ++round) {
    Pairs labels;
    if (random() % 4 != 0) labels.push_back({"__name__", "m"});
    for (size_t i = random() % 5; i > 0; --i) {
      labels.push_back({names[random() % (round % 2 == 0 ? 7 : names.size())],
                        values[random() % values.size()]});
    }
    if (random() % 2 == 0) std::sort(labels.begin(), labels.end());
    std::map<std::string, std::string> seen;
    bool good = true;
    for (const auto& [name, value] : labels) {
      good = good && !name.empty() && IsValidUtf8(name) && IsValidUtf8(value) &&
             seen.emplace(name, value).second;
    }
    good = good && !seen["__name__"].empty();
    const Decoded decoded = Parse(Series(labels, {{1, 1}}));
    ASSERT_TRUE(decoded.status.ok());
    ASSERT_EQ(decoded.batch.series.size(), good ? 1u : 0u);
    if (!good) continue;
    ++kept;
    ASSERT_EQ(decoded.batch.labels(decoded.batch.series[0]),
              Labels(Pairs(seen.begin(), seen.end())));
  }
  EXPECT_GT(kept, 2000);
}

TEST(RemoteWrite, SurvivesDamagedMessages) {
  std::mt19937 random(3);
  const std::string good = Series({{"__name__", "m"}, {"a", "b"}}, {{1, 1}, {2, 2}}) +
                           Series({{"__name__", "n"}, {"cc", std::string(140, 'd')}}, {{3, 3}});
  for (int round = 0; round < 50000; ++round) {
    std::string bad = good;
    for (size_t i = 1 + random() % 3; i > 0; --i)
      bad[random() % bad.size()] = static_cast<char>(random());
    const Decoded decoded = Parse(bad);
    if (!decoded.status.ok()) continue;
    for (const BatchSeries& series : decoded.batch.series) {
      ASSERT_TRUE(Labels::FromPacked(std::string(decoded.batch.labels(series).packed())).ok());
    }
  }
}

}  // namespace
}  // namespace thermocline
