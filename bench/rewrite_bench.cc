// What the rewrites of plans spare: CPU time of queries over a head of 100,000 series, with each
// rewrite on and off. Answers are compared before anything is timed.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <string>
#include <vector>

#include "base/check.h"
#include "env/simulated/manual_clock.h"
#include "env/simulated/seeded_executor.h"
#include "env/simulated/simulated_env.h"
#include "head/head.h"
#include "promql/engine.h"

namespace thermocline {
namespace {

constexpr TimestampMs kStart = 1'700'000'000'000 / 7'200'000 * 7'200'000;
constexpr size_t kSeries = 50'000;  // of each metric
constexpr int kSamples = 40;

// Metrics a_total and b_total with the same labels: 20 jobs, 200 instances, an id.
std::unique_ptr<Head> FilledHead(SimulatedEnv* env) {
  env->clock.SetNowMs(kStart + kDayMs);
  auto head = Head::Create({}, env->env());
  CHECK_OK(head.status());
  uint64_t lsn = 0;
  for (int s = 0; s < kSamples; ++s) {
    for (const char* name : {"a_total", "b_total"}) {
      WriteBatch batch;
      for (size_t i = 0; i < kSeries; ++i) {
        batch.AddSeries(Labels{{"__name__", name},
                               {"id", std::to_string(i)},
                               {"instance", "10.0.0." + std::to_string(i % 200) + ":9100"},
                               {"job", "job-" + std::to_string(i % 20)}});
        batch.AddSample(kStart + s * 15'000, static_cast<double>(s) * static_cast<double>(i % 7));
      }
      const auto admission =
          (*head)->Admit(batch, [&](HeadRecord) -> Result<Lsn> { return Lsn(++lsn); });
      CHECK_OK(admission.status());
      (*head)->Settle(admission->first_lsn, admission->last_lsn, Status::Ok());
    }
  }
  return std::move(head).value();
}

double CpuMs() { return 1e3 * static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

struct Case {
  const char* rewrite;
  bool promql::RewriteOptions::*on;
  const char* query;
  size_t steps;
};
constexpr Case kCases[] = {
    {"propagate_matchers", &promql::RewriteOptions::propagate_matchers,
     R"(a_total{job="job-7"} / b_total)", 1},
    {"propagate_matchers", &promql::RewriteOptions::propagate_matchers,
     R"(a_total{job="job-7"} and on (job, instance) b_total)", 1},
    {"share_subexpressions", &promql::RewriteOptions::share_subexpressions,
     "sum by (job) (rate(a_total[5m])) / on () group_left () sum(sum by (job) (rate(a_total[5m])))",
     20},
    {"share_subexpressions", &promql::RewriteOptions::share_subexpressions,
     "max_over_time(sum(a_total)[5m:15s]) - min_over_time(sum(a_total)[5m:15s])", 1},
    {"share_selectors", &promql::RewriteOptions::share_selectors, "sum(a_total) / max(a_total)", 1},
    {"share_selectors", &promql::RewriteOptions::share_selectors,
     R"(sum(a_total{id=~".*7.*7.*"}) / max(a_total{id=~".*7.*7.*"}))", 1},
    {"sort_matchers", &promql::RewriteOptions::sort_matchers,
     R"(sum(a_total{job=~"job-1.*",id!=""}) / max(a_total{id!="",job=~"job-1.*"}))", 1},
};

Result<promql::QueryResult> Ask(const promql::Engine& engine, const Head& head, const Case& one) {
  const TimestampMs end_ms = kStart + (kSamples - 1) * 15'000;
  if (one.steps == 1) return engine.Instant(head, one.query, end_ms, {});
  const auto range_ms = static_cast<int64_t>(one.steps - 1) * 15'000;
  return engine.Range(head, one.query, end_ms - range_ms, end_ms, 15'000, {});
}

bool SameSeries(const promql::ResultSeries& a, const promql::ResultSeries& b) {
  return a.labels == b.labels && a.values.size() == b.values.size() &&
         std::memcmp(a.values.data(), b.values.data(), a.values.size() * sizeof(double)) == 0;
}

bool Same(const promql::QueryResult& a, const promql::QueryResult& b) {
  return std::equal(a.series.begin(), a.series.end(), b.series.begin(), b.series.end(), SameSeries);
}

void Run(const Head& head, const Case& one) {
  SeededExecutor executor;
  const ManualClock clock;
  promql::EngineOptions without;
  without.rewrites.*one.on = false;
  const promql::Engine engines[] = {promql::Engine(without, executor, clock),
                                    promql::Engine({}, executor, clock)};
  double least[2] = {1e9, 1e9};
  const auto wanted = Ask(engines[0], head, one);
  CHECK_OK(wanted.status());
  CHECK(!wanted->series.empty());
  for (int run = 0; run < 5; ++run) {
    for (int on = 0; on < 2; ++on) {
      const double before = CpuMs();
      const auto answer = Ask(engines[on], head, one);
      least[on] = std::min(least[on], CpuMs() - before);
      CHECK_OK(answer.status());
      CHECK(Same(*wanted, *answer));
    }
  }
  std::printf("%-21s %8.1f ms without, %8.1f ms with: %5.2f x  %s\n", one.rewrite, least[0],
              least[1], least[0] / least[1], one.query);
}

}  // namespace
}  // namespace thermocline

int main() {
  thermocline::SimulatedEnv env;
  const auto head = thermocline::FilledHead(&env);
  for (const thermocline::Case& one : thermocline::kCases) thermocline::Run(*head, one);
  return 0;
}
