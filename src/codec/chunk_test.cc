#include "codec/chunk.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "codec/chunk_bits.h"

namespace thermocline {
namespace {

constexpr TimeRange kAll{kMinTimestampMs, kMaxTimestampMs};

struct Vector {
  ChunkEncoding encoding{};
  std::string bytes;
  SeriesBatch samples;  // every column parallel
};

double Bits(std::istream& in) {
  std::string hex;
  in >> hex;
  return std::bit_cast<double>(std::strtoull(hex.c_str(), nullptr, 16));
}

template <typename T>
T Number(std::istream& in) {
  T v{};
  in >> v;
  return v;
}

void ReadSide(std::istream& in, bool is_float, std::vector<HistogramSpan>* spans,
              std::vector<int64_t>* counts, std::vector<double>* floats) {
  spans->resize(Number<size_t>(in));
  for (HistogramSpan& span : *spans) in >> span.offset >> span.length;
  const auto buckets = Number<size_t>(in);
  for (size_t i = 0; i < buckets; ++i) {
    if (is_float) {
      floats->push_back(Bits(in));
    } else {
      counts->push_back(Number<int64_t>(in));
    }
  }
}

Histogram ReadHistogram(std::istream& in, const std::string& kind) {
  Histogram h;
  h.kind = kind == "float" ? SampleKind::kFloatHistogram : SampleKind::kHistogram;
  const auto hint = Number<std::string>(in);
  h.reset_hint = hint == "gauge"       ? CounterResetHint::kGauge
                 : hint == "not_reset" ? CounterResetHint::kNotReset
                 : hint == "reset"     ? CounterResetHint::kReset
                                       : CounterResetHint::kUnknown;
  in >> h.schema;
  h.zero_threshold = Bits(in);
  if (h.is_float()) {
    h.float_zero_count = Bits(in);
    h.float_count = Bits(in);
  } else {
    in >> h.zero_count >> h.count;
  }
  h.sum = Bits(in);
  ReadSide(in, h.is_float(), &h.positive_spans, &h.positive_counts, &h.positive_floats);
  ReadSide(in, h.is_float(), &h.negative_spans, &h.negative_counts, &h.negative_floats);
  const auto bounds = Number<size_t>(in);
  for (size_t i = 0; i < bounds; ++i) h.custom_bounds.push_back(Bits(in));
  return h;
}

std::string Unhex(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

bool Next(std::istream& in, Vector* v) {
  std::string word;
  if (!(in >> word)) return false;
  *v = Vector();
  v->encoding = static_cast<ChunkEncoding>(Number<int>(in));
  v->bytes = Unhex(Number<std::string>(in));
  const auto samples = Number<size_t>(in);
  SeriesBatch& b = v->samples;
  for (size_t i = 0; i < samples; ++i) {
    b.timestamps_ms.push_back(Number<int64_t>(in));
    b.start_timestamps_ms.push_back(Number<int64_t>(in));
    const auto kind = Number<std::string>(in);
    if (kind == "f") {
      b.values.push_back(Bits(in));
      b.histogram_index.push_back(SeriesBatch::kNoHistogram);
    } else {
      b.histogram_index.push_back(static_cast<uint32_t>(b.histograms.size()));
      b.histograms.push_back(ReadHistogram(in, kind));
      b.values.push_back(b.histograms.back().sum);
    }
  }
  return true;
}

std::filesystem::path SmallVectors() {
  return std::filesystem::path(__FILE__).parent_path() / "testdata" / "golden.chunks";
}

std::vector<Vector> Load() {
  std::ifstream in(SmallVectors());
  std::vector<Vector> all;
  for (Vector v; Next(in, &v);) all.push_back(std::move(v));
  return all;
}

// Equal bit for bit: times, start timestamps, values, histograms with their spans and hints.
void ExpectSame(const SeriesBatch& a, const SeriesBatch& b) {
  ASSERT_EQ(a.timestamps_ms, b.timestamps_ms);
  for (size_t i = 0; i < a.timestamps_ms.size(); ++i) {
    ASSERT_TRUE(SameBits(a.values[i], b.values[i])) << i;
    ASSERT_EQ(a.start_timestamps_ms.empty() ? 0 : a.start_timestamps_ms[i],
              b.start_timestamps_ms.empty() ? 0 : b.start_timestamps_ms[i])
        << i;
    const Histogram* x = a.histogram(i);
    const Histogram* y = b.histogram(i);
    ASSERT_EQ(x == nullptr, y == nullptr) << i;
    if (x != nullptr) {
      ASSERT_TRUE(SameBits(*x, *y)) << i;
    }
  }
}

void ExpectGolden(const Vector& v) {
  SeriesBatch got;
  const Status decoded = DecodeChunk(v.encoding, v.bytes, kAll, &got);
  ASSERT_TRUE(decoded.ok()) << decoded.ToString();
  ASSERT_EQ(ChunkSampleCount(v.encoding, v.bytes).value(), v.samples.timestamps_ms.size());
  ASSERT_NO_FATAL_FAILURE(ExpectSame(got, v.samples));
  ASSERT_EQ(FirstChunkEnd(got, 0, got.timestamps_ms.size(), 65'535), got.timestamps_ms.size());
  std::string again;
  const Status encoded = EncodeChunk(v.encoding, got, 0, got.timestamps_ms.size(), &again,
                                     ChunkResetHint(v.encoding, v.bytes));
  ASSERT_TRUE(encoded.ok()) << encoded.ToString();
  ASSERT_EQ(again, v.bytes);
}

TEST(Chunk, GoldenChunksDecodeAndEncodeToTheSameBytes) {
  std::vector<std::filesystem::path> files{SmallVectors()};
  if (const char* more = std::getenv("THERMOCLINE_CHUNKS")) files.emplace_back(more);
  for (const auto& file : files) {
    std::ifstream in(file);
    size_t chunks = 0;
    for (Vector v; Next(in, &v); ++chunks) {
      ASSERT_NO_FATAL_FAILURE(ExpectGolden(v))
          << file << ", chunk " << chunks << ", encoding " << static_cast<int>(v.encoding);
    }
    EXPECT_GE(chunks, 90u) << file;
    std::printf("%zu chunks of %s\n", chunks, file.filename().c_str());
  }
}

TEST(Chunk, DecodesOnlySamplesInRangeAndKeepsColumnsParallel) {
  SeriesBatch all;
  SeriesBatch expected;
  expected.start_timestamps_ms.clear();
  for (const Vector& v : Load()) {
    const auto& times = v.samples.timestamps_ms;
    const TimeRange middle{times[times.size() / 3], times[2 * times.size() / 3]};
    ASSERT_TRUE(DecodeChunk(v.encoding, v.bytes, middle, &all).ok());
    for (size_t i = 0; i < times.size(); ++i) {
      if (!middle.Contains(times[i])) continue;
      expected.timestamps_ms.push_back(times[i]);
      expected.values.push_back(v.samples.values[i]);
      expected.start_timestamps_ms.push_back(v.samples.start_timestamps_ms[i]);
      const Histogram* h = v.samples.histogram(i);
      expected.histogram_index.push_back(h == nullptr
                                             ? SeriesBatch::kNoHistogram
                                             : static_cast<uint32_t>(expected.histograms.size()));
      if (h != nullptr) expected.histograms.push_back(*h);
    }
  }
  ASSERT_EQ(all.histogram_index.size(), all.timestamps_ms.size());
  ASSERT_EQ(all.start_timestamps_ms.size(), all.timestamps_ms.size());
  ExpectSame(all, expected);
}

TEST(Chunk, EveryByteFlippedIsAnErrorOrDecodesToSomethingThatEncodes) {
  size_t refused = 0;
  size_t accepted = 0;
  for (const Vector& v : Load()) {
    if (v.bytes.size() > 700) continue;
    for (size_t i = 0; i < v.bytes.size(); ++i) {
      for (const int mask : {0x01, 0x80, 0xff}) {
        std::string bad = v.bytes;
        bad[i] = static_cast<char>(bad[i] ^ mask);
        SeriesBatch got;
        const Status status = DecodeChunk(v.encoding, bad, kAll, &got);
        if (!status.ok()) {
          ASSERT_EQ(status.code(), Code::kCorruption);
          ASSERT_TRUE(got.timestamps_ms.empty() && got.values.empty() && got.histograms.empty());
          ++refused;
          continue;
        }
        ++accepted;
        SeriesBatch again;
        for (size_t at = 0; at < got.timestamps_ms.size();) {
          const size_t end = FirstChunkEnd(got, at, got.timestamps_ms.size(), 120);
          std::string bytes;
          ASSERT_TRUE(EncodeChunk(v.encoding, got, at, end, &bytes).ok());
          ASSERT_TRUE(DecodeChunk(v.encoding, bytes, kAll, &again).ok());
          at = end;
        }
        ASSERT_EQ(again.timestamps_ms, got.timestamps_ms);
      }
    }
  }
  EXPECT_GT(refused, 1000u);
  EXPECT_GT(accepted, 1000u);
}

TEST(Chunk, EveryPrefixIsAnErrorOrStopsNoReadOutside) {
  for (const Vector& v : Load()) {
    for (size_t size = 0; size + 1 < v.bytes.size(); ++size) {
      // An exact-size copy on the heap, so that a sanitizer sees a read past the end.
      const std::vector<char> cut(v.bytes.begin(), v.bytes.begin() + static_cast<ptrdiff_t>(size));
      SeriesBatch got;
      ASSERT_FALSE(DecodeChunk(v.encoding, {cut.data(), cut.size()}, kAll, &got).ok()) << size;
    }
  }
}

// Random samples with every field width, oracles: the samples themselves.
TEST(Chunk, RandomFloatsComeBackFromBothEncodings) {
  const uint64_t seed = std::random_device{}();
  std::mt19937_64 random(seed);
  for (int round = 0; round < 400; ++round) {
    SeriesBatch in;
    const size_t count = 1 + random() % 300;
    uint64_t t = random() % 3 == 0 ? uint64_t{1} << 63 : random() >> (random() % 60);
    uint64_t delta = 15'000;
    for (size_t i = 0; i < count; ++i) {
      in.timestamps_ms.push_back(static_cast<int64_t>(t));
      const uint64_t shape = random() % 8;
      in.values.push_back(shape == 0                        ? StaleMarker()
                          : shape < 4 && !in.values.empty() ? in.values.back()
                          : shape == 4                      ? std::bit_cast<double>(random())
                                                            : static_cast<double>(random() % 1000));
      in.start_timestamps_ms.push_back(random() % 10 != 0 && i > 0
                                           ? in.start_timestamps_ms.back()
                                           : static_cast<int64_t>(random() >> (random() % 63)));
      if (random() % 2 == 0) delta = 1 + (random() >> (16 + random() % 48));
      t += delta;
    }
    for (const auto encoding : {ChunkEncoding::kXor, ChunkEncoding::kXor2}) {
      SeriesBatch plain = in;
      if (encoding == ChunkEncoding::kXor || round % 2 == 0) plain.start_timestamps_ms.clear();
      std::string bytes;
      ASSERT_TRUE(EncodeChunk(encoding, plain, 0, count, &bytes).ok());
      SeriesBatch out;
      const Status status = DecodeChunk(encoding, bytes, kAll, &out);
      ASSERT_TRUE(status.ok()) << status.ToString() << ", seed " << seed;
      ASSERT_NO_FATAL_FAILURE(ExpectSame(out, plain)) << "seed " << seed;
    }
  }
}

Histogram Counts(std::vector<HistogramSpan> spans, std::vector<int64_t> counts) {
  Histogram h;
  h.positive_spans = std::move(spans);
  for (const int64_t c : counts) h.count += static_cast<uint64_t>(c);
  h.positive_counts = std::move(counts);
  h.sum = static_cast<double>(h.count);
  return h;
}

SeriesBatch Batch(std::vector<Histogram> histograms) {
  SeriesBatch b;
  for (size_t i = 0; i < histograms.size(); ++i) {
    b.timestamps_ms.push_back(static_cast<int64_t>(i) * 15'000);
    b.values.push_back(histograms[i].sum);
    b.histogram_index.push_back(static_cast<uint32_t>(i));
  }
  b.histograms = std::move(histograms);
  return b;
}

TEST(Chunk, HistogramsWithDifferentBucketsShareTheUnion) {
  const SeriesBatch in = Batch({Counts({{0, 2}}, {1, 0}), Counts({{0, 1}, {2, 1}}, {1, 5}),
                                Counts({{-1, 3}, {1, 1}}, {1, 2, 3, 5})});
  ASSERT_EQ(FirstChunkEnd(in, 0, 3, 120), 3u);
  std::string bytes;
  ASSERT_TRUE(EncodeChunk(ChunkEncoding::kHistogram, in, 0, 3, &bytes).ok());
  SeriesBatch out;
  ASSERT_TRUE(DecodeChunk(ChunkEncoding::kHistogram, bytes, kAll, &out).ok());
  ASSERT_EQ(out.histograms.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(SameBuckets(in.histograms[i], out.histograms[i])) << i;
    EXPECT_EQ(out.histograms[i].positive_spans, (std::vector<HistogramSpan>{{-1, 3}, {1, 1}}));
  }
}

TEST(Chunk, CutsWhereAnAppenderCuts) {
  const Histogram base = Counts({{0, 2}}, {3, 4});
  std::optional<CounterResetHint> next;
  const auto cut = [&](const Histogram& second) {
    const SeriesBatch batch = Batch({base, second});
    return FirstChunkEnd(batch, 0, 2, 120, &next) == 1;
  };
  EXPECT_FALSE(cut(base));
  EXPECT_FALSE(next.has_value());
  EXPECT_TRUE(cut(Counts({{0, 2}}, {9, 3})));  // a bucket fell
  EXPECT_EQ(next, CounterResetHint::kReset);
  EXPECT_TRUE(cut(Counts({{0, 1}}, {9})));  // a filled bucket vanished
  EXPECT_EQ(next, CounterResetHint::kReset);
  Histogram other = base;
  other.schema = 1;
  EXPECT_TRUE(cut(other));
  EXPECT_EQ(next, CounterResetHint::kUnknown);
  other = base;
  other.zero_threshold = 0.5;
  EXPECT_TRUE(cut(other));
  EXPECT_EQ(next, CounterResetHint::kUnknown);
  other = base;
  other.reset_hint = CounterResetHint::kReset;
  EXPECT_TRUE(cut(other));
  EXPECT_EQ(next, CounterResetHint::kReset);
  other = base;
  other.reset_hint = CounterResetHint::kGauge;
  EXPECT_TRUE(cut(other));
  EXPECT_EQ(next, CounterResetHint::kGauge);
  Histogram stale;
  stale.sum = StaleMarker();
  EXPECT_FALSE(cut(stale));
  const SeriesBatch batch = Batch({stale, stale, base});
  EXPECT_EQ(FirstChunkEnd(batch, 0, 3, 120, &next), 2u);
  EXPECT_EQ(FirstChunkEnd(batch, 0, 3, 1, &next), 1u);
  EXPECT_FALSE(next.has_value());
}

TEST(Chunk, RefusesToEncodeWhatTheEncodingCannotHold) {
  SeriesBatch b = Batch({Counts({{0, 2}}, {3, 4}), Counts({{0, 2}}, {1, 1})});
  std::string out;
  const auto refused = [&](ChunkEncoding encoding, size_t begin, size_t end) {
    return EncodeChunk(encoding, b, begin, end, &out).code() == Code::kInvalidArgument;
  };
  EXPECT_TRUE(refused(ChunkEncoding::kXor, 0, 1));
  EXPECT_TRUE(refused(ChunkEncoding::kFloatHistogram, 0, 1));
  EXPECT_TRUE(refused(ChunkEncoding::kHistogram, 0, 2));  // a reset between the two
  EXPECT_TRUE(refused(ChunkEncoding::kHistogram, 1, 1));
  b.start_timestamps_ms = {5, 5};
  EXPECT_TRUE(refused(ChunkEncoding::kHistogram, 0, 1));
  b.histograms[0].positive_counts.pop_back();
  EXPECT_TRUE(refused(ChunkEncoding::kHistogramSt, 0, 1));
  EXPECT_TRUE(out.empty());
}

TEST(Chunk, SchemasOfFutureWritersAreReducedToEight) {
  Histogram h = Counts({{1, 4}}, {1, 2, 3, 4});
  h.schema = 10;
  std::string bytes;
  ASSERT_TRUE(EncodeChunk(ChunkEncoding::kHistogram, Batch({h}), 0, 1, &bytes).ok());
  SeriesBatch out;
  ASSERT_TRUE(DecodeChunk(ChunkEncoding::kHistogram, bytes, kAll, &out).ok());
  EXPECT_EQ(out.histograms[0].schema, 8);
  EXPECT_EQ(out.histograms[0].positive_spans, (std::vector<HistogramSpan>{{1, 1}}));
  EXPECT_EQ(out.histograms[0].positive_counts, std::vector<int64_t>{10});
}

TEST(Chunk, HostileLayoutsDoNotMultiplyMemory) {
  // Many spans of no buckets, many samples: each would carry its own copy of the spans.
  std::string bytes{'\x3f', '\xff', '\0'};
  BitWriter bits(&bytes);
  bits.Bits(0, 8);
  bits.VarbitInt(0);
  constexpr uint64_t kSpans = 20'000;
  bits.VarbitUint(kSpans);
  for (uint64_t i = 0; i < kSpans; ++i) bits.Bits(0, 2);
  bits.VarbitUint(0);
  bits.VarbitInt(1);
  bits.Bits(0, 2);
  bits.Bits(0, 64);
  bits.VarbitInt(1);
  bits.Bits(0, 3);
  for (int i = 0; i < 0x3fff; ++i) bits.Bits(0, 4);
  bits.Finish();
  SeriesBatch out;
  EXPECT_EQ(DecodeChunk(ChunkEncoding::kHistogram, bytes, kAll, &out).code(), Code::kCorruption);
  EXPECT_LT(out.histograms.capacity() * sizeof(Histogram), size_t{64} << 20);
}

}  // namespace
}  // namespace thermocline
