#include "env/simulated/simulated_file_system.h"

#include <algorithm>
#include <utility>

namespace thermocline {
namespace {

bool Mutates(FileOperation operation) {
  switch (operation) {
    case FileOperation::kOpenRead:
    case FileOperation::kRead:
    case FileOperation::kList:
    case FileOperation::kStat: return false;
    default: return true;
  }
}

}  // namespace

class SimulatedReader final : public RandomAccessFile {
 public:
  SimulatedReader(SimulatedFileSystem& files, SimulatedFileSystem::NodePtr node, std::string path,
                  uint64_t generation)
      : files_(files), node_(std::move(node)), path_(std::move(path)), generation_(generation) {}

  Status Read(uint64_t offset, size_t size_bytes, std::string* out) const override {
    MutexLock lock(files_.mutex_);
    if (generation_ != files_.generation_) return Status::Io("read " + path_ + ": stale handle");
    RETURN_IF_ERROR(files_.Enter(FileOperation::kRead, path_));
    const uint64_t from = std::min<uint64_t>(offset, node_->content.size());
    out->assign(node_->content, from, size_bytes);
    return {};
  }
  Result<uint64_t> Size() const override {
    MutexLock lock(files_.mutex_);
    if (generation_ != files_.generation_) return Status::Io("size " + path_ + ": stale handle");
    return uint64_t{node_->content.size()};
  }

 private:
  SimulatedFileSystem& files_;
  const SimulatedFileSystem::NodePtr node_;
  const std::string path_;
  const uint64_t generation_;
};

class SimulatedWriter final : public WritableFile {
 public:
  using Kind = SimulatedFileSystem::Write::Kind;
  SimulatedWriter(SimulatedFileSystem& files, SimulatedFileSystem::NodePtr node, std::string path,
                  uint64_t generation)
      : files_(files), node_(std::move(node)), path_(std::move(path)), generation_(generation) {}

  Status Append(std::string_view bytes) override {
    MutexLock lock(files_.mutex_);
    RETURN_IF_ERROR(CheckOpen());
    return files_.WriteTo(*node_, path_,
                          {Kind::kBytes, node_->content.size(), std::string(bytes), false});
  }
  Status WriteAt(uint64_t offset, std::string_view bytes) override {
    MutexLock lock(files_.mutex_);
    RETURN_IF_ERROR(CheckOpen());
    return files_.WriteTo(*node_, path_, {Kind::kBytes, offset, std::string(bytes), false});
  }
  Status Sync() override {
    MutexLock lock(files_.mutex_);
    RETURN_IF_ERROR(CheckOpen());
    return files_.SyncNode(*node_, path_);
  }
  Status Preallocate(uint64_t size_bytes) override {
    MutexLock lock(files_.mutex_);
    RETURN_IF_ERROR(CheckOpen());
    RETURN_IF_ERROR(files_.Enter(FileOperation::kPreallocate, path_));
    if (size_bytes <= node_->content.size()) return {};
    return files_.Resize(*node_, path_, {Kind::kExtend, size_bytes, {}, false});
  }
  Status Truncate(uint64_t size_bytes) override {
    MutexLock lock(files_.mutex_);
    RETURN_IF_ERROR(CheckOpen());
    RETURN_IF_ERROR(files_.Enter(FileOperation::kTruncate, path_));
    return files_.Resize(*node_, path_, {Kind::kTruncate, size_bytes, {}, false});
  }
  Status Close() override {
    open_ = false;
    return {};
  }

 private:
  Status CheckOpen() REQUIRES(files_.mutex_) {
    if (open_ && generation_ == files_.generation_) return {};
    return Status::Io("write " + path_ + ": " + (open_ ? "stale handle" : "closed file"));
  }
  SimulatedFileSystem& files_;
  const SimulatedFileSystem::NodePtr node_;
  const std::string path_;
  const uint64_t generation_;
  bool open_ = true;
};

class SimulatedLock final : public FileLock {
 public:
  SimulatedLock(SimulatedFileSystem& files, std::string path, uint64_t generation)
      : files_(files), path_(std::move(path)), generation_(generation) {}
  ~SimulatedLock() override {
    MutexLock lock(files_.mutex_);
    if (generation_ == files_.generation_) files_.locks_.erase(path_);
  }

