#include "env/posix/posix_file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "env/posix/reading_lock.h"

namespace thermocline {
namespace {

// Linux writes and reads at most this much in one call.
constexpr size_t kMaxTransferBytes = 1u << 30;
constexpr size_t kZeroChunkBytes = 1u << 20;
constexpr mode_t kFileMode = 0666;
constexpr mode_t kDirectoryMode = 0777;

Status ErrorOf(int error, std::string_view what, const std::string& path) {
  std::string message(what);
  message += " " + path + ": " + std::strerror(error);
  switch (error) {
    case ENOENT: return Status::NotFound(std::move(message));
    case EEXIST: return Status::AlreadyExists(std::move(message));
    case ENOSPC:
    case EDQUOT: return Status::ResourceExhausted(std::move(message));
    case EACCES:
    case EPERM:
    case EROFS: return Status::PermissionDenied(std::move(message));
    default: return Status::Io(std::move(message));
  }
}

// Closes at the end of its life; -1 is none.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

Result<Descriptor> OpenDescriptor(const std::string& path, int flags, std::string_view what) {
  for (;;) {
    const int fd = ::open(path.c_str(), flags | O_CLOEXEC, kFileMode);
    if (fd >= 0) return Descriptor(fd);
    if (errno != EINTR) return ErrorOf(errno, what, path);
  }
}

Status WriteFully(int fd, uint64_t offset, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd, bytes.data(), std::min(bytes.size(), kMaxTransferBytes),
                               static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      return ErrorOf(n < 0 ? errno : ENOSPC, "write at " + std::to_string(offset) + " of", path);
    }
    bytes.remove_prefix(static_cast<size_t>(n));
    offset += static_cast<uint64_t>(n);
  }
  return {};
}

Result<uint64_t> SizeOf(int fd, const std::string& path) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return ErrorOf(errno, "stat", path);
  return static_cast<uint64_t>(info.st_size);
}

class PosixReader final : public RandomAccessFile {
 public:
  PosixReader(Descriptor fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  Status Read(uint64_t offset, size_t size_bytes, std::string* out) const override {
    out->resize(size_bytes);
    size_t done = 0;
    while (done < size_bytes) {
      const ssize_t n =
          ::pread(fd_.get(), out->data() + done, std::min(size_bytes - done, kMaxTransferBytes),
                  static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) {
        const int error = errno;
        out->clear();
        return ErrorOf(error, "read at " + std::to_string(offset + done) + " of", path_);
      }
      if (n == 0) break;
      done += static_cast<size_t>(n);
    }
    out->resize(done);
    return {};
  }
  Result<uint64_t> Size() const override { return SizeOf(fd_.get(), path_); }

 private:
  const Descriptor fd_;
  const std::string path_;
};

class PosixWriter final : public WritableFile {
 public:
  PosixWriter(Descriptor fd, std::string path, uint64_t size_bytes)
      : fd_(std::move(fd)), path_(std::move(path)), end_(size_bytes) {}

  Status Append(std::string_view bytes) override { return WriteAt(end_, bytes); }
  Status WriteAt(uint64_t offset, std::string_view bytes) override {
    RETURN_IF_ERROR(WriteFully(fd_.get(), offset, bytes, path_));
    end_ = std::max(end_, offset + bytes.size());
    return {};
  }
  // A second fdatasync after a failed one reports success for pages that the kernel has dropped, so
  // it is never tried.
  Status Sync() override {
    if (sync_failed_) return Status::Io("sync " + path_ + ": an earlier sync failed");
    while (::fdatasync(fd_.get()) != 0) {
      if (errno == EINTR) continue;
      sync_failed_ = true;
      return ErrorOf(errno, "sync", path_);
    }
    return {};
  }
  // Real zeros, not fallocate: a write into an unwritten extent would change metadata again.
  Status Preallocate(uint64_t size_bytes) override {
    const std::string zeros(std::min<uint64_t>(kZeroChunkBytes, size_bytes), '\0');
    while (end_ < size_bytes) {
      RETURN_IF_ERROR(Append(
          std::string_view(zeros).substr(0, std::min<uint64_t>(zeros.size(), size_bytes - end_))));
    }
    return {};
  }
  Status Truncate(uint64_t size_bytes) override {
    if (::ftruncate(fd_.get(), static_cast<off_t>(size_bytes)) != 0) {
      return ErrorOf(errno, "truncate", path_);
    }
    end_ = size_bytes;
    return {};
  }
  Status Close() override {
    const int fd = fd_.Release();
    if (fd >= 0 && ::close(fd) != 0 && errno != EINTR) return ErrorOf(errno, "close", path_);
    return {};
  }

 private:
  Descriptor fd_;
  const std::string path_;
  uint64_t end_;
  bool sync_failed_ = false;
};

class PosixLock final : public FileLock {
 public:
  explicit PosixLock(Descriptor fd) : fd_(std::move(fd)) {}

 private:
  const Descriptor fd_;  // flock goes with the descriptor
};

// After a lock was refused. The file names its last writer, which readers leave there.
Status HeldByOther(int fd, const std::string& path) {
  if (::flock(fd, LOCK_SH | LOCK_NB) == 0) {
    return Status::Unavailable("lock " + path + ": held by a process that reads the folder");
  }
  char text[256] = {};
  const ssize_t n = ::pread(fd, text, sizeof(text) - 1, 0);
  return Status::Unavailable("lock " + path + ": held by " +
                             (n > 0 ? std::string(text, static_cast<size_t>(n)) : "a process"));
}

}  // namespace

