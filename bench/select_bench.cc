// The eleven selects that parquet-common's Go library is measured by, on the same data and page
// sizes: requests, bytes and processor time beside its published figures. Then one series out of
// 50,000 in a shard as converters write it, in a bucket that answers after 20 ms.
//
// Processor time: its figures are wall time on four cores, so it needed at least as much processor
// time. They are taken as of a machine on which Prometheus' own block querier, the yardstick, scans
// 60 M samples a CPU second; --yardstick=M gives this machine's figure, as `./dev bench formats`
// does, and our time is scaled by M/60. The bar is a fifth of its figure.
#include <fmt/core.h>
#include <sys/resource.h>

#include <cmath>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <memory>
#include <random>

#include "base/check.h"
#include "bucket/local_bucket.h"
#include "env/posix/posix_env.h"
#include "shards/counted_bucket.h"
#include "shards/select_cases.h"
#include "shards/shard_queryable.h"
#include "shards/shard_writer.h"

namespace thermocline::shards {
namespace {

constexpr double kYardstick = 60;  // M samples a CPU second
constexpr int kRuns = 5;
constexpr int64_t kDelayMs = 20;
constexpr TimestampMs kStart = 1'700'006'400'000;

double Seconds(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

struct Answer {
  uint64_t series = 0;
  uint64_t samples = 0;
  double sum = 0;
};

// Lists the series in label order and reads every sample.
Answer Ask(const ShardQueryable& queryable, const std::vector<Matcher>& matchers, TimeRange range) {
  SelectRequest request;
  request.matchers = matchers;
  request.range = range;
  request.hints.sorted = true;
  const auto set = queryable.Select(request);
  CHECK_OK(set.status());
  Answer answer;
  answer.series = (*set)->series_count();
  SeriesBatch batch;
  std::vector<uint32_t> wanted;
  for (uint32_t i = 0; i < answer.series; ++i) {
    wanted.push_back(i);
    if (wanted.size() < 1024 && i + 1 < answer.series) continue;
    CHECK_OK((*set)->Read(wanted, &batch));
    answer.samples += batch.timestamps_ms.size();
    for (const double value : batch.values) answer.sum += value;
    wanted.clear();
  }
  return answer;
}

Answer Expected(const SelectData& data, const std::vector<Matcher>& matchers) {
  Answer answer;
  for (size_t i = 0; i < data.series_count(); ++i) {
    if (!MatchesAll(matchers, data.labels(i))) continue;
    ++answer.series;
    ++answer.samples;
    answer.sum += SelectData::Value(i);
  }
  return answer;
}

const char* Verdict(bool ok) { return ok ? "ok" : "MISS"; }

void RunCases(const std::string& folder, double yardstick, const char* only, uint64_t plan_bytes) {
  PosixEnv posix(LogFormat::kLogfmt, LogLevel::kError, 1);
  LocalBucket local(posix.env().files, folder);
  CountedBucket bucket(local);
  const SelectData data;
  ShardWriterOptions options = SelectWriterOptions();
  if (plan_bytes != 0) options.plan_bytes = plan_bytes;
  const auto written = WriteShards(data, local, "cases/", options);
  CHECK_OK(written.status());
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  fmt::print("{} series, labels {} bytes, chunks {} bytes, written with {} MiB at most\n",
             written->series, written->labels_bytes, written->chunks_bytes, used.ru_maxrss >> 10);
  columnar::ReadStats stats;
  const auto shards = OpenShards(bucket, *FindShards(bucket, "cases/"), {}, &stats);
  CHECK_OK(shards.status());
  const ShardQueryable queryable(*shards);
  fmt::print("{:32}{:>9}{:>10}{:>10}{:>12}{:>12}{:>9}{:>9}  {}\n", "case", "series", "requests",
             "theirs", "bytes", "theirs", "CPU ms", "bar", "requests, bytes, CPU");
  for (const SelectCase& one : SelectCases()) {
    if (only != nullptr && std::strstr(one.name, only) == nullptr) continue;
    const Answer expected = Expected(data, one.matchers);
    double best = INFINITY;
    for (int run = 0; run < kRuns; ++run) {
      bucket.counts().Reset();
      const double begin = Seconds(CLOCK_PROCESS_CPUTIME_ID);
      const Answer answer = Ask(queryable, one.matchers, kSelectRange);
      best = std::min(best, Seconds(CLOCK_PROCESS_CPUTIME_ID) - begin);
      CHECK(answer.series == expected.series && answer.samples == expected.samples);
      CHECK(std::abs(answer.sum - expected.sum) < 1e-6);
    }
    const uint64_t requests = bucket.counts().requests;
    const uint64_t bytes = bucket.counts().bytes;
    const double spent = best * 1e3 * yardstick / kYardstick;
    const double bar = one.milliseconds / 5;
    // Where the Go library reads nothing, nothing is the fewest.
    const bool none = one.requests == 0 && requests == 0;
    fmt::print("{:32}{:>9}{:>10}{:>10}{:>12}{:>12}{:>9.2f}{:>9.2f}  {}, {}, {}\n", one.name,
               expected.series, requests, one.requests, bytes, one.bytes, spent, bar,
               Verdict(none || requests < one.requests), Verdict(none || bytes < one.bytes),
               Verdict(spent <= bar));
  }
}

// 50,000 series of an hour at 15 s, with a pod each.
class PodData final : public SeriesSet {
 public:
  static constexpr size_t kSeries = 50'000;
  static constexpr size_t kSamples = 240;

  size_t series_count() const override { return kSeries; }
  SeriesId id(size_t i) const override { return SeriesId(i + 1); }
  Labels labels(size_t i) const override {
    return Labels{{"__name__", fmt::format("metric_{:03}", i / 100)},
                  {"instance", fmt::format("10.0.0.{}:9100", i % 100)},
                  {"job", fmt::format("job-{}", i % 20)},
                  {"namespace", fmt::format("namespace-{}", i % 50)},
                  {"pod", fmt::format("pod-{:06}-{:08x}", i, i * 2654435761 % (1u << 31))},
                  {"zone", fmt::format("zone-{}", i % 3)}};
  }
  Status Read(std::span<const uint32_t> series, SeriesBatch* out) const override {
    out->Clear();
    for (const uint32_t i : series) {
      std::mt19937_64 random(i);
      double state = 0;
      for (size_t k = 0; k < kSamples; ++k) {
        out->timestamps_ms.push_back(kStart + static_cast<int64_t>(k) * 15'000 + i % 15'000);
        state += static_cast<double>(i % 2 == 0 ? random() % 100 : random() >> 11);
        out->values.push_back(state);
      }
      out->offsets.push_back(static_cast<uint32_t>(out->timestamps_ms.size()));
    }
    return Status::Ok();
  }
  const std::vector<std::string>& warnings() const override { return warnings_; }

 private:
  std::vector<std::string> warnings_;
};

void RunRounds(const std::string& folder) {
  PosixEnv posix(LogFormat::kLogfmt, LogLevel::kError, 4);
  LocalBucket local(posix.env().files, folder);
  CountedBucket bucket(local);
  const PodData data;
  ShardWriterOptions options;
  options.range = {kStart, kStart + 24 * kHourMs - 1};
  CHECK_OK(WriteShards(data, local, "pods/", options).status());
  bucket.counts().delay_ms = kDelayMs;
  columnar::ReadStats stats;
  const auto places = FindShards(bucket, "pods/");
  const double opened = Seconds(CLOCK_MONOTONIC);
  const auto shards = OpenShards(bucket, *places, {}, &stats, &posix.env().executor);
  CHECK_OK(shards.status());
  fmt::print("open: {} requests, {} bytes, {:.1f} ms\n", bucket.counts().requests.load(),
             bucket.counts().bytes.load(), (Seconds(CLOCK_MONOTONIC) - opened) * 1e3);
  const ShardQueryable queryable(*shards, &posix.env().executor);
  const Labels wanted = data.labels(24'681);
  const auto is = [&](const char* name) {
    return Matcher::Equal(name, std::string(wanted.Get(name)));
  };
  const Matcher metric = is("__name__");
  struct Question {
    const char* name;
    std::vector<Matcher> matchers;
    size_t series;
  };
  const std::vector<Question> questions = {
      {"one metric and one pod", {metric, is("pod")}, 1},
      {"one metric", {metric}, 100},
      {"one pod", {is("pod")}, 1},
      {"one metric, a regex of instances",
       {metric, *Matcher::Make(MatchType::kRegex, "instance", "10\\.0\\.0\\.[12].:9100")},
       20},
      {"ten metrics", {*Matcher::Make(MatchType::kRegex, "__name__", "metric_24.")}, 1000},
      {"one job", {is("job")}, 2500},
      {"no such metric", {Matcher::Equal("__name__", "absent")}, 0}};
  fmt::print("{:34}{:>8}{:>10}{:>12}{:>8}{:>12}\n", "20 ms a request", "series", "requests",
             "bytes", "rounds", "wall ms");
  for (const Question& question : questions) {
    bucket.counts().Reset();
    const double begin = Seconds(CLOCK_MONOTONIC);
    const Answer answer = Ask(queryable, question.matchers, {kStart, kStart + 24 * kHourMs});
    const double wall = (Seconds(CLOCK_MONOTONIC) - begin) * 1e3;
    CHECK(answer.series == question.series && answer.samples == question.series * 240);
    const auto rounds = static_cast<int>(wall / kDelayMs);
    fmt::print("{:34}{:>8}{:>10}{:>12}{:>8}{:>12.1f}{}\n", question.name, answer.series,
               bucket.counts().requests.load(), bucket.counts().bytes.load(), rounds, wall,
               question.series == 1 ? rounds <= 3 ? "  ok" : "  MISS" : "");
  }
}

void Run(int count, char** arguments) {
  double yardstick = kYardstick;
  const char* only = nullptr;
  uint64_t plan_bytes = 0;
  for (int i = 1; i < count; ++i) {
    if (std::strncmp(arguments[i], "--yardstick=", 12) == 0) {
      yardstick = std::strtod(arguments[i] + 12, nullptr);
    } else if (std::strncmp(arguments[i], "--plan-bytes=", 13) == 0) {
      plan_bytes = std::strtoull(arguments[i] + 13, nullptr, 10);
    } else {
      only = arguments[i];
    }
  }
  const auto folder = std::filesystem::temp_directory_path() / "thermocline_select_bench";
  std::filesystem::remove_all(folder);
  RunCases(folder.string(), yardstick, only, plan_bytes);
  if (only == nullptr) RunRounds(folder.string());
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace thermocline::shards

int main(int count, char** arguments) {
  thermocline::shards::Run(count, arguments);
  return 0;
}
