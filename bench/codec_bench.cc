// Speed and size of sample blocks on mix15-like series. Prints one line per kind; the answer is
// checked before anything is timed.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <random>
#include <vector>

#include "base/check.h"
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

}  // namespace
}  // namespace thermocline

int main() {
  using namespace thermocline;
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
  return 0;
}
