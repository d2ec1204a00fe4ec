// Files as the log, the cold tier and the manifest use them. posix/ is the real thing; simulated/
// keeps files in memory and on Crash() forgets what was not synced, names included.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace thermocline {

struct FileInfo {
  uint64_t size_bytes = 0;
  int64_t modified_ms = 0;  // wall clock
  bool is_directory = false;
};

struct DirectoryEntry {
  std::string name;
  bool is_directory = false;
};

// Reads at offsets. Threads: safe to call concurrently.
class RandomAccessFile {
 public:
  virtual ~RandomAccessFile() = default;
  // Reads up to `size_bytes` at `offset` into `out` (resized to what was read: shorter only at the
  // end of the file).
  virtual Status Read(uint64_t offset, size_t size_bytes, std::string* out) const = 0;
  virtual Result<uint64_t> Size() const = 0;
};

// Appends, or overwrites a preallocated file front to back. One writer at a time. A failed Write
// may have written a prefix.
class WritableFile {
 public:
  virtual ~WritableFile() = default;
  virtual Status Append(std::string_view bytes) = 0;
  // Overwrites at `offset`, which may reach past the end. Used by recycled log segments.
  virtual Status WriteAt(uint64_t offset, std::string_view bytes) = 0;
  // Makes the written bytes (and the size) durable: fdatasync. After a failure the file must not be
  // synced again.
  virtual Status Sync() = 0;
  // Reserves and zero-fills up to `size_bytes`, so that later writes within it change no metadata.
  virtual Status Preallocate(uint64_t size_bytes) = 0;
  virtual Status Truncate(uint64_t size_bytes) = 0;
  // Closes without syncing. The destructor closes too, but drops the error.
  virtual Status Close() = 0;
};

// Holds an exclusive lock until destroyed.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

enum class OpenMode {
  kCreateNew,  // AlreadyExists when the file is there
  kTruncate,   // create or empty
  kKeep,       // create or open as it is; Append goes to the end
};

// Errors: NotFound, AlreadyExists, ResourceExhausted (no space), Io; the message names the path.
// Threads: safe.
class FileSystem {
 public:
  virtual ~FileSystem() = default;
  virtual Result<std::unique_ptr<RandomAccessFile>> OpenForRead(const std::string& path) = 0;
  virtual Result<std::unique_ptr<WritableFile>> OpenForWrite(const std::string& path,
                                                             OpenMode mode) = 0;
  // Atomic; replaces `to`. Durable only after SyncDirectory of the parent (both parents when they
  // differ).
  virtual Status Rename(const std::string& from, const std::string& to) = 0;
  virtual Status RemoveFile(const std::string& path) = 0;
  // The directory must be empty.
  virtual Status RemoveDirectory(const std::string& path) = 0;
  // Creates parents too; no error when it exists. New names are durable only after SyncDirectory of
  // each parent.
  virtual Status CreateDirectories(const std::string& path) = 0;
  // Makes the names in `path` (created, renamed, removed) durable.
  virtual Status SyncDirectory(const std::string& path) = 0;
  // Names in no particular order, without "." and "..".
  virtual Result<std::vector<DirectoryEntry>> List(const std::string& path) = 0;
  virtual Result<FileInfo> Stat(const std::string& path) = 0;
  // Free bytes that an unprivileged writer may use on the volume of `path`.
  virtual Result<uint64_t> FreeSpace(const std::string& path) = 0;
  // Bytes of the whole volume of `path`.
  virtual Result<uint64_t> TotalSpace(const std::string& path) = 0;
  // Unavailable when another process (or another lock here) holds it; the message carries the
  // holder's text. `holder` is written into the file for the one who is refused.
  virtual Result<std::unique_ptr<FileLock>> Lock(const std::string& path,
                                                 std::string_view holder) = 0;

  // --- conveniences on the above, in file_system.cc ---
  bool Exists(const std::string& path);
  // Whole file; ResourceExhausted when larger than `limit_bytes`.
  Result<std::string> ReadFile(const std::string& path, uint64_t limit_bytes = uint64_t{1} << 32);
  // Temp name, write, sync, rename, sync of the directory: after OK the file is there whole, also
  // after a power cut.
  Status WriteFileAtomically(const std::string& path, std::string_view bytes);
};

// "a/b" + "c" -> "a/b/c"; an empty `base` gives `name`.
std::string JoinPath(std::string_view base, std::string_view name);
// The directory part; "." when there is none.
std::string ParentPath(std::string_view path);

}  // namespace thermocline
