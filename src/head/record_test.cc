#include "head/record.h"

#include <gtest/gtest.h>

#include <bit>
#include <random>
#include <vector>

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
    bool operator==(const Point&) const = default;
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
  Status OnSample(SeriesRef ref, Sample s) override {
    points.push_back({ref.number, s.timestamp_ms, std::bit_cast<uint64_t>(s.value)});
    return Status::Ok();
  }
};

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
    writer.AddMetadata({"f", "counter", "help", "seconds"});
    want->families.push_back("fcounterhelpseconds");
  }
  for (uint64_t i = random() % 20; i > 0; --i) {
    const auto ref = static_cast<uint32_t>(random() >> (32 + random() % 32));
    std::vector<Sample> samples(1 + random() % 5 / 3 * (random() % 50));
    for (Sample& s : samples) {
      s.timestamp_ms = random() % 20 == 0 ? static_cast<int64_t>(random())
                                          : 1'700'000'000'000 + static_cast<int64_t>(random() % 99);
      s.value = RandomValue(random);
      want->points.push_back({ref, s.timestamp_ms, std::bit_cast<uint64_t>(s.value)});
    }
    writer.AddSamples(SeriesRef(ref), samples);
  }
  return writer.Finish();
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
  for (int round = 0; round < 40; ++round) {
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
