// Parsed footers, page indexes and filters of files, bounded in bytes, least recently used first
// out.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/mutex.h"

namespace thermocline {

// Entries are immutable and keyed by the file's key: a block's files never change, so an entry is
// valid for ever. Threads: safe.
class IndexCache {
 public:
  explicit IndexCache(uint64_t limit_bytes) : limit_bytes_(limit_bytes) {}

  // The caller knows the type by the key. Null when absent.
  template <typename T>
  std::shared_ptr<const T> Get(const std::string& key) {
    return std::static_pointer_cast<const T>(Find(key));
  }
  void Put(const std::string& key, std::shared_ptr<const void> value, uint64_t bytes);
  void Remove(const std::string& key);
  uint64_t size_bytes() const;

 private:
  struct Entry {
    std::string key;
    std::shared_ptr<const void> value;
    uint64_t bytes = 0;
  };
  std::shared_ptr<const void> Find(const std::string& key);

  const uint64_t limit_bytes_;
  mutable Mutex mutex_;
  std::list<Entry> entries_ GUARDED_BY(mutex_);  // most recently used first
  std::unordered_map<std::string, std::list<Entry>::iterator> by_key_ GUARDED_BY(mutex_);
  uint64_t bytes_ GUARDED_BY(mutex_) = 0;
};

}  // namespace thermocline
