// Loads a server with remote write 1.0: bodies are made first, then sent as fast as they are
// answered, or at a given rate. Prints one line of JSON; fails unless every answer was 2xx.
#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <thread>

#include "env/background_thread.h"
#include "generate/http_connection.h"
#include "generate/load_plan.h"

namespace thermocline {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::string_view kUsage =
    R"(Usage: thermocline_load --url=http://host:port/api/v1/write [OPTION...]

  --workload=NAME           steady (default), churn, mix15 or cardinality
  --series=N --samples=N    instead of the workload's own sizes
  --connections=N           default 2
  --start-ms=T              time of the first sample; default: the last one is a minute old
  --interval-ms=N           between the samples of a series, default 15000
  --seed=N                  default 1
  --requests-per-second=R   on all connections together; default: as fast as they are answered
  --latencies=FILE          writes a line per request: start in ms since the epoch, microseconds
)";

struct Arguments {
  std::string url;
  LoadOptions load;
  double requests_per_second = 0;
  std::string latencies;
};

TimestampMs NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

template <typename Number>
bool ParseNumber(std::string_view text, Number* number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
  return error == std::errc() && end == text.data() + text.size();
}

bool Take(std::string_view name, std::string_view value, Arguments* out) {
  LoadOptions& load = out->load;
  if (name == "--url") return out->url = value, true;
  if (name == "--workload") return load.workload = value, true;
  if (name == "--latencies") return out->latencies = value, true;
  if (name == "--series") return ParseNumber(value, &load.series);
  if (name == "--samples") return ParseNumber(value, &load.samples);
  if (name == "--connections") return ParseNumber(value, &load.connections);
  if (name == "--start-ms") return ParseNumber(value, &load.start_ms);
  if (name == "--interval-ms") return ParseNumber(value, &load.interval_ms);
  if (name == "--seed") return ParseNumber(value, &load.seed);
  if (name == "--requests-per-second") return ParseNumber(value, &out->requests_per_second);
  return false;
}

std::optional<Arguments> ParseArguments(int count, char** words) {
  Arguments arguments;
  for (int i = 1; i < count; ++i) {
    const std::string_view word = words[i];
    const size_t equals = word.find('=');
    if (equals == std::string_view::npos ||
        !Take(word.substr(0, equals), word.substr(equals + 1), &arguments)) {
      fmt::print(stderr, "not understood: {}\n{}", word, kUsage);
      return std::nullopt;
    }
  }
  if (arguments.url.empty()) {
    fmt::print(stderr, "{}", kUsage);
    return std::nullopt;
  }
  return arguments;
}

struct Latency {
  TimestampMs start_ms;
  int64_t micros;
};

// What one connection did.
struct Outcome {
  std::map<int, uint64_t> statuses;
  std::vector<Latency> latencies;
  std::string failure;  // the first
};

// Requests k of a connection starts at `start` + k x `gap`, or as soon as the one before is done.
Outcome SendAll(const HttpTarget& target, const std::vector<std::string>& bodies,
                SteadyClock::time_point start, std::chrono::duration<double> gap) {
  Outcome outcome;
  auto connection = HttpConnection::Open(target);
  if (!connection.ok()) {
    outcome.failure = connection.status().ToString();
    return outcome;
  }
  outcome.latencies.reserve(bodies.size());
  std::string text;
  for (size_t k = 0; k < bodies.size(); ++k) {
    if (gap.count() > 0) {
      std::this_thread::sleep_until(
          start + std::chrono::duration_cast<SteadyClock::duration>(gap * static_cast<double>(k)));
    }
    const TimestampMs start_ms = NowMs();
    const auto begun = SteadyClock::now();
    const auto status = connection->PostWrite(bodies[k], &text);
    const auto took = SteadyClock::now() - begun;
    if (!status.ok()) {
      outcome.failure = status.status().ToString();
      return outcome;
    }
    ++outcome.statuses[*status];
    if (*status / 100 != 2 && outcome.failure.empty()) {
      outcome.failure = fmt::format("status {}: {}", *status, text);
    }
    outcome.latencies.push_back(
        {start_ms, std::chrono::duration_cast<std::chrono::microseconds>(took).count()});
  }
  return outcome;
}

