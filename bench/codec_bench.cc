// Speed and size of sample blocks on mix15-like series, and of Prometheus chunks. Prints one line
// per kind; the answer is
// checked before anything is timed.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <random>
#include <vector>

#include "base/check.h"
#include "codec/chunk.h"
#include "codec/sample_block.h"
#include "model/sample.h"

namespace thermocline {
namespace {

constexpr size_t kBlock = 240;
constexpr size_t kBlocks = 400;

double Seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

struct Kind {
  const char* name;
  int share;  // of the mix, in hundredths
};
// The shares of mix15: constants, slow and fast counters, decimals, full mantissas.
constexpr Kind kKinds[] = {
    {"constant", 30}, {"counter", 35}, {"two decimals", 25}, {"mantissa", 10}};

std::vector<double> Series(size_t kind, size_t n, std::mt19937_64& random) {
  std::vector<double> values(n);
  std::normal_distribution<double> normal(0, 1);
  double state = static_cast<double>(random() % 100'000);
  for (double& v : values) {
    if (kind == 0) v = state;
    if (kind == 1) v = state += static_cast<double>(random() % 200);
    if (kind == 2) v = std::round((state += normal(random)) * 100) / 100;
    if (kind == 3) v = normal(random);
  }
  return values;
}

struct Measured {
  double bytes = 0;   // a sample
  double encode = 0;  // seconds a sample
  double decode = 0;
  double values = 0;  // decoding of values alone
};

Measured Run(size_t kind) {
  std::mt19937_64 random(15);
  std::vector<std::vector<double>> series;
  std::vector<std::string> blocks(kBlocks);
  std::vector<std::string> floats(kBlocks);
  std::vector<TimestampMs> times(kBlock);
  for (size_t i = 0; i < kBlock; ++i) {
    times[i] = 1'700'000'000'000 + static_cast<int64_t>(i) * 15'000;
  }
  uint64_t size = 0;
  for (size_t b = 0; b < kBlocks; ++b) {
    series.push_back(Series(kind, kBlock, random));
    EncodeSampleBlock(times, series[b], &blocks[b]);
    EncodeFloatBlock(series[b], &floats[b]);
    std::vector<double> values(kBlock);
    std::vector<TimestampMs> times_back(kBlock);
    CHECK_OK(DecodeSampleBlock(blocks[b], times_back, values));
    CHECK(times_back == times);
    for (size_t i = 0; i < kBlock; ++i) CHECK(SameBits(values[i], series[b][i]));
    size += blocks[b].size();
  }
  Measured m{static_cast<double>(size) / (kBlock * kBlocks), 1, 1, 1};
  std::vector<double> values(kBlock);
  std::vector<TimestampMs> times_back(kBlock);
  std::string out;
  for (int round = 0; round < 9; ++round) {
    double start = Seconds();
    for (const auto& s : series) {
      out.clear();
      EncodeSampleBlock(times, s, &out);
    }
    m.encode = std::min(m.encode, (Seconds() - start) / (kBlock * kBlocks));
    start = Seconds();
    for (const auto& b : blocks) CHECK_OK(DecodeSampleBlock(b, times_back, values));
    m.decode = std::min(m.decode, (Seconds() - start) / (kBlock * kBlocks));
    start = Seconds();
    for (const auto& b : floats) CHECK_OK(DecodeFloatBlock(b, values));
    m.values = std::min(m.values, (Seconds() - start) / (kBlock * kBlocks));
  }
  return m;
}

void Print(const char* name, const Measured& m) {
  std::printf("%-14s %6.3f B/sample  encode %7.1f M/s  decode %7.1f M/s  values only %7.1f M/s\n",
              name, m.bytes, 1e-6 / m.encode, 1e-6 / m.decode, 1e-6 / m.values);
}

// Chunks of 120 samples as a head writes them, scraped at times that jitter by some ms or not.
SeriesBatch ChunkSamples(size_t kind, bool jitter, ChunkEncoding encoding, size_t chunk,
                         std::mt19937_64& random) {
  constexpr size_t kSamples = 120;
  SeriesBatch batch;
  const std::vector<double> values = Series(kind, kSamples, random);
  int64_t t = 1'700'000'000'000 + static_cast<int64_t>(chunk) * 1'000'000;
  for (size_t i = 0; i < kSamples; ++i) {
    batch.timestamps_ms.push_back(t + (jitter ? static_cast<int64_t>(random() % 5) : 0));
    t += 15'000;
    if (encoding == ChunkEncoding::kXor || encoding == ChunkEncoding::kXor2) {
      batch.values.push_back(values[i]);
      continue;
    }
    const bool floats = encoding == ChunkEncoding::kFloatHistogram;
    Histogram h;
    h.kind = floats ? SampleKind::kFloatHistogram : SampleKind::kHistogram;
    h.schema = 3;
    h.positive_spans = {{0, 12}, {3, 8}};
    for (int64_t bucket = 0; bucket < 20; ++bucket) {
      int64_t count = i == 0 ? 1000 : batch.histograms.back().positive_counts[bucket];
      count += static_cast<int64_t>(random() % 4);
      h.positive_counts.push_back(count);
      h.count += static_cast<uint64_t>(count);
    }
    h.sum = static_cast<double>(h.count) * 0.125;
    batch.histogram_index.push_back(static_cast<uint32_t>(i));
    batch.values.push_back(h.sum);
    batch.histograms.push_back(std::move(h));
  }
  for (Histogram& h : batch.histograms) {
    if (!h.is_float()) continue;
    h.positive_floats.assign(h.positive_counts.begin(), h.positive_counts.end());
    h.float_count = static_cast<double>(h.count);
    h.positive_counts.clear();
    h.count = 0;
  }
  return batch;
}

void RunChunks(const char* name, ChunkEncoding encoding, size_t kind, bool jitter) {
  std::mt19937_64 random(15);
  constexpr TimeRange kAll{kMinTimestampMs, kMaxTimestampMs};
  std::vector<SeriesBatch> batches;
  std::vector<std::string> chunks(kBlocks);
  size_t bytes = 0;
  size_t samples = 0;
  SeriesBatch back;
  for (size_t c = 0; c < kBlocks; ++c) {
    batches.push_back(ChunkSamples(kind, jitter, encoding, c, random));
    const size_t count = batches[c].timestamps_ms.size();
    CHECK_OK(EncodeChunk(encoding, batches[c], 0, count, &chunks[c]));
    back.Clear();
    CHECK_OK(DecodeChunk(encoding, chunks[c], kAll, &back));
    CHECK(back.timestamps_ms == batches[c].timestamps_ms);
    for (size_t i = 0; i < count; ++i) CHECK(SameBits(back.values[i], batches[c].values[i]));
    bytes += chunks[c].size();
    samples += count;
  }
  double encode = 1;
  double decode = 1;
  std::string out;
  for (int round = 0; round < 15; ++round) {
    double start = Seconds();
    for (const SeriesBatch& batch : batches) {
      out.clear();
      CHECK_OK(EncodeChunk(encoding, batch, 0, batch.timestamps_ms.size(), &out));
    }
    encode = std::min(encode, Seconds() - start);
    start = Seconds();
    for (const std::string& chunk : chunks) {
      back.Clear();
      CHECK_OK(DecodeChunk(encoding, chunk, kAll, &back));
    }
    decode = std::min(decode, Seconds() - start);
  }
  const auto n = static_cast<double>(samples);
  std::printf("%-26s %6.3f B/sample  encode %7.1f M/s  decode %7.1f M/s\n", name,
              static_cast<double>(bytes) / n, 1e-6 * n / encode, 1e-6 * n / decode);
}

}  // namespace
}  // namespace thermocline

int main() {
  using namespace thermocline;  // NOLINT(google-build-using-namespace)
  Measured mix;
  for (size_t kind = 0; kind < std::size(kKinds); ++kind) {
    const Measured m = Run(kind);
    Print(kKinds[kind].name, m);
    const double share = kKinds[kind].share / 100.0;
    mix.bytes += share * m.bytes;
    mix.encode += share * m.encode;
    mix.decode += share * m.decode;
    mix.values += share * m.values;
  }
  Print("mix", mix);
  RunChunks("XOR constant", ChunkEncoding::kXor, 0, false);
  RunChunks("XOR counter", ChunkEncoding::kXor, 1, false);
  RunChunks("XOR counter, jitter", ChunkEncoding::kXor, 1, true);
  RunChunks("XOR two decimals", ChunkEncoding::kXor, 2, false);
  RunChunks("XOR mantissa", ChunkEncoding::kXor, 3, false);
  RunChunks("XOR2 counter", ChunkEncoding::kXor2, 1, false);
  RunChunks("XOR2 counter, jitter", ChunkEncoding::kXor2, 1, true);
  RunChunks("histogram, 20 buckets", ChunkEncoding::kHistogram, 1, true);
  RunChunks("float histogram, 20", ChunkEncoding::kFloatHistogram, 1, true);
  return 0;
}
