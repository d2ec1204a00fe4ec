// Opening: lock, manifest, head, log. What the cold tier holds already is not replayed into the
// head.
#include <fmt/core.h>

#include <algorithm>

#include "store/store.h"

namespace thermocline {
namespace {

// How often replay looks at the head's memory and at whether it is still wanted: so often that the
// head grows by a few MiB at most in between.
constexpr uint64_t kRecordsPerCheck = 256;
constexpr uint64_t kBytesPerCheck = 1 << 20;
// The free-space floor that nobody set: 1 GiB or 2 % of the volume.
constexpr uint64_t kLeastFloorBytes = 1ull << 30;
constexpr uint64_t kFloorShare = 50;

}  // namespace

Status StoreOptions::Validate() const {
  if (path.empty()) return Status::InvalidArgument("the data folder's path is empty");
  RETURN_IF_ERROR(head.Validate());
  if (head_memory_bytes < (16ull << 20)) {
    return Status::InvalidArgument("head memory: expected at least 16MiB");
  }
  if (small_range_wait_ms < 0 || retention_time_ms < 0) {
    return Status::InvalidArgument("durations must not be negative");
  }
  if (compact_after_ms < 0 || compact_blocks < 2) {
    return Status::InvalidArgument("compaction: at least 2 blocks, a wait that is not negative");
  }
  return {};
}

Store::Store(StoreOptions options, Env env) : options_(std::move(options)), env_(env) {}

Result<std::unique_ptr<Store>> Store::Open(const StoreOptions& options, Env env,
                                           OpenSummary* summary) {
  RETURN_IF_ERROR(options.Validate());
  std::unique_ptr<Store> store(new Store(options, env));
  RETURN_IF_ERROR(options.read_only ? store->OpenForReading(summary) : store->OpenParts(summary));
  return store;
}

Status Store::OpenParts(OpenSummary* summary) {
  RETURN_IF_ERROR(env_.files.CreateDirectories(options_.path));
  ASSIGN_OR_RETURN(const uint64_t volume_bytes, env_.files.TotalSpace(options_.path));
  free_space_floor_bytes_ = options_.free_space_floor_bytes.value_or(
      std::max(kLeastFloorBytes, volume_bytes / kFloorShare));
  ASSIGN_OR_RETURN(lock_, env_.files.Lock(JoinPath(options_.path, "lock"), options_.holder));

  ballast_ = std::make_unique<Ballast>(env_.files, JoinPath(options_.path, "ballast"),
                                       options_.ballast_bytes);
  RETURN_IF_ERROR(ballast_->Open());

  RETURN_IF_ERROR(OpenTiers(summary));
  LogOptions log_options = options_.wal;
  log_options.directory = JoinPath(options_.path, "wal");
  log_options.free_space_floor_bytes = free_space_floor_bytes_;
  // Numbers go on above every flush mark, even when the log was lost: a mark must never hide new
  // samples.
  log_options.min_next_lsn = Lsn(cold_->last_flushed_lsn().number + 1);
  ASSIGN_OR_RETURN(
      log_, Log::Open(
                log_options, env_, [this](const LogRecord& record) { return ReplayRecord(record); },
                &summary->replay));
  log_->OnSettled(
      [this](Lsn first, Lsn last, const Status& outcome) { head_->Settle(first, last, outcome); });
  summary->head_series = head_->series_count();
  RegisterMetrics();
  MeasureMemory();
  return {};
}

// The cold tier, and a head that takes from the log only what the cold tier has not.
Status Store::OpenTiers(OpenSummary* summary) {
  ColdTierOptions cold_options = options_.cold;
  ASSIGN_OR_RETURN(cold_options.directory, ColdDirectory(options_.path, TenantId()));
  ColdOpenSummary cold_summary;
  ASSIGN_OR_RETURN(cold_, ColdTier::Open(cold_options, env_, !options_.read_only, &cold_summary));
  summary->cold_blocks = cold_summary.blocks;
  summary->warnings = cold_summary.warnings;
  for (const std::string& orphan : cold_summary.orphans) {
    summary->warnings.push_back("no manifest names " + orphan + ": it goes when its grace is over");
  }

  ASSIGN_OR_RETURN(head_, Head::Create(options_.head, env_));
  std::vector<Head::Flushed> flushed;
  for (const FlushMark& mark : cold_->flush_marks()) flushed.push_back({mark.range, mark.through});
  head_->SkipFlushed(std::move(flushed));
  return {};
}

// A folder of something else has nothing of ours, and must not look as if it had afterwards.
Status Store::OpenForReading(OpenSummary* summary) {
  RETURN_IF_ERROR(OpenTiers(summary));
  LogOptions log_options = options_.wal;
  log_options.directory = JoinPath(options_.path, "wal");
  RETURN_IF_ERROR(Log::Read(
      log_options, env_, [this](const LogRecord& record) { return ReplayRecord(record); },
      &summary->replay));
  ASSIGN_OR_RETURN(const std::string cold, ColdDirectory(options_.path, TenantId()));
  if (summary->replay.segments == 0 && !env_.files.Exists(cold)) {
    return Status::NotFound(
        options_.path + ": not a data folder of ours, neither cold/ nor a log in wal/ is there");
  }
  summary->head_series = head_->series_count();
  return {};
}

Status Store::ReplayRecord(const LogRecord& record) {
  RETURN_IF_ERROR(head_->Replay(record.lsn, static_cast<uint8_t>(record.type), record.payload)
                      .WithContext(fmt::format("replay of segment {}, record {}",
                                               record.segment.number, record.lsn.number)));
  unchecked_bytes_ += record.payload.size();
  if (record.lsn.number % kRecordsPerCheck != 0 && unchecked_bytes_ < kBytesPerCheck) return {};
  unchecked_bytes_ = 0;
  if (options_.give_up && options_.give_up()) return Status::Cancelled("asked to stop");
  if (options_.read_only || head_->memory_bytes() <= options_.head_memory_bytes) return {};
  // The log may hold more than memory does: what is replayed so far moves to the cold tier.
  std::vector<TimeRange> ranges;
  uint64_t bytes = 0;
  for (const HeadRange& range : head_->Ranges()) {
    ranges.push_back(range.range);
    bytes += range.bytes;
  }
  // Series stay until all is replayed; where they are most of it, flushes would free next to
  // nothing.
  if (bytes < options_.head_memory_bytes / 4) return {};
  MutexLock lock(flush_mutex_);
  return MoveToCold(ranges).status();
}

void Store::RegisterMetrics() {
  Metrics& metrics = env_.metrics;
  writes_shed_ = &metrics.GetCounter("thermocline_store_writes_shed_total",
                                     "Writes refused because memory was short.");
  metrics.AddCallback(
      this, "thermocline_store_disk_bytes", "Bytes of the log and the cold tier on disk.",
      MetricType::kGauge, {},
      [this] { return static_cast<double>(log_->size_bytes() + cold_->total_bytes()); });
  metrics.AddCallback(this, "thermocline_store_writable",
                      "1 while writes are accepted, 0 while the store is read-only.",
                      MetricType::kGauge, {}, [this] { return GetHealth().writable ? 1.0 : 0.0; });
  metrics.AddCallback(this, "thermocline_store_ballast_bytes",
                      "Bytes of the file that is given up when the disk is full; 0 once it was.",
                      MetricType::kGauge, {},
                      [this] { return static_cast<double>(ballast_->held_bytes()); });
  metrics.AddCallback(this, "thermocline_head_memory_bytes", "Bytes held by the head.",
                      MetricType::kGauge, {},
                      [this] { return static_cast<double>(head_->memory_bytes()); });
}

Status Store::Close() {
  if (closed_.exchange(true)) return {};
  return log_ == nullptr ? Status::Ok() : log_->Close();
}

Store::~Store() {
  env_.metrics.RemoveCallbacks(this);
  if (const Status closed = Close(); !closed.ok()) {
    env_.logger.Log(LogLevel::kError, "store", "Closing the log failed",
                    {{"error", closed.ToString()}});
  }
}

}  // namespace thermocline