std::vector<Outcome> RunLoad(const HttpTarget& target, const Arguments& arguments,
                             const LoadPlan& plan) {
  const auto connections = static_cast<double>(plan.bodies.size());
  const double rate = arguments.requests_per_second;
  const std::chrono::duration<double> gap(rate > 0 ? connections / rate : 0);
  std::vector<Outcome> outcomes(plan.bodies.size());
  const auto start = SteadyClock::now();
  std::vector<std::unique_ptr<BackgroundThread>> threads;
  for (size_t c = 0; c < plan.bodies.size(); ++c) {
    threads.push_back(std::make_unique<BackgroundThread>(
        "load", [&, c] { outcomes[c] = SendAll(target, plan.bodies[c], start, gap); }));
  }
  threads.clear();  // joins them
  return outcomes;
}

bool WriteLatencies(const std::string& path, const std::vector<Latency>& latencies) {
  std::FILE* file = std::fopen(path.c_str(), "w");
  if (file == nullptr) return false;
  for (const Latency& one : latencies) fmt::print(file, "{} {}\n", one.start_ms, one.micros);
  return std::fclose(file) == 0;
}

int64_t Quantile(const std::vector<Latency>& sorted, double quantile) {
  if (sorted.empty()) return 0;
  return sorted[static_cast<size_t>(quantile * static_cast<double>(sorted.size() - 1))].micros;
}

void PrintReport(const LoadPlan& plan, double seconds, const std::vector<Latency>& sorted,
                 const std::map<int, uint64_t>& statuses) {
  std::string counts;
  for (const auto& [status, count] : statuses) {
    counts += fmt::format("{}\"{}\": {}", counts.empty() ? "" : ", ", status, count);
  }
  fmt::print(
      "{{\"series\": {}, \"samples\": {}, \"sum\": {:.17g}, \"first_ms\": {}, \"last_ms\": {}, "
      "\"requests\": {}, \"seconds\": {:.3f}, \"p50_us\": {}, \"p99_us\": {}, \"statuses\": "
      "{{{}}}}}\n",
      plan.series, plan.samples, static_cast<double>(plan.sum), plan.range.start_ms,
      plan.range.end_ms, sorted.size(), seconds, Quantile(sorted, 0.5), Quantile(sorted, 0.99),
      counts);
}

int Main(int count, char** words) {
  auto arguments = ParseArguments(count, words);
  if (!arguments) return 2;
  arguments->load.now_ms = NowMs();
  const auto target = ParseHttpUrl(arguments->url);
  const auto plan = PlanLoad(arguments->load);
  const Status valid = target.ok() ? plan.status() : target.status();
  if (!valid.ok()) {
    fmt::print(stderr, "{}\n", valid.ToString());
    return 2;
  }
  const auto begun = SteadyClock::now();
  const std::vector<Outcome> outcomes = RunLoad(*target, *arguments, *plan);
  const double seconds = std::chrono::duration<double>(SteadyClock::now() - begun).count();
  std::map<int, uint64_t> statuses;
  std::vector<Latency> latencies;
  std::string failure;
  for (const Outcome& outcome : outcomes) {
    for (const auto& [status, answers] : outcome.statuses) statuses[status] += answers;
    latencies.insert(latencies.end(), outcome.latencies.begin(), outcome.latencies.end());
    if (failure.empty()) failure = outcome.failure;
  }
  if (!arguments->latencies.empty() && !WriteLatencies(arguments->latencies, latencies)) {
    failure = "cannot write " + arguments->latencies;
  }
  std::sort(latencies.begin(), latencies.end(),
            [](const Latency& a, const Latency& b) { return a.micros < b.micros; });
  PrintReport(*plan, seconds, latencies, statuses);
  if (!failure.empty()) fmt::print(stderr, "thermocline_load: {}\n", failure);
  return failure.empty() ? 0 : 1;
}

}  // namespace
}  // namespace thermocline

int main(int count, char** words) { return thermocline::Main(count, words); }
