#include "cold/index_cache.h"

namespace thermocline {

std::shared_ptr<const void> IndexCache::Find(const std::string& key) {
  MutexLock lock(mutex_);
  const auto it = by_key_.find(key);
  if (it == by_key_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, it->second);
  return it->second->value;
}

void IndexCache::Put(const std::string& key, std::shared_ptr<const void> value, uint64_t bytes) {
  if (bytes > limit_bytes_) return;
  MutexLock lock(mutex_);
  if (by_key_.contains(key)) return;  // another reader was faster; the values are equal
  entries_.push_front({key, std::move(value), bytes});
  by_key_.emplace(key, entries_.begin());
  bytes_ += bytes;
  while (bytes_ > limit_bytes_) {
    bytes_ -= entries_.back().bytes;
    by_key_.erase(entries_.back().key);
    entries_.pop_back();
  }
}

void IndexCache::Remove(const std::string& key) {
  MutexLock lock(mutex_);
  const auto it = by_key_.find(key);
  if (it == by_key_.end()) return;
  bytes_ -= it->second->bytes;
  entries_.erase(it->second);
  by_key_.erase(it);
}

uint64_t IndexCache::size_bytes() const {
  MutexLock lock(mutex_);
  return bytes_;
}

}  // namespace thermocline
