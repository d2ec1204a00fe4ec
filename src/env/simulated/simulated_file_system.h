// A file system in memory that knows what a power cut would leave: synced content against unsynced
// writes, synced names against unsynced ones. Faults are planted by operation kind and call number.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "env/clock.h"
#include "env/file_system.h"

namespace thermocline {

// What a fault can be planted on. kAny counts every call.
enum class FileOperation {
  kOpenRead,
  kOpenWrite,
  kRead,
  kWrite,
  kSync,
  kPreallocate,
  kTruncate,
  kRename,
  kRemove,
  kCreateDirectory,
  kSyncDirectory,
  kList,
  kStat,
  kAny,
};
inline constexpr size_t kFileOperations = static_cast<size_t>(FileOperation::kAny) + 1;

enum class FileFault {
  kIo,          // EIO: nothing happened (a failed sync also drops the dirty pages, as kernels do)
  kNoSpace,     // ENOSPC: nothing happened
  kShortWrite,  // half of the bytes were written, then ENOSPC; on other operations like kIo
};

// Rules of the model:
// - A write is durable after Sync of its file, a name after SyncDirectory of its parent; "/" and
// "."
//   always exist. A Sync that failed loses the writes it covered for good: a later successful Sync
//   does not bring them back (they stay readable until the crash).
// - Crash keeps what is durable. Of the rest the seed decides, per file: nothing, everything, a
//   prefix of the writes with the last torn at 512 bytes, or any subset of 512-byte sectors; per
//   name change: happened or not, each rename as a whole.
// - After Crash all handles and locks from before are dead: their calls return Io.
// Paths are split at '/', empty parts dropped. Threads: safe; one lock.
class SimulatedFileSystem final : public FileSystem {
 public:
  // `clock` gives modification times; null means 0. Borrowed.
  explicit SimulatedFileSystem(const Clock* clock = nullptr);
  ~SimulatedFileSystem() override;

  // --- power ---
  void Crash(uint64_t seed);
  // After `calls` more mutating calls (write, sync, preallocate, truncate, rename, remove, create)
  // every call fails with Io, as if the machine had stopped; Crash brings it back.
  void CutPowerAfter(uint64_t calls);
  bool power_is_cut() const;
  uint64_t mutating_calls() const;

  // --- faults ---
  // The `nth` (1 = next) call of `operation` from now fails, and the `count` - 1 after it.
  void FailNth(FileOperation operation, uint64_t nth, FileFault fault, uint64_t count = 1);
  void FailNext(FileOperation operation, FileFault fault) { FailNth(operation, 1, fault); }
  void ClearFaults();
  // Faults that fired since the last ClearFaults.
  uint64_t faults_fired() const;
  uint64_t calls(FileOperation operation) const;
  // Bytes that all files together may take; 0 = no limit. A write beyond it is cut short.
  void SetCapacity(uint64_t bytes);
  // Planted bugs, to show that a test notices them: the sync reports success and does nothing.
  void SetIgnoreSync(bool ignore);
  void SetIgnoreDirectorySync(bool ignore);

  // --- content, for tests that damage it ---
  using Image = std::map<std::string, std::string>;  // path of a file -> content
  Image TakeImage() const;
  // Replaces everything; all of it durable, parents included.
  void LoadImage(const Image& image);
  // Puts one file in place, durable at once, parents included.
  void PutFile(const std::string& path, std::string_view content);

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

 private:
  friend class SimulatedReader;
  friend class SimulatedWriter;
  friend class SimulatedLock;

  struct Write {
    enum class Kind { kBytes, kTruncate, kExtend } kind = Kind::kBytes;
    uint64_t offset = 0;  // or the new size
    std::string bytes;
    bool lost = false;  // a sync that covered it failed
  };
  struct Node {
    bool is_directory = false;
    int64_t modified_ms = 0;
    std::string content;          // what a reader sees
    std::string synced;           // what surely survives
    std::vector<Write> unsynced;  // from `synced` to `content`, in order
  };
  using NodePtr = std::shared_ptr<Node>;
  using Names = std::map<std::string, NodePtr>;
  // One atomic change of names; a null node removes the name.
  struct NameChange {
    std::vector<std::pair<std::string, NodePtr>> names;
  };
  struct Fault {
    uint64_t nth = 0;
    uint64_t count = 0;
    FileFault fault = FileFault::kIo;
  };

  // "/a//b/" -> "/a/b"; "./a" -> "a"; "" -> ".".
  static std::string Normal(std::string_view path);
  static void Apply(const Write& write, std::string* content);
  static void ApplySurvivors(uint64_t seed, Node* node);

  // Counts the call; the planted fault, if this call has one. Io when the power is off.
  Status Enter(FileOperation operation, const std::string& path, bool* short_write = nullptr)
      REQUIRES(mutex_);
  NodePtr Find(const std::string& path) const REQUIRES(mutex_);
  Status CheckParent(const std::string& path) const REQUIRES(mutex_);
  void ChangeNames(NameChange change) REQUIRES(mutex_);
  bool HasChildren(const std::string& path) const REQUIRES(mutex_);
  int64_t NowMs() const;
  uint64_t UsedBytes() const REQUIRES(mutex_);
  Status WriteTo(Node& node, const std::string& path, Write write) REQUIRES(mutex_);
  Status SyncNode(Node& node, const std::string& path) REQUIRES(mutex_);
  Status Resize(Node& node, const std::string& path, Write write) REQUIRES(mutex_);
  void Put(const std::string& path, std::string_view content) REQUIRES(mutex_);

  const Clock* const clock_;
  mutable Mutex mutex_;
  Names names_ GUARDED_BY(mutex_);
  Names durable_names_ GUARDED_BY(mutex_);
  std::vector<NameChange> unsynced_names_ GUARDED_BY(mutex_);
  std::map<std::string, std::string> locks_ GUARDED_BY(mutex_);  // path -> holder
  uint64_t generation_ GUARDED_BY(mutex_) = 0;                   // grows at each Crash
  uint64_t capacity_bytes_ GUARDED_BY(mutex_) = 0;
  bool ignore_sync_ GUARDED_BY(mutex_) = false;
  bool ignore_directory_sync_ GUARDED_BY(mutex_) = false;
  std::array<uint64_t, kFileOperations> calls_ GUARDED_BY(mutex_){};
  std::array<std::vector<Fault>, kFileOperations> faults_ GUARDED_BY(mutex_);
  uint64_t faults_fired_ GUARDED_BY(mutex_) = 0;
  uint64_t mutating_calls_ GUARDED_BY(mutex_) = 0;
  uint64_t power_cut_at_ GUARDED_BY(mutex_) = UINT64_MAX;
};

}  // namespace thermocline
