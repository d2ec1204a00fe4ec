// Bytes that are appended, kept in memory up to a limit and in a file above it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "env/file_system.h"

namespace thermocline {

// Threads: Append by one, before all reads; Read by any.
class ChunkSpill {
 public:
  // `path` is where the file goes; empty: everything stays in memory. `files` outlives the spill.
  ChunkSpill(FileSystem& files, std::string path, uint64_t memory_bytes);
  // Removes the file.
  ~ChunkSpill();

  // The offset of `bytes`.
  Result<uint64_t> Append(std::string_view bytes);
  // No more is appended.
  Status Finish();
  Status Read(uint64_t offset, size_t size_bytes, std::string* out) const;

  uint64_t file_bytes() const { return file_bytes_; }

 private:
  Status Spill();

  FileSystem& files_;
  const std::string path_;
  const uint64_t memory_bytes_;
  std::unique_ptr<WritableFile> writer_;
  std::unique_ptr<RandomAccessFile> reader_;
  uint64_t file_bytes_ = 0;  // what memory_ follows
  std::string memory_;
};

}  // namespace thermocline
