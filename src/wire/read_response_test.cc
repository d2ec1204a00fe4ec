#include "wire/read_response.h"

#include <gtest/gtest.h>

#include <random>

#include "base/hash.h"
#include "base/proto_reader.h"
#include "codec/chunk.h"
#include "wire/histogram_message.h"

namespace thermocline {
namespace {

const Labels kLabels{{"__name__", "m"}, {"job", "a"}};

SeriesBatch Floats(size_t count) {
  SeriesBatch batch;
  std::mt19937_64 random(7);
  for (size_t i = 0; i < count; ++i) {
    batch.timestamps_ms.push_back(static_cast<TimestampMs>(1'000'000 + i * 15'000));
    batch.values.push_back(static_cast<double>(random()));
  }
  batch.offsets = {0, static_cast<uint32_t>(count)};
  return batch;
}

// The frames of a stream, checksums verified.
std::vector<std::string> Frames(std::string_view stream) {
  std::vector<std::string> frames;
  ByteReader in(stream);
  while (!in.done()) {
    const uint64_t size = in.Varint();
    uint32_t crc = 0;
    for (int i = 0; i < 4; ++i) crc = crc << 8 | in.U8();
    const std::string_view message = in.Bytes(size);
    EXPECT_TRUE(in.ok());
    EXPECT_EQ(crc, Crc32cPortable(message));
    frames.emplace_back(message);
  }
  return frames;
}

// Appends what the chunks of a frame hold to `out`.
void DecodeFrame(std::string_view frame, uint64_t query_index, SeriesBatch* out) {
  ProtoReader response(frame);
  uint64_t index = 0;
  std::string_view series;
  while (response.Next())
    (response.field() == 1) ? void(series = response.Bytes()) : void(index = response.Varint());
  EXPECT_EQ(index, query_index);
  ProtoReader parts(series);
  while (parts.Next()) {
    if (parts.field() != 2) continue;
    ProtoReader chunk(parts.Bytes());
    uint64_t type = 0;
    std::string_view data;
    while (chunk.Next()) {
      if (chunk.field() == 3) type = chunk.Varint();
      if (chunk.field() == 4) data = chunk.Bytes();
    }
    ASSERT_TRUE(
        DecodeChunk(static_cast<ChunkEncoding>(type), data, {kMinTimestampMs, kMaxTimestampMs}, out)
            .ok());
  }
}

TEST(ReadResponse, FramesHoldEverySampleAndEndWithTheChunkThatFillsThem) {
  const SeriesBatch batch = Floats(1000);
  std::string stream;
  ASSERT_TRUE(AppendChunkFrames(kLabels, batch, 0, 3, 2000, &stream).ok());
  SeriesBatch decoded;
  const auto frames = Frames(stream);
  EXPECT_EQ(frames.size(), 3u);  // nine chunks of 120 random values, about 970 bytes each
  for (const std::string& frame : frames) {
    EXPECT_LT(frame.size(), 3200u);
    DecodeFrame(frame, 3, &decoded);
  }
  EXPECT_EQ(decoded.timestamps_ms, batch.timestamps_ms);
  EXPECT_EQ(decoded.values, batch.values);
}

TEST(ReadResponse, AChunkOfSeveralSamplesFitsAFrame) {
  const SeriesBatch batch = Floats(200);
  std::string stream;
  ASSERT_TRUE(AppendChunkFrames(kLabels, batch, 0, 0, 100, &stream).ok());
  SeriesBatch decoded;
  for (const std::string& frame : Frames(stream)) {
    EXPECT_LT(frame.size(), 2 * 100u + 60u);
    DecodeFrame(frame, 0, &decoded);
  }
  EXPECT_EQ(decoded.values, batch.values);
  // A sample alone is sent whatever its size.
  stream.clear();
  ASSERT_TRUE(AppendChunkFrames(kLabels, batch, 0, 0, 1, &stream).ok());
  EXPECT_EQ(Frames(stream).size(), 200u);
}

TEST(ReadResponse, ASeriesWithoutSamplesHasNoFrame) {
  SeriesBatch batch;
  batch.offsets = {0, 0};
  std::string stream;
  ASSERT_TRUE(AppendChunkFrames(kLabels, batch, 0, 0, 1 << 20, &stream).ok());
  EXPECT_TRUE(stream.empty());
}

Histogram RandomHistogram(std::mt19937_64& random) {
  Histogram h;
  const bool is_float = random() % 2 == 0;
  h.kind = is_float ? SampleKind::kFloatHistogram : SampleKind::kHistogram;
  h.reset_hint = static_cast<CounterResetHint>(random() % 4);
  h.schema = static_cast<int32_t>(random() % 13) - 4;
  h.zero_threshold = random() % 2 == 0 ? 0 : 0.001;
  h.sum = random() % 3 == 0 ? -0.0 : static_cast<double>(random() % 1000) / 7;
  const auto side = [&](std::vector<HistogramSpan>* spans, std::vector<int64_t>* counts,
                        std::vector<double>* floats) {
    for (uint64_t i = random() % 4; i > 0; --i) {
      const uint32_t length = 1 + static_cast<uint32_t>(random() % 3);
      spans->push_back({static_cast<int32_t>(random() % 20) - (spans->empty() ? 10 : 0), length});
      for (uint32_t k = 0; k < length; ++k) {
        const uint64_t count = random() >> (random() % 64);
        if (is_float) {
          floats->push_back(static_cast<double>(count));
        } else {
          counts->push_back(static_cast<int64_t>(count));
        }
      }
    }
  };
  side(&h.positive_spans, &h.positive_counts, &h.positive_floats);
  side(&h.negative_spans, &h.negative_counts, &h.negative_floats);
  if (is_float) {
    h.float_count = static_cast<double>(random() % 1000);
    h.float_zero_count = static_cast<double>(random() % 2);
  } else {
    h.count = random();
    h.zero_count = random() % 2;
  }
  if (random() % 4 == 0) {
    h.schema = kCustomBoundsSchema;
    h.custom_bounds = {0.5, 1, 2.5};
  }
  return h;
}

TEST(ReadResponse, AHistogramMessageReadsBackBitForBit) {
  constexpr uint64_t kSeed = 11;
  std::mt19937_64 random(kSeed);
  for (int i = 0; i < 2000; ++i) {
    const Histogram h = RandomHistogram(random);
    const auto t_ms = static_cast<TimestampMs>(random());
    std::string message;
    AppendHistogramMessage(t_ms, h, &message);
    uint64_t room = 1000;
    HistogramMessage read;
    ProtoFault fault = ProtoFault::kNone;
    ASSERT_TRUE(ReadHistogramMessage(message, &room, &read, &fault)) << "seed " << kSeed;
    ASSERT_EQ(read.timestamp_ms, t_ms);
    ASSERT_TRUE(SameBits(read.histogram, h)) << "seed " << kSeed << ", histogram " << i;
  }
}

}  // namespace
}  // namespace thermocline