 private:
  SimulatedFileSystem& files_;
  const std::string path_;
  const uint64_t generation_;
};

SimulatedFileSystem::SimulatedFileSystem(const Clock* clock) : clock_(clock) {}
SimulatedFileSystem::~SimulatedFileSystem() = default;

int64_t SimulatedFileSystem::NowMs() const { return clock_ ? clock_->NowMs() : 0; }

// --- faults and counters ---

Status SimulatedFileSystem::Enter(FileOperation operation, const std::string& path,
                                  bool* short_write) {
  if (Mutates(operation) && mutating_calls_ < power_cut_at_) {
    ++mutating_calls_;
  } else if (mutating_calls_ >= power_cut_at_) {
    return Status::Io(path + ": the power is off");
  }
  const auto own = static_cast<size_t>(operation);
  const auto any = static_cast<size_t>(FileOperation::kAny);
  for (const size_t kind : {own, any}) {
    const uint64_t call = ++calls_[kind];
    for (const Fault& fault : faults_[kind]) {
      if (call < fault.nth || call - fault.nth >= fault.count) continue;
      ++faults_fired_;
      if (kind == own) ++calls_[any];
      if (fault.fault == FileFault::kNoSpace) {
        return Status::ResourceExhausted(path + ": no space left on device (planted)");
      }
      if (fault.fault == FileFault::kShortWrite && short_write != nullptr) {
        *short_write = true;
        return {};
      }
      return Status::Io(path + ": input/output error (planted)");
    }
  }
  return {};
}

void SimulatedFileSystem::FailNth(FileOperation operation, uint64_t nth, FileFault fault,
                                  uint64_t count) {
  MutexLock lock(mutex_);
  const auto kind = static_cast<size_t>(operation);
  faults_[kind].push_back({calls_[kind] + nth, count, fault});
}

void SimulatedFileSystem::ClearFaults() {
  MutexLock lock(mutex_);
  for (auto& faults : faults_) faults.clear();
  faults_fired_ = 0;
}

uint64_t SimulatedFileSystem::faults_fired() const {
  MutexLock lock(mutex_);
  return faults_fired_;
}

uint64_t SimulatedFileSystem::calls(FileOperation operation) const {
  MutexLock lock(mutex_);
  return calls_[static_cast<size_t>(operation)];
}

void SimulatedFileSystem::SetCapacity(uint64_t bytes) {
  MutexLock lock(mutex_);
  capacity_bytes_ = bytes;
}

void SimulatedFileSystem::SetIgnoreSync(bool ignore) {
  MutexLock lock(mutex_);
  ignore_sync_ = ignore;
}

void SimulatedFileSystem::SetIgnoreDirectorySync(bool ignore) {
  MutexLock lock(mutex_);
  ignore_directory_sync_ = ignore;
}

void SimulatedFileSystem::CutPowerAfter(uint64_t calls) {
  MutexLock lock(mutex_);
  power_cut_at_ = mutating_calls_ + calls;
}

bool SimulatedFileSystem::power_is_cut() const {
  MutexLock lock(mutex_);
  return mutating_calls_ >= power_cut_at_;
}

uint64_t SimulatedFileSystem::mutating_calls() const {
  MutexLock lock(mutex_);
  return mutating_calls_;
}

// --- content ---

void SimulatedFileSystem::Apply(const Write& write, std::string* content) {
  switch (write.kind) {
    case Write::Kind::kTruncate: content->resize(write.offset, '\0'); break;
    case Write::Kind::kExtend:
      if (content->size() < write.offset) content->resize(write.offset, '\0');
      break;
    case Write::Kind::kBytes:
      if (write.bytes.empty()) break;
      if (content->size() < write.offset + write.bytes.size()) {
        content->resize(write.offset + write.bytes.size(), '\0');
      }
      content->replace(write.offset, write.bytes.size(), write.bytes);
      break;
  }
}

Status SimulatedFileSystem::WriteTo(Node& node, const std::string& path, Write write) {
  bool short_write = false;
  RETURN_IF_ERROR(Enter(FileOperation::kWrite, path, &short_write));
  const uint64_t wanted = write.bytes.size();
  uint64_t allowed = short_write ? wanted / 2 : wanted;
  if (capacity_bytes_ > 0) {
    const uint64_t room = capacity_bytes_ - std::min(capacity_bytes_, UsedBytes());
    const uint64_t limit = node.content.size() + room;  // the file may grow this far
    allowed = std::min(allowed, limit - std::min(limit, write.offset));
  }
  write.bytes.resize(allowed);
  Apply(write, &node.content);
  node.modified_ms = NowMs();
  if (allowed > 0) node.unsynced.push_back(std::move(write));
  if (allowed == wanted) return {};
  return Status::ResourceExhausted("write " + path + ": no space left on device after " +
                                   std::to_string(allowed) + " of " + std::to_string(wanted) +
                                   " bytes");
}

Status SimulatedFileSystem::Resize(Node& node, const std::string& path, Write write) {
  const uint64_t before = node.content.size();
  if (capacity_bytes_ > 0 && write.offset > before &&
      UsedBytes() + (write.offset - before) > capacity_bytes_) {
    return Status::ResourceExhausted("extend " + path + ": no space left on device");
  }
  Apply(write, &node.content);
  node.modified_ms = NowMs();
  node.unsynced.push_back(std::move(write));
  return {};
}

Status SimulatedFileSystem::SyncNode(Node& node, const std::string& path) {
  const Status entered = Enter(FileOperation::kSync, path);
  if (!entered.ok()) {
    if (mutating_calls_ < power_cut_at_) {
      for (Write& write : node.unsynced) write.lost = true;
    }
    return entered;
  }
  if (ignore_sync_) return {};
  for (const Write& write : node.unsynced) {
    if (!write.lost) Apply(write, &node.synced);
  }
  node.unsynced.clear();
  return {};
}

Result<std::unique_ptr<RandomAccessFile>> SimulatedFileSystem::OpenForRead(
    const std::string& raw_path) {
  const std::string path = Normal(raw_path);
  MutexLock lock(mutex_);
  RETURN_IF_ERROR(Enter(FileOperation::kOpenRead, path));
  NodePtr node = Find(path);
  if (!node) return Status::NotFound("open " + path + ": no such file");
  if (node->is_directory) return Status::Io("open " + path + ": is a directory");
  std::unique_ptr<RandomAccessFile> file =
      std::make_unique<SimulatedReader>(*this, std::move(node), path, generation_);
  return file;
}

Result<std::unique_ptr<WritableFile>> SimulatedFileSystem::OpenForWrite(const std::string& raw_path,
                                                                        OpenMode mode) {
  const std::string path = Normal(raw_path);
  MutexLock lock(mutex_);
  RETURN_IF_ERROR(Enter(FileOperation::kOpenWrite, path));
  RETURN_IF_ERROR(CheckParent(path));
  NodePtr node = Find(path);
  if (node && node->is_directory) return Status::Io("open " + path + ": is a directory");
  if (node && mode == OpenMode::kCreateNew) {
    return Status::AlreadyExists("create " + path + ": the file exists");
  }
  if (!node) {
    node = std::make_shared<Node>();
    node->modified_ms = NowMs();
    ChangeNames({{{path, node}}});
  } else if (mode == OpenMode::kTruncate && !node->content.empty()) {
    RETURN_IF_ERROR(Resize(*node, path, {Write::Kind::kTruncate, 0, {}, false}));
  }
  std::unique_ptr<WritableFile> file =
      std::make_unique<SimulatedWriter>(*this, std::move(node), path, generation_);
  return file;
}

Result<std::unique_ptr<FileLock>> SimulatedFileSystem::Lock(const std::string& raw_path,
                                                            std::string_view holder) {
  const std::string path = Normal(raw_path);
  MutexLock lock(mutex_);
  RETURN_IF_ERROR(Enter(FileOperation::kOpenWrite, path));
  RETURN_IF_ERROR(CheckParent(path));
  if (const auto held = locks_.find(path); held != locks_.end()) {
    return Status::Unavailable("lock " + path + ": held by " + held->second);
  }
  if (!Find(path)) ChangeNames({{{path, std::make_shared<Node>()}}});
  locks_[path] = std::string(holder);
  std::unique_ptr<FileLock> held = std::make_unique<SimulatedLock>(*this, path, generation_);
  return held;
}

Result<FileInfo> SimulatedFileSystem::Stat(const std::string& raw_path) {
  const std::string path = Normal(raw_path);
  MutexLock lock(mutex_);
  RETURN_IF_ERROR(Enter(FileOperation::kStat, path));
  if (path == "/" || path == ".") return FileInfo{0, 0, true};
  const NodePtr node = Find(path);
  if (!node) return Status::NotFound("stat " + path + ": no such file or directory");
  return FileInfo{node->content.size(), node->modified_ms, node->is_directory};
}

Result<uint64_t> SimulatedFileSystem::FreeSpace(const std::string& raw_path) {
  MutexLock lock(mutex_);
  RETURN_IF_ERROR(Enter(FileOperation::kStat, raw_path));
  if (capacity_bytes_ == 0) return uint64_t{1} << 50;
  return capacity_bytes_ - std::min(capacity_bytes_, UsedBytes());
}

Result<uint64_t> SimulatedFileSystem::TotalSpace(const std::string& raw_path) {
  MutexLock lock(mutex_);
  RETURN_IF_ERROR(Enter(FileOperation::kStat, raw_path));
  return capacity_bytes_ == 0 ? uint64_t{1} << 50 : capacity_bytes_;
}

}  // namespace thermocline
