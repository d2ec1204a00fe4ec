// The hot tier alone: steady admission, new series, replay, reading, instant count, seal. Answers
// are checked before their figures are printed.
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "base/check.h"
#include "env/simulated/simulated_env.h"
#include "head/head.h"

namespace thermocline {
namespace {

constexpr TimestampMs kStart = 1'700'000'000'000 / 7'200'000 * 7'200'000;

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         1e-6 * static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

uint64_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  uint64_t total = 0;
  uint64_t resident = 0;
  statm >> total >> resident;
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

// Six labels, one of them unique.
Labels SeriesLabels(size_t i) {
  return Labels{{"__name__", "http_requests_total_" + std::to_string(i % 40)},
                {"cluster", "eu-west-1"},
                {"instance", "10.0." + std::to_string(i / 40 % 200) + ".7:9100"},
                {"job", "node"},
                {"mode", "mode" + std::to_string(i % 7)},
                {"request_id", "7f3a9c52-" + std::to_string(i * 2654435761u % 1000000007u)}};
}

struct Bench {
  SimulatedEnv env;
  std::unique_ptr<Head> head;
  std::vector<std::pair<uint8_t, std::string>> records;
  bool keep_records = false;
  uint64_t logged = 0;
  uint64_t lsn = 0;

  Bench() {
    env.clock.SetNowMs(kStart + kDayMs);
    auto made = Head::Create({}, env.env());
    CHECK_OK(made.status());
    head = std::move(made).value();
  }
  void Write(const WriteBatch& batch) {
    const auto admission = head->Admit(batch, [&](HeadRecord record) -> Result<Lsn> {
      logged += record.payload.size();
      if (keep_records) records.emplace_back(record.kind, std::move(record.payload));
      return Lsn(++lsn);
    });
    CHECK_OK(admission.status());
    CHECK(admission->summary.rejected_count == 0);
    head->Settle(admission->first_lsn, admission->last_lsn, Status::Ok());
  }
};

// Batches of 2,000 series, one sample each; the labels are packed once, as a decoder would.
std::vector<WriteBatch> Batches(size_t series) {
  std::vector<WriteBatch> batches;
  for (size_t i = 0; i < series; ++i) {
    if (i % 2000 == 0) batches.emplace_back();
    batches.back().AddSeries(SeriesLabels(i));
    batches.back().AddSample(0, 0);
  }
  return batches;
}

void Steady(size_t series, int steps) {
  Bench bench;
  bench.keep_records = true;
  auto batches = Batches(series);
  double cpu = 0;
  uint64_t logged = 0;
  for (int step = 0; step < steps; ++step) {
    for (size_t b = 0; b < batches.size(); ++b) {
      for (size_t i = 0; i < batches[b].samples.size(); ++i) {
        const double v = i % 3 == 0   ? 42
                         : i % 3 == 1 ? 1000.0 * static_cast<double>(i) + step * 17 + step % 5
                                      : static_cast<double>((i * 7 + step * 13) % 9973) / 100;
        batches[b].samples[i] = {kStart + step * 15'000, v};
      }
      const double before = CpuSeconds();
      bench.Write(batches[b]);
      if (step > 0) cpu += CpuSeconds() - before;
    }
    if (step == 0) logged = bench.logged;
  }
  const double samples = static_cast<double>(series) * (steps - 1);
  uint64_t held = 0;
  for (const auto& range : bench.head->Ranges()) held += range.samples;
  CHECK(held == series * static_cast<size_t>(steps));
  std::printf("steady %zu x %d: %.2f M samples/CPU-s, log %.2f B/sample, memory %.0f B/series\n",
              series, steps, samples / cpu * 1e-6,
              static_cast<double>(bench.logged - logged) / samples,
              static_cast<double>(bench.head->memory_bytes()) / static_cast<double>(series));

  Bench again;
  double before = CpuSeconds();
  uint64_t lsn = 0;
  for (const auto& [kind, payload] : bench.records) {
    CHECK_OK(again.head->Replay(Lsn(++lsn), kind, payload));
  }
  std::printf("replay: %.2f M samples/CPU-s\n",
              static_cast<double>(held) / (CpuSeconds() - before) * 1e-6);

  SelectRequest request;
  request.range = {kMinTimestampMs, kMaxTimestampMs};
  before = CpuSeconds();
  auto set = *again.head->Select(request);
  std::printf("select: %zu series listed in %.2f ms\n", set->series_count(),
              (CpuSeconds() - before) * 1e3);
  before = CpuSeconds();
  SeriesBatch batch;
  std::vector<uint32_t> indexes;
  uint64_t read = 0;
  for (uint32_t i = 0; i < set->series_count(); ++i) {
    indexes.push_back(i);
    if (indexes.size() < 256 && i + 1 < set->series_count()) continue;
    CHECK_OK(set->Read(indexes, &batch));
    read += batch.values.size();
    indexes.clear();
  }
  CHECK(read == held);
  std::printf("read: %.1f M samples/CPU-s\n",
              static_cast<double>(held) / (CpuSeconds() - before) * 1e-6);
}

void NewSeries(size_t series) {
  Bench bench;
  const auto labels_only = Batches(series);
  std::vector<WriteBatch> batches;
  for (const auto& source : labels_only) {
    batches.emplace_back();
    for (const auto& entry : source.series) {
      batches.back().AddSeries(source.labels(entry));
      for (int k = 0; k < 8; ++k) batches.back().AddSample(kStart + k * 15'000, 1.5 * k);
    }
  }
  const uint64_t resident = ResidentBytes();
  double before = CpuSeconds();
  for (const auto& batch : batches) bench.Write(batch);
  const double cpu = CpuSeconds() - before;
  std::printf("new series %zu x 8: %.2f us CPU each, %.0f B resident each (own count %.0f)\n",
              series, cpu / static_cast<double>(series) * 1e6,
              static_cast<double>(ResidentBytes() - resident) / static_cast<double>(series),
              static_cast<double>(bench.head->memory_bytes()) / static_cast<double>(series));

  SelectRequest request;
  request.range = {kMinTimestampMs, kMaxTimestampMs};
  request.matchers.push_back(Matcher::Equal("job", "node"));
  before = CpuSeconds();
  const auto count = *bench.head->TryCount(request, kStart + 200'000, 300'000);
  CHECK(count == series);
  std::printf("instant count of %zu series: %.2f ms\n", series, (CpuSeconds() - before) * 1e3);

  before = CpuSeconds();
  std::vector<TimeRange> ranges;
  for (const auto& range : bench.head->Ranges()) ranges.push_back(range.range);
  auto sealed = *bench.head->Seal(ranges);
  CHECK(sealed.series->series_count() == series);
  std::printf("seal: %.1f ms; ", (CpuSeconds() - before) * 1e3);
  sealed.series.reset();
  before = CpuSeconds();
  bench.head->Drop(sealed.token);
  CHECK(bench.head->series_count() == 0);
  std::printf("drop: %.1f ms, %.0f B/series left\n", (CpuSeconds() - before) * 1e3,
              static_cast<double>(bench.head->memory_bytes()) / static_cast<double>(series));
}

}  // namespace
}  // namespace thermocline

int main() {
  thermocline::Steady(20'000, 400);
  thermocline::Steady(100'000, 60);
  thermocline::NewSeries(100'000);
  thermocline::NewSeries(500'000);
  return 0;
}
