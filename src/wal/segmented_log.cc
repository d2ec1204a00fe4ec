#include "wal/segmented_log.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace thermocline::wal {
namespace {

// Runs of given-up records that are remembered for late waiters.
constexpr size_t kMaxGivenUp = 1024;

std::vector<double> SyncBounds() {
  return {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5};
}

// One series per mode, 1 for the one in force: what an acknowledgement is worth.
void ShowSyncMode(const LogOptions& options, Metrics& metrics) {
  constexpr std::pair<SyncMode, const char*> kModes[] = {
      {SyncMode::kAlways, "always"}, {SyncMode::kInterval, "interval"}, {SyncMode::kOs, "os"}};
  for (const auto& [mode, name] : kModes) {
    metrics
        .GetGauge("thermocline_wal_sync_mode",
                  "1 for the mode in force: when a write is acknowledged.", {{"mode", name}})
        .Set(mode == options.sync ? 1 : 0);
  }
  const bool timed = options.sync == SyncMode::kInterval;
  metrics
      .GetGauge("thermocline_wal_sync_interval_seconds",
                "Time between syncs in the mode interval, else 0.")
      .Set(timed ? static_cast<double>(options.sync_interval_ms) / 1000 : 0);
}

}  // namespace

SegmentedLog::SegmentedLog(const LogOptions& options, Env env, std::unique_ptr<FileLock> lock,
                           const Replayed& found, const ReplaySummary& summary)
    : options_(options),
      env_(env),
      lock_(std::move(lock)),
      segments_(options, env, found),
      metrics_{
          env.metrics.GetHistogram("thermocline_wal_fsync_duration_seconds",
                                   "Duration of syncs of log segments.", SyncBounds()),
          env.metrics.GetCounter("thermocline_wal_records_total", "Records written to the log."),
          env.metrics.GetCounter("thermocline_wal_bytes_total",
                                 "Payload bytes of records written to the log."),
          env.metrics.GetCounter("thermocline_wal_failures_total",
                                 "Log segments abandoned after a failed write or sync."),
          env.metrics.GetGauge("thermocline_wal_last_durable_lsn",
                               "Sequence number of the last record covered by a sync."),
          env.metrics.GetGauge("thermocline_wal_writable",
                               "1 while the log accepts records, 0 while it is closed.")} {
  ShowSyncMode(options, env.metrics);
  env.metrics
      .GetCounter("thermocline_wal_torn_bytes_total",
                  "Bytes of unfinished writes cut from the tail of the log at opening.")
      .Add(static_cast<double>(summary.torn_bytes));
  env.metrics
      .GetCounter("thermocline_wal_damaged_blocks_total",
                  "Blocks of 32 KiB in which damage was found at opening.")
      .Add(static_cast<double>(summary.damaged_blocks));
  env.metrics.GetCounter("thermocline_wal_lost_records_total", "Records found missing at opening.")
      .Add(static_cast<double>(summary.lost_records));
  env.metrics.AddCallback(this, "thermocline_wal_size_bytes",
                          "Size of the log's files, spares included.", MetricType::kGauge, {},
                          [this] { return static_cast<double>(segments_.size_bytes()); });
}

Status SegmentedLog::Start(Lsn last) {
  const Lsn next(std::max(last.number + 1, options_.min_next_lsn.number));
  {
    MutexLock commit(commit_mutex_);
    durable_ = next.number - 1;
    acknowledged_ = Lsn(next.number - 1);
    last_sync_ns_ = env_.clock.SteadyNs();
    metrics_.durable_lsn.Set(static_cast<double>(durable_));
    auto first = segments_.Create(last, next, false);
    // A full disk does not keep the data from being read: the log opens closed to writes.
    const Code code = first.status().code();
    if (!first.ok() && code != Code::kResourceExhausted && code != Code::kUnavailable) {
      return first.status();
    }
    MutexLock lock(mutex_);
    next_lsn_ = next;
    settled_lsn_ = acknowledged_;
    if (first.ok()) {
      current_ = *std::move(first);
      current_id_ = current_->header().id;
      metrics_.writable.Set(1);
    } else {
      closed_ = first.status();
      metrics_.writable.Set(0);
    }
  }
  if (!options_.inline_commit) {
    thread_ = std::make_unique<BackgroundThread>("wal-commit", [this] { Run(); });
  }
  return {};
}

SegmentedLog::~SegmentedLog() {
  static_cast<void>(Close());  // the caller who wants the error calls Close
  env_.metrics.RemoveCallbacks(this);
}

void SegmentedLog::OnSettled(std::function<void(Lsn, Lsn, const Status&)> settled) {
  MutexLock commit(commit_mutex_);
  settled_ = std::move(settled);
}

Result<Lsn> SegmentedLog::Enqueue(RecordType type, std::string payload) {
  if (payload.size() > options_.max_record_bytes) {
    return Status::InvalidArgument("log record of " + std::to_string(payload.size()) +
                                   " bytes, the limit is " +
                                   std::to_string(options_.max_record_bytes));
  }
  MutexLock lock(mutex_);
  if (ended_) return Status::Unavailable("the log is closed");
  if (!closed_.ok()) {
    return Status::Unavailable("the log is closed to writes: " + closed_.ToString());
  }
  if (!queue_.empty() && queued_bytes_ + payload.size() > options_.max_pending_bytes) {
    return Status::Unavailable("the log's queue is full: " + std::to_string(queued_bytes_) +
                               " bytes, the limit is " +
                               std::to_string(options_.max_pending_bytes));
  }
  const Lsn lsn = next_lsn_;
  ++next_lsn_.number;
  queued_bytes_ += payload.size();
  queue_.push_back({lsn, type, std::move(payload)});
  work_.NotifyOne();
  return lsn;
}

