// The committer: takes all that is queued, writes it with one write, makes it durable with one
// sync, settles it in order. What a failed write or sync leads to is in FORMAT.md, Writing.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "env/failpoint.h"
#include "wal/segmented_log.h"

namespace thermocline::wal {
namespace {

FailPoint before_settle("wal.before_settle");

}  // namespace

void SegmentedLog::HoldAll(std::deque<Record> batch) {
  for (Record& record : batch) {
    held_bytes_ += record.payload.size();
    held_.push_back(std::move(record));
  }
}

bool SegmentedLog::SyncIsDue() const {
  if (held_.empty()) return false;
  // What is held in memory is bounded also where the system decides when to write back.
  if (held_bytes_ > options_.max_pending_bytes) return true;
  switch (options_.sync) {
    case SyncMode::kAlways: return true;
    case SyncMode::kInterval:
      return env_.clock.SteadyNs() - last_sync_ns_ >= options_.sync_interval_ms * 1'000'000;
    case SyncMode::kOs: return false;
  }
  return true;
}

Status SegmentedLog::SyncCurrent() {
  const int64_t start_ns = env_.clock.SteadyNs();
  RETURN_IF_ERROR(current_->Sync());
  last_sync_ns_ = env_.clock.SteadyNs();
  metrics_.sync_seconds.Observe(static_cast<double>(last_sync_ns_ - start_ns) * 1e-9);
  if (!held_.empty()) {
    durable_.store(held_.back().lsn.number, std::memory_order_release);
    metrics_.durable_lsn.Set(static_cast<double>(held_.back().lsn.number));
  }
  held_.clear();
  held_bytes_ = 0;
  return {};
}

Status SegmentedLog::WriteOut() {
  RETURN_IF_ERROR(current_->Write());
  segments_.SetSize(current_->header().id, current_->position());
  if (current_->position() * 2 > segments_.full_bytes()) segments_.PrepareSpare();
  return {};
}

// The records of the old segment are durable before the new one takes any. On an error of the old
// segment current_ is null; when only the new one could not be made, the old one goes on.
Status SegmentedLog::Rotate() {
  Status status = WriteOut();
  if (status.ok() && !held_.empty()) status = SyncCurrent();
  if (!status.ok()) {
    current_.reset();
    return status;
  }
  const Lsn durable = last_durable();
  ASSIGN_OR_RETURN(auto fresh, segments_.Create(durable, Lsn(durable.number + 1), false));
  // Everything in it is durable; an error of close tells nothing new.
  static_cast<void>(current_->Close());
  current_ = std::move(fresh);
  MutexLock lock(mutex_);
  current_id_ = current_->header().id;
  return {};
}

Status SegmentedLog::Append(const Record& record) {
  const uint64_t end =
      current_->position() + EncodedSize(current_->position(), record.payload.size());
  if (!current_->empty() && end > segments_.full_bytes()) {
    segments_.Grow();
    RETURN_IF_ERROR(Rotate());
  }
  current_->Add(record.lsn, record.type, record.payload, last_durable());
  return {};
}

// Records join held_ one by one, so that a rotation in the middle makes durable what it should.
Status SegmentedLog::WriteBatch(std::deque<Record> batch) {
  while (!batch.empty()) {
    if (Status status = Append(batch.front()); !status.ok()) {
      HoldAll(std::move(batch));
      return status;
    }
    held_bytes_ += batch.front().payload.size();
    held_.push_back(std::move(batch.front()));
    batch.pop_front();
  }
  RETURN_IF_ERROR(WriteOut());
  return SyncIsDue() ? SyncCurrent() : Status::Ok();
}

Status SegmentedLog::MoveToNewSegment() {
  metrics_.failures.Increment();
  if (current_) {
    // Never written or synced again; closing does neither.
    static_cast<void>(current_->Close());
    current_.reset();
  }
  const Lsn durable = last_durable();
  if (held_.empty()) {
    ASSIGN_OR_RETURN(current_, segments_.Create(durable, Lsn(durable.number + 1), true));
  } else {
    ASSIGN_OR_RETURN(current_, segments_.Create(durable, held_.front().lsn, true));
    const auto rewrite = [this, durable]() REQUIRES(commit_mutex_) -> Status {
      for (const Record& record : held_) {
        current_->Add(record.lsn, record.type, record.payload, durable);
      }
      RETURN_IF_ERROR(WriteOut());
      return SyncCurrent();
    };
    if (const Status status = rewrite(); !status.ok()) {
      current_.reset();
      return status;
    }
  }
  MutexLock lock(mutex_);
  current_id_ = current_->header().id;
  return {};
}

// The log closes to writes: acknowledged records stay held for TryReopen, what is durable is
// acknowledged, all others fail.
void SegmentedLog::GiveUp(const Status& why) {
  current_.reset();
  CloseToWrites(why);
  if (const Lsn durable = last_durable(); durable > acknowledged_) {
    const Lsn first(SettledLsn().number + 1);
    acknowledged_ = durable;
    if (first <= durable) Settle(first, durable, {});
  }
  while (!held_.empty() && held_.back().lsn > acknowledged_) {
    held_bytes_ -= held_.back().payload.size();
    held_.pop_back();
  }
  Lsn first;
  Lsn last;
  {
    MutexLock lock(mutex_);
    queue_.clear();
    queued_bytes_ = 0;
    first = Lsn(settled_lsn_.number + 1);
    last = Lsn(next_lsn_.number - 1);
  }
  if (first <= last) {
    Settle(first, last, Status::Unavailable("not written to the log: " + why.ToString()));
  }
}

void SegmentedLog::Commit() {
  std::deque<Record> batch;
  uint64_t bytes = 0;
  {
    MutexLock lock(mutex_);
    batch.swap(queue_);
    std::swap(bytes, queued_bytes_);
  }
  if (batch.empty()) {
    if (!current_ || held_.empty() || !SyncIsDue()) return;
    if (SyncCurrent().ok()) return;
    if (const Status status = MoveToNewSegment(); !status.ok()) GiveUp(status);
    return;
  }
  const Lsn first = batch.front().lsn;
  const Lsn last = batch.back().lsn;
  const size_t count = batch.size();
  // Writes were refused from the moment the log was closed, so a batch finds a segment.
  CHECK(current_);
  Status status = WriteBatch(std::move(batch));
  if (status.ok()) status = before_settle.Hit();
  if (!status.ok()) {
    // Unavailable is the free-space floor: there is nothing wrong with the segment.
    if (status.code() == Code::kUnavailable) return GiveUp(status);
    env_.logger.Log(LogLevel::kWarn, "wal", "a log segment failed, moving to a new one",
                    {{"directory", options_.directory}, {"error", status.ToString()}});
    if (const Status moved = MoveToNewSegment(); !moved.ok()) return GiveUp(moved);
  }
  metrics_.records.Add(static_cast<double>(count));
  metrics_.bytes.Add(static_cast<double>(bytes));
  acknowledged_ = last;
  Settle(first, last, {});
}

}  // namespace thermocline::wal
