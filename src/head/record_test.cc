#include "head/record.h"

#include <gtest/gtest.h>

#include <bit>
#include <filesystem>
#include <fstream>
#include <optional>
#include <random>
#include <vector>

#include "base/bytes.h"
#include "head/histogram_value.h"
#include "head/test_histograms.h"

namespace thermocline {
namespace {

constexpr uint64_t kSeed = 20261121;

// Everything a record says, in order.
struct Heard final : RecordVisitor {
  struct Definition {
    uint32_t ref;
    uint64_t id_offset;
    std::string labels;
    bool operator==(const Definition&) const = default;
  };
  struct Point {
    uint32_t ref;
    TimestampMs time_ms;
    uint64_t bits;
    TimestampMs start_ms = 0;
    std::optional<Histogram> histogram;
    bool operator==(const Point& p) const {
      return ref == p.ref && time_ms == p.time_ms && bits == p.bits && start_ms == p.start_ms &&
             histogram.has_value() == p.histogram.has_value() &&
             (!histogram || SameBits(*histogram, *p.histogram));
    }
  };
  std::vector<Definition> definitions;
  std::vector<std::string> families;
  std::vector<Point> points;

  Status OnDefinition(SeriesRef ref, uint64_t id_offset, LabelsView labels) override {
    definitions.push_back({ref.number, id_offset, std::string(labels.packed())});
    return Status::Ok();
  }
  Status OnMetadata(BatchMetadata metadata) override {
    families.push_back(metadata.family + metadata.type + metadata.help + metadata.unit);
    return Status::Ok();
  }
  Status OnSample(SeriesRef ref, Sample s, const SampleExtra& extra) override {
    points.push_back(
        {ref.number, s.timestamp_ms, std::bit_cast<uint64_t>(s.value), extra.start_ms, {}});
    if (extra.histogram != nullptr) points.back().histogram = *extra.histogram;
    return Status::Ok();
  }
};

// A series' samples of all kinds, with and without start timestamps, and what a reader must hear.
void AddMixedSamples(std::mt19937_64& random, RecordWriter* writer, Heard* want) {
  HistogramStream stream(random());
  const auto ref = static_cast<uint32_t>(random() % 1000);
  std::vector<Histogram> histograms(1 + random() % 12);
  for (Histogram& h : histograms) h = stream.Next();
  std::vector<Sample> samples;
  std::vector<SampleExtra> extras;
  const bool with_starts = random() % 2 == 0;
  TimestampMs t = 1'700'000'000'000;
  for (const Histogram& h : histograms) {
    t += static_cast<int64_t>(random() % 20'000);
    const bool is_float = random() % 7 == 0;
    samples.push_back({t, is_float ? 0.5 : h.sum});
    extras.push_back({is_float ? nullptr : &h, 0});
    if (with_starts && random() % 9 != 0)
      extras.back().start_ms = t - 1 - static_cast<int64_t>(random() % 99);
    want->points.push_back(
        {ref, t, std::bit_cast<uint64_t>(samples.back().value), extras.back().start_ms, {}});
    if (!is_float) want->points.back().histogram = h;
  }
  writer->AddSamples(SeriesRef(ref), samples, extras);
}

double RandomValue(std::mt19937_64& random) {
  switch (random() % 8) {
    case 0: return static_cast<double>(random() % 1'000'000);
    case 1: return -static_cast<double>(random() % 100'000) / 1000;
    case 2: return StaleMarker();
    case 3: return -0.0;
    case 4: return 0.0;
    case 5: return static_cast<double>(static_cast<int64_t>(random()));
    case 6: return 0.1 + 0.2;
    default: return std::bit_cast<double>(random());
  }
}

// A random record, and what a reader must hear.
std::string RandomRecord(std::mt19937_64& random, Heard* want) {
  RecordWriter writer;
  for (uint64_t i = random() % 4; i > 0; --i) {
    const auto ref = static_cast<uint32_t>(random());
    const Labels labels{{"__name__", "m" + std::to_string(random() % 9)}, {"x", "y"}};
    writer.AddDefinition(SeriesRef(ref), i, labels);
    want->definitions.push_back({ref, i, labels.packed()});
  }
  if (random() % 3 == 0) {
    // From one to so many that they are packed.
    for (uint64_t n = 1 + random() % 2 * (random() % 200); n > 0; --n) {
      const std::string family = "f" + std::to_string(n);
      writer.AddMetadata({family, "counter", "help", "seconds"});
      want->families.push_back(family + "counterhelpseconds");
    }
  }
  for (uint64_t i = random() % 20; i > 0; --i) {
    if (random() % 4 == 0) {
      AddMixedSamples(random, &writer, want);
      continue;
    }
    const auto ref = static_cast<uint32_t>(random() >> (32 + random() % 32));
    std::vector<Sample> samples(1 + random() % 5 / 3 * (random() % 50));
    for (Sample& s : samples) {
      s.timestamp_ms = random() % 20 == 0 ? static_cast<int64_t>(random())
                                          : 1'700'000'000'000 + static_cast<int64_t>(random() % 99);
      s.value = RandomValue(random);
      want->points.push_back({ref, s.timestamp_ms, std::bit_cast<uint64_t>(s.value), 0, {}});
    }
    writer.AddSamples(SeriesRef(ref), samples);
  }
  return writer.Finish();
}

TEST(Record, OfMuchMetadataIsPacked) {
  RecordWriter writer;
  Heard want;
  for (int i = 0; i < 2000; ++i) {
    const std::string family = "http_requests_" + std::to_string(i);
    writer.AddMetadata({family, "counter", "Requests that were answered.", "seconds"});
    want.families.push_back(family + "counterRequests that were answered.seconds");
  }
  const std::string payload = writer.Finish();
  EXPECT_LT(payload.size(), 20'000u);
  Heard heard;
  ASSERT_TRUE(ReadRecord(payload, heard).ok());
  EXPECT_EQ(heard.families, want.families);
  // Packed metadata without metadata, cut short, and followed by something.
  std::string bad = payload;
  bad[1] = 0x20;
  EXPECT_EQ(ReadRecord(bad, heard).code(), Code::kCorruption);
  EXPECT_EQ(ReadRecord(payload.substr(0, payload.size() / 2), heard).code(), Code::kCorruption);
  EXPECT_EQ(ReadRecord(payload + "x", heard).code(), Code::kCorruption);
}

TEST(Record, ReturnsEverythingBitForBit) {
  std::mt19937_64 random(kSeed);
  for (int round = 0; round < 2000; ++round) {
    Heard want;
    const std::string payload = RandomRecord(random, &want);
    Heard heard;
    const Status status = ReadRecord(payload, heard);
    ASSERT_TRUE(status.ok()) << status.ToString() << " seed " << kSeed << " round " << round;
    ASSERT_EQ(heard.definitions, want.definitions);
    ASSERT_EQ(heard.families, want.families);
    ASSERT_EQ(heard.points, want.points) << "seed " << kSeed << " round " << round;
  }
}

TEST(Record, KeepsATypicalSampleWithinEightBytes) {
  RecordWriter writer;
  for (uint32_t i = 0; i < 1000; ++i) {
    const Sample sample{1'700'000'000'000, i % 2 == 0 ? 123456.0 + i : i / 100.0};
    writer.AddSamples(SeriesRef(i), std::span(&sample, 1));
  }
  EXPECT_LT(writer.Finish().size(), 1000u * 8);
}

TEST(Record, AnswersFlippedAndMissingBytesWithoutCrashing) {
  std::mt19937_64 random(kSeed);
  size_t refused = 0;
  for (int round = 0; round < 20; ++round) {
    Heard want;
    const std::string payload = RandomRecord(random, &want);
    for (size_t at = 0; at < payload.size(); ++at) {
      std::vector<char> bytes(payload.begin(), payload.end());
      bytes[at] = static_cast<char>(bytes[at] ^ (1 + random() % 255));
      Heard heard;
      refused += !ReadRecord({bytes.data(), bytes.size()}, heard).ok();
      const std::vector<char> cut(payload.begin(), payload.begin() + static_cast<ptrdiff_t>(at));
      EXPECT_FALSE(ReadRecord({cut.data(), cut.size()}, heard).ok());
    }
  }
  EXPECT_GT(refused, 100u);
}

std::string ReadFile(const char* name) {
  std::ifstream in(std::filesystem::path(__FILE__).parent_path() / "testdata" / name,
                   std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Four series: a float, an integer histogram that grows and goes stale, a float histogram with
// custom bounds that is a gauge, a float with a start timestamp.
Heard GoldenSamples(RecordWriter* writer) {
  constexpr TimestampMs kT = 1'700'000'000'000;
  const Labels labels{{"__name__", "golden"}};
  writer->AddDefinition(SeriesRef(3), 0, labels);
  Histogram integer;
  integer.schema = 3;
  integer.zero_threshold = 0x1p-128;
  integer.zero_count = 2;
  integer.count = 12;
  integer.sum = 18.4;
  integer.positive_spans = {{-2, 2}, {1, 1}};
  integer.positive_counts = {4, 1, 0};
  integer.negative_spans = {{0, 1}};
  integer.negative_counts = {5};
  Histogram more = integer;
  more.reset_hint = CounterResetHint::kNotReset;
  more.count = 1012;
  more.positive_counts[1] = 1001;
  Histogram stale;
  stale.sum = StaleMarker();
  Histogram bounded;
  bounded.kind = SampleKind::kFloatHistogram;
  bounded.reset_hint = CounterResetHint::kGauge;
  bounded.schema = kCustomBoundsSchema;
  bounded.custom_bounds = {0.25, 0.5, 1};
  bounded.float_count = 4.5;
  bounded.sum = -1;
  bounded.positive_spans = {{1, 2}};
  bounded.positive_floats = {1.5, 3};
  const Sample plain{kT, 42};
  writer->AddSamples(SeriesRef(3), std::span(&plain, 1));
  const std::vector<Sample> integers = {
      {kT, integer.sum}, {kT + 15'000, more.sum}, {kT + 30'000, stale.sum}};
  writer->AddSamples(SeriesRef(4), integers,
                     std::vector<SampleExtra>{{&integer, 0}, {&more, 0}, {&stale, 0}});
  const Sample one{kT, bounded.sum};
  writer->AddSamples(SeriesRef(5), std::span(&one, 1),
                     std::vector<SampleExtra>{{&bounded, kT - 60'000}});
  const Sample started{kT, 7};
  writer->AddSamples(SeriesRef(6), std::span(&started, 1),
                     std::vector<SampleExtra>{{nullptr, kT - 1}});
  Heard want;
  const auto bits = [](double v) { return std::bit_cast<uint64_t>(v); };
  want.definitions = {{3, 0, labels.packed()}};
  want.points = {{3, kT, bits(42), 0, {}},
                 {4, kT, bits(18.4), 0, integer},
                 {4, kT + 15'000, bits(18.4), 0, more},
                 {4, kT + 30'000, kStaleBits, 0, stale},
                 {5, kT, bits(-1), kT - 60'000, bounded},
                 {6, kT, bits(7), kT - 1, {}}};
  return want;
}

TEST(Record, IsWrittenAndReadAsTheGoldenOneWithHistograms) {
  RecordWriter writer;
  const Heard want = GoldenSamples(&writer);
  const std::string golden = ReadFile("histograms_and_starts.record");
  EXPECT_EQ(writer.Finish(), golden);
  Heard heard;
  ASSERT_TRUE(ReadRecord(golden, heard).ok());
  EXPECT_EQ(heard.definitions, want.definitions);
  EXPECT_EQ(heard.points, want.points);
}

TEST(Record, ReadsARecordFromBeforeHistograms) {
  Heard heard;
  ASSERT_TRUE(ReadRecord(ReadFile("floats.record"), heard).ok());
  ASSERT_EQ(heard.points.size(), 4u);
  EXPECT_EQ(heard.definitions.size(), 2u);
  EXPECT_EQ(heard.families, (std::vector<std::string>{"fcounterhelpseconds"}));
  EXPECT_EQ(heard.points[3],
            (Heard::Point{9, 1'700'000'030'000, std::bit_cast<uint64_t>(-0.5), 0, {}}));
}

TEST(Record, KeepsAHistogramOfTwentyBucketsWithinFiftyBytes) {
  Histogram h;
  h.schema = 3;
  h.zero_threshold = 0x1p-128;
  h.count = 20'000;
  h.positive_spans = {{10, 20}};
  for (int64_t i = 0; i < 20; ++i) h.positive_counts.push_back(1000 + i % 5 * 12);
  std::string bytes;
  PutHistogram(h, nullptr, &bytes);
  EXPECT_LT(bytes.size(), 50u);
  bytes.clear();
  Histogram later = h;
  later.count += 20;
  for (int64_t& count : later.positive_counts) ++count;
  PutHistogram(later, &h, &bytes);
  EXPECT_LT(bytes.size(), 15u);
}

TEST(Record, RefusesHistogramsThatLieAboutTheirSize) {
  const auto record = [](std::string_view histogram) {
    std::string payload;
    ByteWriter writer(&payload);
    writer.Bytes(std::string_view("\x01\x10\x00\x01\x01\x01\x01", 7));  // one entry of kind 1
    writer.Bytes(std::string_view("\x00\x10", 2));                      // time 0, sum 0
    writer.Bytes(histogram);
    return payload;
  };
  Heard heard;
  // Layout: flags, schema, zero threshold, spans.
  const std::string one_bucket("\x00\x00\x10\x01\x00\x01\x00", 7);
  EXPECT_TRUE(ReadRecord(record(one_bucket + std::string("\x00\x00", 2)), heard).ok());
  EXPECT_FALSE(ReadRecord(record(one_bucket + std::string("\x00\x10", 2)), heard).ok())
      << "the nibble left over is not zero";
  const std::string bad[] = {
      {"\x00\x00\x10\x01\x00\xff\xff\xff\xff\x0f\x00\x00\x00", 13},  // 2^32 buckets
      {"\x00\x00\x10\xff\xff\xff\x7f\x00\x01\x00\x00\x00", 12},      // 2^28 spans
      {"\x10\x69\x10\x00\x00\xff\xff\xff\x7f\x00", 10},              // as many bounds
      {"\x08\x00\x00", 3},                                           // as none before
      {"\x04\x00\x10\x00\x00\x10\x10", 7},                           // a float one
      {"\x40\x00\x10\x00\x00\x00", 6},                               // unknown flag
      {"\x20", 1},                                                   // stale with a sum
  };
  for (const std::string& histogram : bad) {
    EXPECT_EQ(ReadRecord(record(histogram), heard).code(), Code::kCorruption);
  }
}

TEST(Record, RefusesWhatItDoesNotKnow) {
  Heard heard;
  EXPECT_EQ(ReadRecord(std::string_view("\x02\x00", 2), heard).code(), Code::kCorruption);
  EXPECT_EQ(ReadRecord(std::string_view("\x01\x20", 2), heard).code(), Code::kCorruption);
  EXPECT_EQ(ReadRecord(std::string_view("\x01\x01\x01t", 4), heard).code(), Code::kUnimplemented);
  EXPECT_EQ(ReadRecord(std::string_view("\x01\x02\x05", 3), heard).code(), Code::kUnimplemented);
  EXPECT_TRUE(ReadRecord(std::string_view("\x01\x00", 2), heard).ok());
}

}  // namespace
}  // namespace thermocline
