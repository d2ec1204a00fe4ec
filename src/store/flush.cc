// Flush: head.Seal -> block files -> manifest -> head.Drop -> log release. The block is durable
// before the manifest names it, the manifest is durable before the head forgets, and the head has
// forgotten before the log is cut; a crash between any two is harmless.
#include <algorithm>

#include "env/failpoint.h"
#include "store/store.h"

namespace thermocline {
namespace {

constexpr int64_t kSmallFlushIntervalMs = kHourMs;

FailPoint kAfterInstall("store.after_install");
FailPoint kAfterDrop("store.after_drop");
FailPoint kBeforeRelease("store.before_release");

}  // namespace

// Closed ranges go together, so that a small installation gets one file a day and not twelve. Old
// data that keep arriving (a backfill) would be due at every tick: ranges that are merely old are
// looked at once an hour.
std::vector<TimeRange> Store::RangesDue(TimestampMs now_ms) {
  const bool pressed = MemoryIsShort();
  std::vector<TimeRange> closed;
  bool large = false;
  bool waited = false;
  for (const HeadRange& range : head_->Ranges()) {
    const int64_t closed_for_ms =
        now_ms - (range.range.end_ms + 1) - options_.head.out_of_order_window_ms;
    if (!pressed && closed_for_ms < 0) continue;
    closed.push_back(range.range);
    large |= range.bytes >= options_.small_range_bytes;
    waited |= closed_for_ms >= options_.small_range_wait_ms;
  }
  if (pressed || large) return closed;
  if (!waited || now_ms - last_small_flush_ms_ < kSmallFlushIntervalMs) return {};
  last_small_flush_ms_ = now_ms;
  return closed;
}

Result<FlushSummary> Store::FlushAll() {
  if (options_.read_only) return WritableStatus();
  std::vector<TimeRange> ranges;
  for (const HeadRange& range : head_->Ranges()) ranges.push_back(range.range);
  return Flush(ranges);
}

Result<FlushSummary> Store::Flush(const std::vector<TimeRange>& ranges) {
  if (ranges.empty()) return FlushSummary{};
  MutexLock lock(flush_mutex_);
  // What is logged from here on may not be in the blocks. In a segment of its own it keeps nothing
  // else from being released; where that cannot be had, the flush only frees less of the log.
  static_cast<void>(log_->StartSegment().ok());
  ASSIGN_OR_RETURN(const FlushSummary summary, MoveToCold(ranges));
  RETURN_IF_ERROR(ReleaseLog());
  return summary;
}

Result<FlushSummary> Store::MoveToCold(const std::vector<TimeRange>& ranges) {
  const int64_t started_ns = env_.clock.SteadyNs();
  // The head keeps it too, but readers of the files have nothing else.
  ASSIGN_OR_RETURN(const auto metadata, head_->Metadata({}));
  ASSIGN_OR_RETURN(Head::Sealed sealed, head_->Seal(ranges));
  FlushSummary summary;
  summary.series = sealed.series->series_count();
  BlockRequest request;
  for (const TimeRange& range : ranges) {
    request.flushed.push_back({range, sealed.sealed_through});
    request.range.Extend(range.start_ms);
    request.range.Extend(range.end_ms);
  }
  // Knowing the days beforehand spares the writer a pass over the samples; it pays for a few only.
  if (request.range.end_ms - request.range.start_ms > kDayMs) request.range = {};
  std::vector<BatchMetadata> stored;
  request.metadata = &metadata;
  request.metadata_stored = &stored;
  auto blocks = cold_->WriteBlocks(*sealed.series, request);
  if (!blocks.ok()) {
    head_->Unseal(sealed.token);
    return blocks.status().WithContext("flush");
  }
  for (const BlockEntry& block : *blocks) {
    ++summary.blocks;
    summary.samples += block.samples;
    summary.bytes += block.size_bytes();
  }
  if (const Status installed = cold_->Install(std::move(*blocks)); !installed.ok()) {
    head_->Unseal(sealed.token);
    return installed.WithContext("flush");
  }
  RETURN_IF_ERROR(kAfterInstall.Hit());
  sealed.series.reset();
  head_->Drop(sealed.token);
  head_->MetadataStored(stored);
  MeasureMemory();
  RETURN_IF_ERROR(kAfterDrop.Hit());
  ReportFlush(ranges.size(), summary, (env_.clock.SteadyNs() - started_ns) / 1'000'000);
  return summary;
}

void Store::ReportFlush(size_t ranges, const FlushSummary& summary, int64_t duration_ms) {
  env_.logger.Log(LogLevel::kInfo, "store", "Flushed the head to Parquet",
                  {{"ranges", std::to_string(ranges)},
                   {"blocks", std::to_string(summary.blocks)},
                   {"series", std::to_string(summary.series)},
                   {"samples", std::to_string(summary.samples)},
                   {"bytes", std::to_string(summary.bytes)},
                   {"duration_ms", std::to_string(duration_ms)}});
}

Status Store::ReleaseLog() {
  Lsn last;
  const RecordSink sink = [&](HeadRecord record) -> Result<Lsn> {
    ASSIGN_OR_RETURN(last, Sink()(std::move(record)));
    return last;
  };
  // The segment ends before the question, so that what is logged meanwhile stays after the cut.
  ASSIGN_OR_RETURN(const SegmentId fresh, log_->StartSegment());
  ASSIGN_OR_RETURN(Lsn oldest, head_->OldestNeeded(sink));
  if (last.number != 0) {
    // Metadata that was logged anew must be durable before the old records go.
    RETURN_IF_ERROR(log_->Wait(last));
    ASSIGN_OR_RETURN(oldest, head_->OldestNeeded(sink));
  }
  RETURN_IF_ERROR(kBeforeRelease.Hit());
  RETURN_IF_ERROR(log_->TruncateBefore(std::min(fresh, log_->SegmentOf(oldest))));
  cold_->ForgetMarksBelow(oldest);
  return {};
}

}  // namespace thermocline
