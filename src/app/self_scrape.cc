#include "app/self_scrape.h"

#include <fmt/core.h>

#include "server/metrics_text.h"
#include "wire/exposition.h"

namespace thermocline {
namespace {

// One scrape: the text that /metrics would serve, read back, with up and the scrape_ series beside
// it.
Status ScrapeOnce(const Labels& target, Appender& appender, Env env) {
  const TimestampMs now_ms = env.clock.NowMs();
  const int64_t started_ns = env.clock.SteadyNs();
  const std::string text = MetricsText(env.metrics);
  WriteBatch batch;
  ExpositionOptions options;
  options.default_time_ms = now_ms;
  options.target_labels = target;
  RETURN_IF_ERROR(ParseExposition(text, options, &batch));
  batch.on_reject = RejectPolicy::kDropSilently;
  const auto scraped = static_cast<double>(batch.samples.size());
  const double seconds = static_cast<double>(env.clock.SteadyNs() - started_ns) / 1e9;
  const std::pair<std::string_view, double> extra[] = {
      {"up", 1},
      {"scrape_duration_seconds", seconds},
      {"scrape_samples_scraped", scraped},
      {"scrape_samples_post_metric_relabeling", scraped}};
  for (const auto& [name, value] : extra) {
    LabelsBuilder builder(target);
    builder.Set(kMetricNameLabel, name);
    batch.AddSeries(builder.Build());
    batch.AddSample(now_ms, value);
  }
  return appender.Append(batch).status();
}

}  // namespace

std::unique_ptr<Ticker> StartSelfScrape(int64_t interval_ms, const std::string& instance,
                                        Appender& appender, Env env) {
  if (interval_ms <= 0) return nullptr;
  const Labels target{{"instance", instance}, {"job", "thermocline"}};
  const auto scrape = [target, &appender, env] {
    if (const Status status = ScrapeOnce(target, appender, env); !status.ok()) {
      env.logger.Log(LogLevel::kWarn, "scrape", "Storing our own metrics failed",
                     {{"error", status.ToString()}});
    }
  };
  scrape();
  return std::make_unique<Ticker>("self-scrape", interval_ms, scrape);
}

}  // namespace thermocline
