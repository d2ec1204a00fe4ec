// Construction, figures and metrics of the head.
#include <algorithm>

#include "head/memory_head.h"

namespace thermocline {

Status HeadOptions::Validate() const {
  if (range_ms < kMinuteMs || range_ms > 30 * kDayMs) {
    return Status::InvalidArgument("head range must be between 1m and 30d, got " +
                                   std::to_string(range_ms) + " ms");
  }
  if (out_of_order_window_ms < 0 || max_future_ms < 0) {
    return Status::InvalidArgument("head windows must not be negative");
  }
  return Status::Ok();
}

Result<std::unique_ptr<Head>> Head::Create(const HeadOptions& options, Env env) {
  RETURN_IF_ERROR(options.Validate());
  return std::unique_ptr<Head>(std::make_unique<MemoryHead>(options, env));
}

MemoryHead::MemoryHead(const HeadOptions& options, Env env)
    : options_(options),
      clock_(env.clock),
      metrics_(env.metrics),
      reader_mark_(std::make_shared<const int>(0)) {
  RegisterMetrics(metrics_);
}

MemoryHead::~MemoryHead() {
  metrics_.RemoveCallbacks(this);
  MutexLock admit(admit_mutex_);
  for (auto& [token, sealed] : sealed_) {
    for (const auto& entry : sealed.entries) entry.piece->Unref();
  }
}

void MemoryHead::RegisterMetrics(Metrics& metrics) {
  for (size_t kind = 0; kind < 2; ++kind) {
    const MetricLabels type = {{"type", kind == 0 ? "float" : "histogram"}};
    counters_.appended[kind] = &metrics.GetCounter("prometheus_tsdb_head_samples_appended_total",
                                                   "Total number of appended samples.", type);
    counters_.out_of_order_appended[kind] =
        &metrics.GetCounter("prometheus_tsdb_head_out_of_order_samples_appended_total",
                            "Total number of appended out of order samples.", type);
    counters_.out_of_order[kind] = &metrics.GetCounter(
        "prometheus_tsdb_out_of_order_samples_total",
        "Samples refused because they were out of order with the window off.", type);
    counters_.too_old[kind] =
        &metrics.GetCounter("prometheus_tsdb_too_old_samples_total",
                            "Samples refused because they were before the window.", type);
    counters_.out_of_bounds[kind] = &metrics.GetCounter(
        "prometheus_tsdb_out_of_bound_samples_total",
        "Samples refused because they were before the head's lower border.", type);
  }
  counters_.duplicate =
      &metrics.GetCounter("thermocline_head_duplicate_samples_total",
                          "Samples refused because another value has their timestamp.");
  counters_.too_far = &metrics.GetCounter("thermocline_head_future_samples_total",
                                          "Samples refused because they were too far ahead.");
  counters_.created = &metrics.GetCounter("prometheus_tsdb_head_series_created_total",
                                          "Total number of series created in the head.");
  counters_.removed = &metrics.GetCounter("prometheus_tsdb_head_series_removed_total",
                                          "Total number of series removed from the head.");
  counters_.rolled_back =
      &metrics.GetCounter("thermocline_head_requests_rolled_back_total",
                          "Admitted requests that the log could not make durable.");
  counters_.orphans = &metrics.GetCounter(
      "thermocline_head_replay_orphan_samples_total",
      "Replayed samples whose series definition was in a damaged part of the log.");
  metrics.AddCallback(this, "prometheus_tsdb_head_series", "Number of series in the head.",
                      MetricType::kGauge, {},
                      [this] { return static_cast<double>(series_count()); });
  metrics.AddCallback(this, "prometheus_tsdb_head_max_time",
                      "Newest in-order timestamp of the head, in milliseconds.", MetricType::kGauge,
                      {}, [this] {
                        MutexLock settle(settle_mutex_);
                        return static_cast<double>(settled_newest_.time_ms);
                      });
  metrics.AddCallback(this, "thermocline_head_memory_bytes",
                      "Estimated memory of the head's series and samples.", MetricType::kGauge, {},
                      [this] { return static_cast<double>(memory_bytes()); });
}

uint64_t MemoryHead::series_count() const {
  FairReadLock index(index_mutex_);
  return table_.size();
}

uint64_t MemoryHead::memory_bytes() const {
  uint64_t total = 0;
  {
    FairReadLock index(index_mutex_);
    total = table_.memory_bytes();
  }
  MutexLock lock(ranges_mutex_);
  for (const auto& [start_ms, state] : ranges_) {
    total += static_cast<uint64_t>(std::max<int64_t>(0, state.bytes));
  }
  return total;
}

HeadStatus MemoryHead::GetStatus(uint64_t limit) const {
  HeadStatus status;
  TimeRange held;
  {
    MutexLock lock(ranges_mutex_);
    for (const auto& [start_ms, state] : ranges_) {
      held.Extend(start_ms);
      held.Extend(start_ms + options_.range_ms - 1);
    }
  }
  if (!held.empty()) {
    status.min_time_ms = held.start_ms;
    MutexLock settle(settle_mutex_);
    status.max_time_ms = settled_newest_.known ? settled_newest_.time_ms : held.end_ms;
  }
  FairReadLock index(index_mutex_);
  const Postings& postings = table_.postings();
  status.series = postings.series_count();
  status.label_pairs = postings.pair_count();
  for (const SeriesRef ref : postings.All()) {
    MutexLock stripe(table_.StripeOf(ref));
    for (const Piece* piece = table_.At(ref)->pieces; piece != nullptr; piece = piece->next) {
      status.chunks += piece->block_count() + (piece->has_raw() ? 1 : 0);
    }
  }
  postings.FillStatus(limit, &status);
  return status;
}

}  // namespace thermocline
