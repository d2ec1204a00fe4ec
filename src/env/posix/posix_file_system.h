#pragma once

#include <memory>
#include <string>
#include <vector>

#include "env/file_system.h"

namespace thermocline {

// The machine's files: pread, pwrite, fdatasync, O_CLOEXEC everywhere. Locks are flock on a file
// that names its holder, process and host. Threads: safe.
class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<RandomAccessFile>> OpenForRead(const std::string& path) override;
  Result<std::unique_ptr<WritableFile>> OpenForWrite(const std::string& path,
                                                     OpenMode mode) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status RemoveFile(const std::string& path) override;
  Status RemoveDirectory(const std::string& path) override;
  Status CreateDirectories(const std::string& path) override;
  Status SyncDirectory(const std::string& path) override;
  Result<std::vector<DirectoryEntry>> List(const std::string& path) override;
  Result<FileInfo> Stat(const std::string& path) override;
  Result<uint64_t> FreeSpace(const std::string& path) override;
  Result<uint64_t> TotalSpace(const std::string& path) override;
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path, std::string_view holder) override;
};

}  // namespace thermocline