Status SegmentedLog::Outcome(Lsn lsn) const {
  for (const GivenUp& run : given_up_) {
    if (run.first <= lsn && lsn <= run.last) return run.why;
  }
  return {};
}

Status SegmentedLog::Wait(Lsn lsn) {
  if (options_.inline_commit) {
    MutexLock commit(commit_mutex_);
    Commit();
  }
  MutexLock lock(mutex_);
  if (lsn >= next_lsn_) {
    return Status::InvalidArgument("wait for log record " + std::to_string(lsn.number) +
                                   ", which was never queued");
  }
  while (settled_lsn_ < lsn) done_.Wait(mutex_);
  return Outcome(lsn);
}

void SegmentedLog::Settle(Lsn first, Lsn last, const Status& outcome) {
  if (settled_) settled_(first, last, outcome);
  MutexLock lock(mutex_);
  settled_lsn_ = last;
  if (!outcome.ok()) {
    if (given_up_.size() >= kMaxGivenUp) given_up_.erase(given_up_.begin());
    given_up_.push_back({first, last, outcome});
  }
  done_.NotifyAll();
}

void SegmentedLog::CloseToWrites(const Status& why) {
  metrics_.writable.Set(0);
  env_.logger.Log(LogLevel::kError, "wal", "the log is closed to writes",
                  {{"directory", options_.directory}, {"error", why.ToString()}});
  MutexLock lock(mutex_);
  closed_ = why;
}

void SegmentedLog::Run() {
  for (;;) {
    {
      MutexLock lock(mutex_);
      if (queue_.empty() && !stopping_) {
        if (options_.sync == SyncMode::kInterval) {
          work_.WaitFor(mutex_, options_.sync_interval_ms);
        } else {
          work_.Wait(mutex_);
        }
      }
      if (stopping_ && queue_.empty()) return;
    }
    MutexLock commit(commit_mutex_);
    Commit();
  }
}

SegmentId SegmentedLog::current_segment() const {
  MutexLock lock(mutex_);
  return current_id_;
}

Result<SegmentId> SegmentedLog::StartSegment() {
  MutexLock commit(commit_mutex_);
  Commit();
  if (!current_) {
    MutexLock lock(mutex_);
    return Status::Unavailable("the log is closed to writes: " + closed_.ToString());
  }
  segments_.StartOver();
  if (!current_->empty()) {
    if (Status rotated = Rotate(); !rotated.ok()) {
      if (current_) return rotated;  // the old segment goes on
      if (rotated = MoveToNewSegment(); !rotated.ok()) {
        GiveUp(rotated);
        return rotated;
      }
    }
  }
  return current_->header().id;
}

Status SegmentedLog::TruncateBefore(SegmentId segment) {
  MutexLock commit(commit_mutex_);
  // With no current segment the newest one may hold acknowledged records that are held, too; the
  // caller's `segment` never passes what it still needs.
  return segments_.Release(current_ ? std::min(segment, current_->header().id) : segment);
}

bool SegmentedLog::writable(std::string* reason) const {
  MutexLock lock(mutex_);
  if (ended_) {
    if (reason) *reason = "the log is closed";
    return false;
  }
  if (closed_.ok()) return true;
  if (reason) *reason = closed_.ToString();
  return false;
}

Status SegmentedLog::TryReopen() {
  MutexLock commit(commit_mutex_);
  {
    MutexLock lock(mutex_);
    if (ended_) return Status::Unavailable("the log is closed");
    if (closed_.ok()) return {};
  }
  // Acknowledged records that were not durable yet go first, into a segment of their own: the next
  // one's header then says that what was given up after them is void.
  if (!held_.empty()) RETURN_IF_ERROR(MoveToNewSegment());
  Lsn next;
  {
    MutexLock lock(mutex_);
    next = next_lsn_;
  }
  auto fresh = segments_.Create(last_durable(), next, false);
  if (!fresh.ok()) {
    current_.reset();
    return fresh.status();
  }
  current_ = *std::move(fresh);
  metrics_.writable.Set(1);
  env_.logger.Log(LogLevel::kInfo, "wal", "the log accepts writes again",
                  {{"directory", options_.directory}});
  MutexLock lock(mutex_);
  current_id_ = current_->header().id;
  closed_ = {};
  return {};
}

Status SegmentedLog::Close() {
  {
    MutexLock lock(mutex_);
    if (ended_) return {};
    ended_ = true;
    stopping_ = true;
    work_.NotifyAll();
  }
  thread_.reset();
  MutexLock commit(commit_mutex_);
  Commit();
  Status status;
  if (current_) {
    if (!held_.empty()) status = SyncCurrent();
    const Status closed = current_->Close();
    if (status.ok()) status = closed;
    current_.reset();
  } else if (!held_.empty()) {
    status = Status::Io("the log ends with " + std::to_string(held_.size()) +
                        " acknowledged records that could not be made durable");
  }
  return status;
}

}  // namespace thermocline::wal
