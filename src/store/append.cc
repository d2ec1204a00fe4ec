// The write path: admit, log, wait for durability. The head publishes when the log settles the
// record.
#include "store/store.h"

namespace thermocline {

RecordSink Store::Sink() {
  return [this](HeadRecord record) {
    return log_->Enqueue(static_cast<RecordType>(record.kind), std::move(record.payload));
  };
}

Result<AppendSummary> Store::Append(const WriteBatch& batch) {
  RETURN_IF_ERROR(WritableStatus());
  RETURN_IF_ERROR(RoomForWrites(batch.samples.size()));
  ASSIGN_OR_RETURN(Admission admission, head_->Admit(batch, Sink()));
  if (admission.last_lsn.number != 0) RETURN_IF_ERROR(log_->Wait(admission.last_lsn));
  return std::move(admission.summary);
}

Status Store::WritableStatus() const {
  if (options_.read_only) {
    return Status::PermissionDenied(options_.path + ": opened for reading only");
  }
  if (closed_.load(std::memory_order_acquire)) return Status::Unavailable("the store is closed");
  if (disk_full_.load(std::memory_order_acquire)) {
    return Status::Unavailable("read-only: free disk space is below the floor");
  }
  return {};
}

}  // namespace thermocline
