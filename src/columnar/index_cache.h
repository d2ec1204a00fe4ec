// Parsed footers and page indexes of recently read files, bounded in bytes.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/mutex.h"
#include "columnar/file_reader.h"

namespace thermocline::columnar {

// Keys name immutable files (a ULID path, or a key with its version), so an entry is valid as long
// as it is kept. The least recently used entries go when the bytes exceed the limit. Threads: safe.
class FileIndexCache {
 public:
  explicit FileIndexCache(uint64_t limit_bytes) : limit_bytes_(limit_bytes) {}

  // Null when it is not there.
  std::shared_ptr<const FileIndex> Find(std::string_view key);
  // Replaces what the key had. An index larger than the limit is not kept.
  void Insert(std::string_view key, std::shared_ptr<const FileIndex> index);
  void Erase(std::string_view key);
  uint64_t size_bytes() const;

 private:
  using Entry = std::pair<std::string, std::shared_ptr<const FileIndex>>;
  void EraseLocked(std::string_view key) REQUIRES(mutex_);

  const uint64_t limit_bytes_;
  mutable Mutex mutex_;
  std::list<Entry> entries_ GUARDED_BY(mutex_);  // the most recently used first
  std::map<std::string_view, std::list<Entry>::iterator> places_ GUARDED_BY(mutex_);
  uint64_t bytes_ GUARDED_BY(mutex_) = 0;
};

}  // namespace thermocline::columnar
