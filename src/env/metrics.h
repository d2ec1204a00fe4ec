// Our own metrics: counters, gauges and classic histograms with constant labels, registered once
// and updated without a lock. One registry per process (or per test); the text of /metrics is made
// by wire from Collect().
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"

namespace thermocline {

class Counter {
 public:
  void Add(double amount) {
    double seen = value_.load(std::memory_order_relaxed);
    while (!value_.compare_exchange_weak(seen, seen + amount, std::memory_order_relaxed)) {
    }
  }
  void Increment() { Add(1); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

class Gauge {
 public:
  void Set(double v) { value_.store(v, std::memory_order_relaxed); }
  void Add(double amount) {
    double seen = value_.load(std::memory_order_relaxed);
    while (!value_.compare_exchange_weak(seen, seen + amount, std::memory_order_relaxed)) {
    }
  }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

// Cumulative buckets over fixed upper bounds (ascending, +Inf implied).
class HistogramMetric {
 public:
  explicit HistogramMetric(std::vector<double> bounds);
  void Observe(double v);
  const std::vector<double>& bounds() const { return bounds_; }
  // One count per bound plus +Inf, not cumulative.
  std::vector<uint64_t> counts() const;
  double sum() const { return sum_.value(); }

 private:
  std::vector<double> bounds_;
  std::vector<std::atomic<uint64_t>> counts_;
  Counter sum_;
};

enum class MetricType { kCounter, kGauge, kHistogram };

using MetricLabels = std::vector<std::pair<std::string, std::string>>;

// What Collect() returns: one value, or a histogram's buckets.
struct MetricPoint {
  MetricLabels labels;
  double value = 0;
  std::vector<std::pair<double, uint64_t>> buckets;  // upper bound -> cumulative count
  double sum = 0;
  uint64_t count = 0;
};
struct MetricFamily {
  std::string name;
  std::string help;
  MetricType type = MetricType::kCounter;
  std::vector<MetricPoint> points;
};

// Hands out metrics that live as long as the registry. The same name and labels give the same
// object.
class Metrics {
 public:
  Counter& GetCounter(std::string_view name, std::string_view help,
                      const MetricLabels& labels = {});
  Gauge& GetGauge(std::string_view name, std::string_view help, const MetricLabels& labels = {});
  HistogramMetric& GetHistogram(std::string_view name, std::string_view help,
                                std::vector<double> bounds, const MetricLabels& labels = {});
  // A value computed when read. `read` must stay callable until RemoveCallbacks(owner).
  void AddCallback(const void* owner, std::string_view name, std::string_view help, MetricType type,
                   const MetricLabels& labels, std::function<double()> read);
  void RemoveCallbacks(const void* owner);
  // Sorted by name.
  std::vector<MetricFamily> Collect() const;

 private:
  struct Family;
  Family& FamilyOf(std::string_view name, std::string_view help, MetricType type) REQUIRES(mutex_);
  mutable Mutex mutex_;
  std::map<std::string, std::unique_ptr<Family>, std::less<>> families_ GUARDED_BY(mutex_);

 public:
  Metrics();
  ~Metrics();
};

}  // namespace thermocline
