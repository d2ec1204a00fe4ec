// The cold tier: blocks written per second and bytes per sample on mix15, all samples read back,
// and one of a million request ids found. Answers are compared before anything is timed.
#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

#include "cold/cold_tier.h"
#include "env/simulated/simulated_env.h"
#include "generate/workloads.h"

namespace {

using namespace thermocline;  // NOLINT

// Of the processor, so that neighbours on the machine do not count.
double Seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

[[noreturn]] void Fail(const std::string& what) {
  std::fprintf(stderr, "cold_bench: %s\n", what.c_str());
  std::exit(1);
}

template <typename T>
T Take(Result<T> result) {
  if (!result.ok()) Fail(result.status().ToString());
  return *std::move(result);
}

class Source final : public SeriesSet {
 public:
  struct One {
    Labels labels;
    std::vector<TimestampMs> times;
    std::vector<double> values;
  };
  std::vector<One> all;

  size_t series_count() const override { return all.size(); }
  SeriesId id(size_t i) const override { return SeriesId(all[i].labels.Hash()); }
  Labels labels(size_t i) const override { return all[i].labels; }
  const std::vector<std::string>& warnings() const override { return warnings_; }
  Status Read(std::span<const uint32_t> series, SeriesBatch* out) const override {
    out->Clear();
    for (const uint32_t i : series) {
      const One& one = all[i];
      out->timestamps_ms.insert(out->timestamps_ms.end(), one.times.begin(), one.times.end());
      out->values.insert(out->values.end(), one.values.begin(), one.values.end());
      out->offsets.push_back(static_cast<uint32_t>(out->timestamps_ms.size()));
    }
    return Status::Ok();
  }

 private:
  std::vector<std::string> warnings_;
};

// Reads everything that `request` selects; the number of samples and a sum of their bits.
std::pair<uint64_t, uint64_t> Drain(const ColdTier& tier, const SelectRequest& request) {
  const auto set = Take(tier.Select(request));
  SeriesBatch batch;
  std::vector<uint32_t> wanted;
  uint64_t samples = 0;
  uint64_t bits = 0;
  for (size_t at = 0; at < set->series_count(); at += 1024) {
    wanted.clear();
    for (size_t i = at; i < std::min(at + 1024, set->series_count()); ++i) {
      wanted.push_back(static_cast<uint32_t>(i));
    }
    if (const Status status = set->Read(wanted, &batch); !status.ok()) Fail(status.ToString());
    samples += batch.values.size();
    for (const double v : batch.values) bits += std::bit_cast<uint64_t>(v);
  }
  return {samples, bits};
}

struct Table {
  SimulatedEnv env;
  std::unique_ptr<ColdTier> tier;
  ColdOpenSummary summary;

  Table() {
    ColdTierOptions options;
    options.directory = "data/cold";
    tier = Take(ColdTier::Open(options, env.env(), true, &summary));
  }
  double Write(const Source& source, TimeRange range) {
    BlockRequest request;
    request.range = range;
    const double start = Seconds();
    auto entries = Take(tier->WriteBlocks(source, request));
    if (const Status status = tier->Install(std::move(entries)); !status.ok()) {
      Fail(status.ToString());
    }
    return Seconds() - start;
  }
};

void BenchMix15() {
  Source source;
  const Mix15Options options;
  uint64_t samples = 0;
  uint64_t bits = 0;
  TimeRange range;
  for (uint32_t s = 0; s < options.metrics * options.series_per_metric; ++s) {
    const GeneratedSeries series = Mix15Series(options, s);
    source.all.push_back({series.labels, series.timestamps_ms, series.values});
    samples += series.values.size();
    for (const double v : series.values) bits += std::bit_cast<uint64_t>(v);
    for (const TimestampMs t : series.timestamps_ms) range.Extend(t);
  }
  double best = 1e9;
  for (int round = 0; round < 3; ++round) {
    Table table;
    best = std::min(best, table.Write(source, range));
    if (round < 2) continue;
    SelectRequest request;
    request.range = {kMinTimestampMs, kMaxTimestampMs};
    if (Drain(*table.tier, request) != std::pair(samples, bits)) Fail("mix15 came back changed");
    const double start = Seconds();
    Drain(*table.tier, request);
    const double read = Seconds() - start;
    uint64_t files = 0;
    for (const BlockEntry& entry : table.tier->entries()) {
      for (const BlockFile& file : entry.files) {
        std::printf("mix15: %-8s %9.3f bytes/sample\n", std::string(FolderOf(file.kind)).c_str(),
                    static_cast<double>(file.size_bytes) / static_cast<double>(samples));
      }
      files += entry.size_bytes();
    }
    std::printf("mix15: written at %.1f M samples/s, read at %.1f M samples/s, %.3f bytes/sample\n",
                static_cast<double>(samples) / best / 1e6,
                static_cast<double>(samples) / read / 1e6,
                static_cast<double>(files) / static_cast<double>(samples));
  }
}

void BenchRequestIds() {
  constexpr int kSeries = 1'000'000;
  constexpr TimestampMs kStart = 1'700'000'000'000;
  Source source;
  source.all.reserve(kSeries);
  for (int i = 0; i < kSeries; ++i) {
    const uint64_t id = static_cast<uint64_t>(i) * 0x9E3779B97F4A7C15ull;
    source.all.push_back({Labels{{"__name__", "http_request_seconds"},
                                 {"instance", "10.0.0." + std::to_string(i % 50) + ":9100"},
                                 {"job", "api"},
                                 {"request_id", std::to_string(id)}},
                          {kStart + i % 1000, kStart + 60'000 + i % 1000},
                          {static_cast<double>(i), i + 0.5}});
  }
  // As the head hands them out.
  std::sort(source.all.begin(), source.all.end(),
            [](const Source::One& a, const Source::One& b) { return a.labels < b.labels; });
  Table table;
  const double write = table.Write(source, {kStart, kStart + kHourMs});
  SelectRequest request;
  request.range = {kStart, kStart + kHourMs};
  request.matchers.push_back(Matcher::Equal(
      "request_id", std::to_string(static_cast<uint64_t>(777'777) * 0x9E3779B97F4A7C15ull)));
  for (const char* what : {"cold", "warm"}) {
    ReadCounters counters;
    request.counters = &counters;
    const double start = Seconds();
    const auto found = Drain(*table.tier, request);
    const double took = Seconds() - start;
    if (found.first != 2) Fail("the request id was not found");
    std::printf("one of 1 M ids, %s: %.2f ms, %llu requests, %llu pages, %llu bytes\n", what,
                took * 1e3, static_cast<unsigned long long>(counters.requests.load()),
                static_cast<unsigned long long>(counters.pages_read.load()),
                static_cast<unsigned long long>(counters.bytes_read.load()));
  }
  std::printf("1 M series x 2: written in %.2f s, %.1f bytes a series\n", write,
              static_cast<double>(table.tier->total_bytes()) / kSeries);
}

}  // namespace

int main() {
  BenchMix15();
  BenchRequestIds();
  return 0;
}
