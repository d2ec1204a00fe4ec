// Speed of the remote write 1.0 decoder on requests as a Prometheus sends them: 2,000 series of
// mix15 with a sample each. The decoded batch is compared with what went in before the clock runs.
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "codec/compression.h"
#include "generate/workloads.h"
#include "generate/write_request.h"
#include "wire/remote_write.h"

namespace thermocline {
namespace {

constexpr uint32_t kSeries = 2000;
constexpr TimestampMs kTime = 1'760'000'000'000;

double Seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::string Message(const std::vector<GeneratedSeries>& all) {
  std::string message;
  for (const GeneratedSeries& one : all) {
    AppendTimeSeries(EncodeSeriesLabels(one.labels), kTime, one.values[0], &message);
  }
  return message;
}

// Nanoseconds a sample of the best of many short runs.
template <typename Work>
double Best(Work work) {
  constexpr int kRounds = 5;
  double best = 1e9;
  for (int run = 0; run < 200; ++run) {
    const double start = Seconds();
    for (int round = 0; round < kRounds; ++round) work();
    best = std::min(best, (Seconds() - start) / kRounds / kSeries * 1e9);
  }
  return best;
}

int Main() {
  Mix15Options options;
  options.samples = 1;
  std::vector<GeneratedSeries> all;
  for (uint32_t i = 0; i < kSeries; ++i) all.push_back(Mix15Series(options, i));
  const std::string message = Message(all);
  std::string body;
  SnappyEncode(message, &body);

  RemoteWriteLimits limits;
  WriteBatch batch;
  RemoteWriteSkipped skipped;
  std::string scratch;
  const auto decode = [&] {
    CHECK_OK(DecompressRemoteWrite(body, limits, &scratch));
    CHECK_OK(ParseWriteRequest1(scratch, limits, &batch, &skipped));
  };
  decode();
  CHECK(batch.series.size() == kSeries && batch.samples.size() == kSeries);
  for (uint32_t i = 0; i < kSeries; ++i) {
    CHECK(batch.labels(batch.series[i]) == all[i].labels.view());
    CHECK(batch.series[i].hash == all[i].labels.Hash());
    CHECK(SameBits(batch.samples[i].value, all[i].values[0]));
  }
  const double snappy =
      Best([&] { CHECK_OK(SnappyDecode(body, limits.max_decoded_bytes, &scratch)); });
  const double whole = Best(decode);
  std::printf(
      "remote write 1.0: %.0f B a sample, %.1f compressed; snappy %.0f ns, whole %.0f ns a "
      "sample: %.1f M samples/s\n",
      static_cast<double>(message.size()) / kSeries, static_cast<double>(body.size()) / kSeries,
      snappy, whole, 1000 / whole);
  return 0;
}

}  // namespace
}  // namespace thermocline

int main() { return thermocline::Main(); }
