// A bucket that is a folder. Publish: temporary name, write, sync, rename, sync of the directory.
#pragma once

#include <memory>
#include <string>

#include "bucket/object.h"
#include "env/file_system.h"

namespace thermocline {

// Objects are the files below `root`; keys are their relative paths. Names ending in ".tmp" are
// unfinished writes: List and Open do not show them, RemoveUnfinished deletes them.
class LocalBucket : public Bucket {
 public:
  // `files` outlives the bucket. `root` is created by the first write.
  LocalBucket(FileSystem& files, std::string root);
  ~LocalBucket() override;

  Result<std::vector<ObjectInfo>> List(std::string_view prefix) override;
  Result<std::unique_ptr<Object>> Open(
      const std::string& key, std::optional<uint64_t> known_size_bytes = std::nullopt) override;
  Result<std::unique_ptr<ObjectWriter>> NewWriter(const std::string& key) override;
  // Atomic among the users of this LocalBucket only: one process owns the folder.
  Result<std::string> PutIf(const std::string& key, std::string_view bytes,
                            const std::string& expected_version) override;
  Status Remove(const std::string& key) override;
  BucketCounters counters() const override;

  // Deletes what interrupted writes left behind and returns how many. Only at start-up, before the
  // first writer.
  Result<uint64_t> RemoveUnfinished();
  const std::string& root() const { return root_; }

 private:
  struct Shared;  // counters and locks, shared with the objects and writers handed out
  FileSystem& files_;
  const std::string root_;
  std::shared_ptr<Shared> shared_;
};

}  // namespace thermocline
