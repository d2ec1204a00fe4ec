#include "blocks/block_damage.h"

#include "base/hash.h"

namespace thermocline {
namespace {

constexpr size_t kMaxMessages = 100;

}  // namespace

void BlockDamage::Note(const Status& status, std::atomic<uint64_t>* count) {
  MutexLock lock(mutex_);
  if (!seen_.insert(Hash64(status.message())).second) return;
  count->fetch_add(1, std::memory_order_relaxed);
  if (messages_.size() < kMaxMessages) messages_.emplace_back(status.message());
}

void BlockDamage::AddChunk(const Status& status) { Note(status, &chunks_); }
void BlockDamage::AddSeries(const Status& status) { Note(status, &series_); }
void BlockDamage::AddBlock(const Status& status) { Note(status, &blocks_); }

std::vector<std::string> BlockDamage::messages() const {
  MutexLock lock(mutex_);
  return messages_;
}

}  // namespace thermocline