Result<std::unique_ptr<RandomAccessFile>> PosixFileSystem::OpenForRead(const std::string& path) {
  ASSIGN_OR_RETURN(Descriptor fd, OpenDescriptor(path, O_RDONLY, "open"));
  std::unique_ptr<RandomAccessFile> file = std::make_unique<PosixReader>(std::move(fd), path);
  return file;
}

Result<std::unique_ptr<WritableFile>> PosixFileSystem::OpenForWrite(const std::string& path,
                                                                    OpenMode mode) {
  int flags = O_WRONLY | O_CREAT;
  if (mode == OpenMode::kCreateNew) flags |= O_EXCL;
  if (mode == OpenMode::kTruncate) flags |= O_TRUNC;
  ASSIGN_OR_RETURN(Descriptor fd, OpenDescriptor(path, flags, "open for writing"));
  ASSIGN_OR_RETURN(const uint64_t size, SizeOf(fd.get(), path));
  std::unique_ptr<WritableFile> file = std::make_unique<PosixWriter>(std::move(fd), path, size);
  return file;
}

Status PosixFileSystem::Rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) == 0) return {};
  return ErrorOf(errno, "rename " + from + " to", to);
}

Status PosixFileSystem::RemoveFile(const std::string& path) {
  return ::unlink(path.c_str()) == 0 ? Status::Ok() : ErrorOf(errno, "remove", path);
}

Status PosixFileSystem::RemoveDirectory(const std::string& path) {
  return ::rmdir(path.c_str()) == 0 ? Status::Ok() : ErrorOf(errno, "remove directory", path);
}

Status PosixFileSystem::CreateDirectories(const std::string& path) {
  for (size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string prefix = path.substr(0, end);
    if (::mkdir(prefix.c_str(), kDirectoryMode) != 0) {
      const int error = errno;
      struct stat info {};
      if (::stat(prefix.c_str(), &info) != 0) return ErrorOf(error, "create directory", prefix);
      if (!S_ISDIR(info.st_mode)) {
        return Status::AlreadyExists("create directory " + prefix + ": a file is in the way");
      }
    }
    if (end == std::string::npos) return {};
  }
}

Status PosixFileSystem::SyncDirectory(const std::string& path) {
  ASSIGN_OR_RETURN(const Descriptor fd,
                   OpenDescriptor(path, O_RDONLY | O_DIRECTORY, "open directory"));
  while (::fsync(fd.get()) != 0) {
    if (errno != EINTR) return ErrorOf(errno, "sync directory", path);
  }
  return {};
}

Result<std::vector<DirectoryEntry>> PosixFileSystem::List(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), &::closedir);
  if (!directory) return ErrorOf(errno, "list", path);
  std::vector<DirectoryEntry> entries;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(directory.get());
    if (entry == nullptr) {
      if (errno != 0) return ErrorOf(errno, "list", path);
      return entries;
    }
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    bool is_directory = entry->d_type == DT_DIR;
    if (entry->d_type == DT_UNKNOWN || entry->d_type == DT_LNK) {
      struct stat info {};
      if (::stat(JoinPath(path, name).c_str(), &info) == 0) is_directory = S_ISDIR(info.st_mode);
    }
    entries.push_back({std::string(name), is_directory});
  }
}

Result<FileInfo> PosixFileSystem::Stat(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return ErrorOf(errno, "stat", path);
  return FileInfo{static_cast<uint64_t>(info.st_size),
                  info.st_mtim.tv_sec * 1000 + info.st_mtim.tv_nsec / 1'000'000,
                  S_ISDIR(info.st_mode)};
}

Result<uint64_t> PosixFileSystem::FreeSpace(const std::string& path) {
  struct statvfs info {};
  if (::statvfs(path.c_str(), &info) != 0) return ErrorOf(errno, "free space of", path);
  return uint64_t{info.f_bavail} * info.f_frsize;
}

Result<uint64_t> PosixFileSystem::TotalSpace(const std::string& path) {
  struct statvfs info {};
  if (::statvfs(path.c_str(), &info) != 0) return ErrorOf(errno, "size of the volume of", path);
  return uint64_t{info.f_blocks} * info.f_frsize;
}

Result<std::unique_ptr<FileLock>> PosixFileSystem::Lock(const std::string& path,
                                                        std::string_view holder) {
  ASSIGN_OR_RETURN(Descriptor fd, OpenDescriptor(path, O_RDWR | O_CREAT, "open lock"));
  while (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) return ErrorOf(errno, "lock", path);
    return HeldByOther(fd.get(), path);
  }
  char host[65] = {};
  ::gethostname(host, sizeof(host) - 1);
  std::string text(holder);
  text += " (pid " + std::to_string(::getpid()) + " on " + host + ")";
  if (::ftruncate(fd.get(), 0) != 0) return ErrorOf(errno, "truncate lock", path);
  RETURN_IF_ERROR(WriteFully(fd.get(), 0, text, path));
  std::unique_ptr<FileLock> lock = std::make_unique<PosixLock>(std::move(fd));
  return lock;
}

Result<std::unique_ptr<FileLock>> LockForReading(const std::string& path) {
  auto fd = OpenDescriptor(path, O_RDONLY, "open lock");
  if (fd.status().code() == Code::kNotFound) return std::unique_ptr<FileLock>();
  RETURN_IF_ERROR(fd.status());
  while (::flock(fd->get(), LOCK_SH | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) return ErrorOf(errno, "lock", path);
    return HeldByOther(fd->get(), path);
  }
  std::unique_ptr<FileLock> lock = std::make_unique<PosixLock>(*std::move(fd));
  return lock;
}

}  // namespace thermocline
