// A whole flush on a real disk: seal, read, encode, write, sync, install, drop; on one worker and
// on all cores. What Parquet then holds is compared with what was sent.
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "base/check.h"
#include "env/posix/posix_env.h"
#include "generate/workloads.h"
#include "store/store.h"

namespace thermocline {
namespace {

constexpr uint32_t kSeries = 20'000;
constexpr uint32_t kSamples = 400;
constexpr int64_t kIntervalMs = 4000;

double WallSeconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         1e-6 * static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

// Sends everything, one timestamp at a time; the sum of the values.
double Fill(Store& store, const std::vector<GeneratedSeries>& all) {
  double sum = 0;
  for (uint32_t t = 0; t < kSamples; ++t) {
    for (size_t at = 0; at < all.size(); at += 2000) {
      WriteBatch batch;
      for (size_t i = at; i < at + 2000; ++i) {
        batch.AddSeries(all[i].labels);
        batch.AddSample(all[i].timestamps_ms[t], all[i].values[t]);
        sum += all[i].values[t];
      }
      const auto appended = store.Append(batch);
      CHECK_OK(appended.status());
      CHECK(!appended->rolled_back);
    }
  }
  return sum;
}

double SumOf(const Queryable& source) {
  SelectRequest request;
  request.range = {kMinTimestampMs, kMaxTimestampMs};
  auto set = source.Select(request);
  CHECK_OK(set.status());
  double sum = 0;
  uint64_t samples = 0;
  SeriesBatch batch;
  std::vector<uint32_t> wanted;
  for (size_t at = 0; at < (*set)->series_count(); at += 1000) {
    wanted.clear();
    for (size_t i = at; i < std::min(at + 1000, (*set)->series_count()); ++i) {
      wanted.push_back(static_cast<uint32_t>(i));
    }
    CHECK_OK((*set)->Read(wanted, &batch));
    for (const double value : batch.values) sum += value;
    samples += batch.values.size();
  }
  CHECK(samples == uint64_t{kSeries} * kSamples);
  return sum;
}

void Run(const std::vector<GeneratedSeries>& all, int threads, const std::string& folder) {
  std::filesystem::remove_all(folder);
  PosixEnv posix(LogFormat::kLogfmt, LogLevel::kError, threads);
  StoreOptions options;
  options.path = folder;
  options.wal.sync = SyncMode::kOs;
  OpenSummary summary;
  auto store = Store::Open(options, posix.env(), &summary);
  CHECK_OK(store.status());
  const double sum = Fill(**store, all);
  const double wall = WallSeconds();
  const double cpu = CpuSeconds();
  const auto flushed = (*store)->FlushAll();
  const double wall_s = WallSeconds() - wall;
  const double cpu_s = CpuSeconds() - cpu;
  CHECK_OK(flushed.status());
  CHECK(flushed->samples == uint64_t{kSeries} * kSamples);
  const double found = SumOf(**store);
  CHECK(std::abs(found - sum) <= 1e-9 * std::abs(sum));
  const double samples = static_cast<double>(flushed->samples) / 1e6;
  std::printf("flush, %d threads: %.1f M samples/s, %.1f M per CPU second, %.3f bytes/sample\n",
              threads, samples / wall_s, samples / cpu_s,
              static_cast<double>(flushed->bytes) / static_cast<double>(flushed->samples));
  store->reset();
  std::filesystem::remove_all(folder);
}

int Main(int argc, char** argv) {
  const std::string folder = argc > 1 ? argv[1] : "flush_bench.data";
  const Mix15Options mix{.series_per_metric = 10, .samples = kSamples, .interval_ms = kIntervalMs};
  std::vector<GeneratedSeries> all;
  for (uint32_t i = 0; i < kSeries; ++i) {
    Mix15Options options = mix;
    options.metrics = kSeries / options.series_per_metric;
    all.push_back(Mix15Series(options, i));
  }
  const int cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  for (int round = 0; round < 3; ++round) {
    Run(all, 1, folder);
    if (cores > 1) Run(all, cores, folder);
  }
  return 0;
}

}  // namespace
}  // namespace thermocline

int main(int argc, char** argv) { return thermocline::Main(argc, argv); }
