// Disk space kept back for the day the volume is full.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "base/status.h"
#include "env/file_system.h"

namespace thermocline {

// A file that is there for nothing but to be removed. Its bytes mean nothing and are never read.
// Threads: one at a time, but held_bytes from any.
class Ballast {
 public:
  // `size_bytes` 0: never holds anything. `files` is borrowed.
  Ballast(FileSystem& files, std::string path, uint64_t size_bytes);

  // Looks whether the file is there from an earlier life. One of another size (a crash while it was
  // made, another setting) is removed.
  Status Open();
  // Makes the file unless it is there, and only where `floor_bytes` stay free beside it: taking
  // the last room is the opposite of the point. The attempt leaves nothing behind when it fails.
  Status Take(uint64_t floor_bytes);
  // Removes the file; nothing when it is not there.
  Status Release();

  uint64_t size_bytes() const { return size_bytes_; }
  // size_bytes, or 0 while the file is not there.
  uint64_t held_bytes() const { return held_bytes_.load(std::memory_order_relaxed); }

 private:
  Status Make();

  FileSystem& files_;
  const std::string path_;
  const uint64_t size_bytes_;
  std::atomic<uint64_t> held_bytes_{0};  // a figure for /metrics: no order is needed
};

}  // namespace thermocline
