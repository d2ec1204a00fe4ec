// The C++ half of the format benchmarks, driven by bench/formats.py: makes the data and scans it in
// any layout. One line of JSON on standard output.
//   formats_bench generate mix15|even SERIES_PER_METRIC SAMPLES   series for `yardstick write`
//   formats_bench check LAYOUT FOLDER   counts, and a checksum over labels, times and value bits
//   formats_bench scan LAYOUT FOLDER    counts, a sum of times and value bits, the processor
//                                       seconds of three scans
#include <fmt/core.h>
#include <sys/resource.h>

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/hash.h"
#include "cold/cold_tier.h"
#include "convert/source.h"
#include "env/posix/posix_env.h"
#include "generate/workloads.h"

namespace thermocline {
namespace {

constexpr int kRounds = 3;
// A read holds about so many samples, which stay in the cache until they are visited.
constexpr uint64_t kSamplesPerRead = 64 << 10;
constexpr uint32_t kMostSeriesPerRead = 1024;

double ProcessorSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void PutU32(uint32_t value, std::string* out) {
  out->append(reinterpret_cast<const char*>(&value), sizeof(value));
}

void PutFrame(const Labels& labels, const std::vector<TimestampMs>& times,
              const std::vector<double>& values) {
  std::string head;
  PutU32(static_cast<uint32_t>(std::distance(labels.begin(), labels.end())), &head);
  for (const LabelPair& pair : labels) {
    for (const std::string_view text : {pair.name, pair.value}) {
      PutU32(static_cast<uint32_t>(text.size()), &head);
      head += text;
    }
  }
  PutU32(static_cast<uint32_t>(times.size()), &head);
  CHECK(std::fwrite(head.data(), 1, head.size(), stdout) == head.size());
  CHECK(std::fwrite(times.data(), 8, times.size(), stdout) == times.size());
  CHECK(std::fwrite(values.data(), 8, values.size(), stdout) == values.size());
}

// mix15 in label order, as a block wants it. "even" has the series and times of mix15 without the
// jitter, and counters that grow by small whole numbers: what XOR chunks decode fastest.
void Generate(const std::string& kind, uint32_t series_per_metric, uint32_t samples) {
  CHECK(kind == "mix15" || kind == "even");
  Mix15Options options;
  options.series_per_metric = series_per_metric;
  options.samples = 1;
  std::vector<std::pair<Labels, uint32_t>> order;
  for (uint32_t i = 0; i < options.metrics * series_per_metric; ++i) {
    order.emplace_back(Mix15Series(options, i).labels, i);
  }
  std::sort(order.begin(), order.end());
  options.samples = samples;
  for (const auto& [labels, index] : order) {
    GeneratedSeries series = Mix15Series(options, index);
    if (kind == "even") {
      for (uint32_t k = 0; k < samples; ++k) {
        series.timestamps_ms[k] = series.timestamps_ms[0] + k * options.interval_ms;
        series.values[k] = index + (k * 2654435761u >> 30) + k;
      }
    }
    PutFrame(labels, series.timestamps_ms, series.values);
  }
}

struct Opened {
  std::unique_ptr<Source> source;
  std::unique_ptr<ColdTier> tier;
  const Queryable* data = nullptr;
};

Opened Open(PosixEnv& env, const std::string& layout, const std::string& folder) {
  Opened opened;
  if (layout == "samples") {
    ColdTierOptions options;
    options.directory = *ColdDirectory(folder, TenantId());
    ColdOpenSummary summary;
    auto tier = ColdTier::Open(options, env.env(), /*writable=*/false, &summary);
    CHECK_OK(tier.status());
    opened.tier = *std::move(tier);
    opened.data = opened.tier.get();
    return opened;
  }
  const auto known = ParseLayout(layout);
  CHECK_OK(known.status());
  auto source = OpenSource(env.files, nullptr, folder, *known, {});
  CHECK_OK(source.status());
  opened.source = *std::move(source);
  opened.data = opened.source.get();
  return opened;
}

// Calls visit(set, indexes, batch) until all of the data has been read.
template <typename Visit>
void ReadAll(const Queryable& data, const Visit& visit) {
  SelectRequest request;
  request.range = {kMinTimestampMs, kMaxTimestampMs};
  const auto set = data.Select(request);
  CHECK_OK(set.status());
  SeriesBatch batch;
  std::vector<uint32_t> indexes;
  const auto count = static_cast<uint32_t>((*set)->series_count());
  uint32_t at_once = 16;
  for (uint32_t begin = 0; begin < count; begin += static_cast<uint32_t>(indexes.size())) {
    indexes.resize(std::min(at_once, count - begin));
    std::iota(indexes.begin(), indexes.end(), begin);
    CHECK_OK((*set)->Read(indexes, &batch));
    visit(**set, indexes, batch);
    const uint64_t each = batch.values.size() / indexes.size() + 1;
    at_once =
        static_cast<uint32_t>(std::clamp<uint64_t>(kSamplesPerRead / each, 1, kMostSeriesPerRead));
  }
}

uint64_t SeriesHash(const Labels& labels) {
  std::string text;
  for (const LabelPair& pair : labels) {
    text.append(pair.name).push_back('\xff');
    text.append(pair.value).push_back('\xff');
  }
  return Hash64(text);
}

// Independent of the order of series and samples; bench/yardstick has the same.
void Check(const Queryable& data) {
  uint64_t series = 0;
  uint64_t samples = 0;
  uint64_t sum = 0;
  ReadAll(data, [&](const SeriesSet& set, const auto& indexes, const SeriesBatch& batch) {
    CHECK(batch.histograms.empty());
    for (size_t i = 0; i < indexes.size(); ++i) {
      const auto times = batch.times(i);
      const auto values = batch.floats(i);
      if (times.empty()) continue;
      ++series;
      samples += times.size();
      const uint64_t hash = SeriesHash(set.labels(indexes[i]));
      for (size_t k = 0; k < times.size(); ++k) {
        uint64_t x = hash ^ (static_cast<uint64_t>(times[k]) * 0x9E3779B97F4A7C15);
        x = (x ^ (x >> 29) ^ std::bit_cast<uint64_t>(values[k])) * 0xBF58476D1CE4E5B9;
        sum += (x ^ (x >> 32)) * 0x94D049BB133111EB;
      }
    }
  });
  fmt::print("{{\"series\": {}, \"samples\": {}, \"checksum\": \"{:016x}\"}}\n", series, samples,
             sum);
}

void Scan(const Queryable& data) {
  std::string seconds;
  uint64_t samples = 0;
  uint64_t sum = 0;
  for (int round = 0; round < kRounds; ++round) {
    samples = 0;
    sum = 0;
    const double begin = ProcessorSeconds();
    ReadAll(data, [&](const SeriesSet&, const auto&, const SeriesBatch& batch) {
      samples += batch.values.size();
      for (const TimestampMs t : batch.timestamps_ms) sum += static_cast<uint64_t>(t);
      for (const double value : batch.values) sum += std::bit_cast<uint64_t>(value);
    });
    seconds += fmt::format("{}{:.6f}", round == 0 ? "" : ", ", ProcessorSeconds() - begin);
  }
  fmt::print("{{\"samples\": {}, \"sum\": {}, \"cpu_s\": [{}]}}\n", samples, sum, seconds);
}

int Run(int argc, char** argv) {
  const std::string verb = argc > 1 ? argv[1] : "";
  if (verb == "generate" && argc == 5) {
    Generate(argv[2], static_cast<uint32_t>(std::atoi(argv[3])),
             static_cast<uint32_t>(std::atoi(argv[4])));
    return 0;
  }
  if ((verb != "check" && verb != "scan") || argc != 4) {
    fmt::print(stderr,
               "usage: formats_bench generate KIND SERIES_PER_METRIC SAMPLES | "
               "check LAYOUT FOLDER | scan LAYOUT FOLDER (driven by bench/formats.py)\n");
    return 2;
  }
  PosixEnv env(LogFormat::kLogfmt, LogLevel::kError, 1);
  const Opened opened = Open(env, argv[2], argv[3]);
  verb == "check" ? Check(*opened.data) : Scan(*opened.data);
  return 0;
}

}  // namespace
}  // namespace thermocline

int main(int argc, char** argv) { return thermocline::Run(argc, argv); }
