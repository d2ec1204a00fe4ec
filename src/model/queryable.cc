#include "model/queryable.h"

#include "model/exemplar.h"

namespace thermocline {

void ReadCounters::Add(const ReadCounters& other) {
  const auto add = [](std::atomic<uint64_t>& to, const std::atomic<uint64_t>& from) {
    to.fetch_add(from.load(std::memory_order_relaxed), std::memory_order_relaxed);
  };
  add(blocks_considered, other.blocks_considered);
  add(blocks_skipped_by_time, other.blocks_skipped_by_time);
  add(blocks_skipped_by_index, other.blocks_skipped_by_index);
  add(pages_considered, other.pages_considered);
  add(pages_skipped, other.pages_skipped);
  add(pages_read, other.pages_read);
  add(requests, other.requests);
  add(bytes_read, other.bytes_read);
  add(rows_read, other.rows_read);
  add(head_series, other.head_series);
  add(head_samples, other.head_samples);
  add(cold_series, other.cold_series);
  add(cold_samples, other.cold_samples);
}

Status QueryBudget::Check() const {
  if (stop_.stop_requested()) return Status::Cancelled("query was canceled");
  if (deadline_steady_ns_ != 0 && steady_ns_ != nullptr && steady_ns_() >= deadline_steady_ns_) {
    return Status::DeadlineExceeded("query timed out");
  }
  return Status::Ok();
}

Status QueryBudget::Charge(uint64_t bytes) {
  const uint64_t before = used_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  if (limit_bytes_ != 0 && (bytes > limit_bytes_ || before > limit_bytes_ - bytes)) {
    used_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
    return Status::ResourceExhausted("query needs more memory than its limit of " +
                                     std::to_string(limit_bytes_) + " bytes (--query.max-memory)");
  }
  if (all_ == nullptr || all_->Charge(bytes).ok()) return Status::Ok();
  used_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  return Status::Unavailable("queries together need more memory than their limit of " +
                             std::to_string(all_->limit_bytes_) +
                             " bytes (--query.max-memory-total)");
}

void QueryBudget::Release(uint64_t bytes) {
  used_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  if (all_ != nullptr) all_->Release(bytes);
}

QueryBudget::~QueryBudget() {
  if (all_ != nullptr) all_->Release(used_bytes());
}

Status SeriesSet::ReadEncoded(std::span<const uint32_t>, EncodedBatch*) const {
  return Status::Internal("this source holds no encoded chunks");
}

Result<std::vector<SeriesExemplars>> Queryable::Exemplars(const ExemplarRequest& request) const {
  (void)request;
  return std::vector<SeriesExemplars>();
}

}  // namespace thermocline
