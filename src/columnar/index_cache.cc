#include "columnar/index_cache.h"

namespace thermocline::columnar {

std::shared_ptr<const FileIndex> FileIndexCache::Find(std::string_view key) {
  MutexLock lock(mutex_);
  const auto at = places_.find(key);
  if (at == places_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, at->second);
  return at->second->second;
}

void FileIndexCache::Insert(std::string_view key, std::shared_ptr<const FileIndex> index) {
  MutexLock lock(mutex_);
  EraseLocked(key);
  const uint64_t bytes = index->memory_bytes();
  if (bytes > limit_bytes_) return;
  entries_.emplace_front(std::string(key), std::move(index));
  places_.emplace(entries_.front().first, entries_.begin());
  bytes_ += bytes;
  while (bytes_ > limit_bytes_) EraseLocked(entries_.back().first);
}

void FileIndexCache::Erase(std::string_view key) {
  MutexLock lock(mutex_);
  EraseLocked(key);
}

void FileIndexCache::EraseLocked(std::string_view key) {
  const auto at = places_.find(key);
  if (at == places_.end()) return;
  const auto entry = at->second;
  bytes_ -= entry->second->memory_bytes();
  places_.erase(at);
  entries_.erase(entry);
}

uint64_t FileIndexCache::size_bytes() const {
  MutexLock lock(mutex_);
  return bytes_;
}

}  // namespace thermocline::columnar
