// What the head may hold: early flushes and, where they come too late, refused writes.
#include <fmt/core.h>

#include "store/store.h"

namespace thermocline {
namespace {

// What a new series and a raw sample take at most, until the head is measured again.
constexpr uint64_t kBytesPerSeries = 512;
constexpr uint64_t kBytesPerSample = 16;

}  // namespace

void Store::MeasureMemory() {
  const uint64_t series = head_->series_count();
  head_samples_since_.store(0, std::memory_order_relaxed);
  head_series_measured_.store(series, std::memory_order_relaxed);
  head_bytes_measured_.store(head_->memory_bytes(), std::memory_order_relaxed);
  TellLedger();
}

// Measuring walks over the head's index, so writes in between are estimated.
uint64_t Store::EstimatedHeadBytes() const {
  const uint64_t series = head_->series_count();
  const uint64_t known = head_series_measured_.load(std::memory_order_relaxed);
  return head_bytes_measured_.load(std::memory_order_relaxed) +
         (series > known ? series - known : 0) * kBytesPerSeries +
         head_samples_since_.load(std::memory_order_relaxed) * kBytesPerSample;
}

void Store::TellLedger() const {
  if (options_.ledger == nullptr) return;
  options_.ledger->Set(MemoryUse::kIngest, EstimatedHeadBytes());
  options_.ledger->Set(MemoryUse::kCaches, cold_->index_cache_bytes());
}

// While the ledger sheds nothing may come in, so an emergency need not follow: a head beyond its
// share gives way already then.
bool Store::MemoryIsShort() const {
  const uint64_t head_bytes = head_bytes_measured_.load(std::memory_order_relaxed);
  if (head_bytes > options_.head_memory_bytes) return true;
  if (options_.ledger == nullptr) return false;
  const uint64_t limit_bytes = options_.ledger->limit_bytes();
  return options_.ledger->IsEmergency() ||
         (options_.ledger->Sheds() &&
          head_bytes > MemoryLedger::ShareOf(limit_bytes, MemoryUse::kIngest));
}

// A flush holds what it writes until it is durable, so the head may grow by a quarter meanwhile.
Status Store::RoomForWrites(uint64_t samples) {
  TellLedger();
  const uint64_t most_bytes = options_.head_memory_bytes + options_.head_memory_bytes / 4;
  uint64_t head_bytes = EstimatedHeadBytes();
  if (head_bytes > most_bytes && head_bytes > head_bytes_measured_) {
    MeasureMemory();  // not again until a write is accepted
    head_bytes = EstimatedHeadBytes();
  }
  // With nothing to flush a refusal would not end.
  const bool full = head_bytes > most_bytes && !head_->Ranges().empty();
  if (!full && (options_.ledger == nullptr || !options_.ledger->Sheds())) {
    head_samples_since_.fetch_add(samples, std::memory_order_relaxed);
    return {};
  }
  writes_shed_->Increment();
  return Status::ResourceExhausted(
      full ? fmt::format("the head holds {} bytes, the limit is {}: a flush has to make room first",
                         head_bytes, most_bytes)
           : fmt::format("the process holds {} of the {} bytes that it may: try again later",
                         options_.ledger->used_bytes(), options_.ledger->limit_bytes()));
}

}  // namespace thermocline
