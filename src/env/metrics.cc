#include "env/metrics.h"

#include <algorithm>

#include "base/check.h"

namespace thermocline {

HistogramMetric::HistogramMetric(std::vector<double> bounds)
    : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {
  CHECK(std::is_sorted(bounds_.begin(), bounds_.end()));
}

void HistogramMetric::Observe(double v) {
  const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), v) - bounds_.begin();
  counts_[static_cast<size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  sum_.Add(v);
}

std::vector<uint64_t> HistogramMetric::counts() const {
  std::vector<uint64_t> counts;
  counts.reserve(counts_.size());
  for (const auto& count : counts_) counts.push_back(count.load(std::memory_order_relaxed));
  return counts;
}

struct Metrics::Family {
  struct Callback {
    const void* owner;
    MetricLabels labels;
    std::function<double()> read;
  };
  std::string help;
  MetricType type = MetricType::kCounter;
  std::map<MetricLabels, std::unique_ptr<Counter>> counters;
  std::map<MetricLabels, std::unique_ptr<Gauge>> gauges;
  std::map<MetricLabels, std::unique_ptr<HistogramMetric>> histograms;
  std::vector<Callback> callbacks;
};

Metrics::Metrics() = default;
Metrics::~Metrics() = default;

Metrics::Family& Metrics::FamilyOf(std::string_view name, std::string_view help, MetricType type) {
  auto found = families_.find(name);
  if (found == families_.end()) {
    found = families_.emplace(std::string(name), std::make_unique<Family>()).first;
    found->second->help = help;
    found->second->type = type;
  }
  CHECK(found->second->type == type);
  return *found->second;
}

Counter& Metrics::GetCounter(std::string_view name, std::string_view help,
                             const MetricLabels& labels) {
  MutexLock lock(mutex_);
  auto& slot = FamilyOf(name, help, MetricType::kCounter).counters[labels];
  if (!slot) slot = std::make_unique<Counter>();
  return *slot;
}

Gauge& Metrics::GetGauge(std::string_view name, std::string_view help, const MetricLabels& labels) {
  MutexLock lock(mutex_);
  auto& slot = FamilyOf(name, help, MetricType::kGauge).gauges[labels];
  if (!slot) slot = std::make_unique<Gauge>();
  return *slot;
}

HistogramMetric& Metrics::GetHistogram(std::string_view name, std::string_view help,
                                       std::vector<double> bounds, const MetricLabels& labels) {
  MutexLock lock(mutex_);
  auto& slot = FamilyOf(name, help, MetricType::kHistogram).histograms[labels];
  if (!slot) slot = std::make_unique<HistogramMetric>(std::move(bounds));
  return *slot;
}

void Metrics::AddCallback(const void* owner, std::string_view name, std::string_view help,
                          MetricType type, const MetricLabels& labels,
                          std::function<double()> read) {
  MutexLock lock(mutex_);
  FamilyOf(name, help, type).callbacks.push_back({owner, labels, std::move(read)});
}

// Holds the lock that Collect calls back under, so that no callback of `owner` runs afterwards.
void Metrics::RemoveCallbacks(const void* owner) {
  MutexLock lock(mutex_);
  for (auto& [name, family] : families_) {
    std::erase_if(family->callbacks, [owner](const auto& c) { return c.owner == owner; });
  }
}

namespace {

MetricPoint PointOf(const MetricLabels& labels, double value) {
  MetricPoint point;
  point.labels = labels;
  point.value = value;
  return point;
}

MetricPoint PointOf(const MetricLabels& labels, const HistogramMetric& histogram) {
  MetricPoint point;
  point.labels = labels;
  point.sum = histogram.sum();
  const std::vector<uint64_t> counts = histogram.counts();
  for (size_t i = 0; i < counts.size(); ++i) {
    point.count += counts[i];
    if (i < histogram.bounds().size()) {
      point.buckets.emplace_back(histogram.bounds()[i], point.count);
    }
  }
  return point;
}

}  // namespace

std::vector<MetricFamily> Metrics::Collect() const {
  MutexLock lock(mutex_);
  std::vector<MetricFamily> families;
  for (const auto& [name, family] : families_) {
    MetricFamily out{name, family->help, family->type, {}};
    for (const auto& [labels, c] : family->counters)
      out.points.push_back(PointOf(labels, c->value()));
    for (const auto& [labels, g] : family->gauges)
      out.points.push_back(PointOf(labels, g->value()));
    for (const auto& [labels, h] : family->histograms) out.points.push_back(PointOf(labels, *h));
    for (const auto& c : family->callbacks) out.points.push_back(PointOf(c.labels, c.read()));
    if (!out.points.empty()) families.push_back(std::move(out));
  }
  return families;
}

}  // namespace thermocline
