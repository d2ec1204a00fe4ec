#include "bucket/local_bucket.h"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <set>
#include <utility>

#include "base/hash.h"
#include "base/mutex.h"
#include "env/failpoint.h"

namespace thermocline {

namespace {

FailPoint kBeforeSync("bucket.before_sync");
FailPoint kBeforeRename("bucket.before_rename");
FailPoint kAfterRename("bucket.after_rename");

constexpr std::string_view kUnfinishedSuffix = ".tmp";
constexpr uint64_t kVersionLimitBytes = uint64_t{64} << 20;
// Appends are gathered into writes of about this size.
constexpr size_t kWriteBytes = 256 << 10;
constexpr int kMaxDepth = 32;

bool IsUnfinished(std::string_view name) { return name.ends_with(kUnfinishedSuffix); }

// A key must stay below the root whatever it says.
Status CheckKey(std::string_view key) {
  if (key.empty() || key.size() > 4096 || key.front() == '/' || IsUnfinished(key) ||
      key.find('\0') != std::string_view::npos) {
    return Status::InvalidArgument(fmt::format("not an object key: '{}'", key));
  }
  for (size_t begin = 0; begin <= key.size();) {
    const size_t end = std::min(key.find('/', begin), key.size());
    const std::string_view part = key.substr(begin, end - begin);
    if (part.empty() || part == "." || part == "..") {
      return Status::InvalidArgument(fmt::format("not an object key: '{}'", key));
    }
    begin = end + 1;
  }
  return Status::Ok();
}

std::string VersionOf(std::string_view bytes) {
  return fmt::format("{:016x}-{}", Hash64(bytes), bytes.size());
}

}  // namespace

struct LocalBucket::Shared {
  std::atomic<uint64_t> read_requests{0};
  std::atomic<uint64_t> read_bytes{0};
  std::atomic<uint64_t> write_requests{0};
  std::atomic<uint64_t> written_bytes{0};
  std::atomic<uint64_t> list_requests{0};
  std::atomic<uint64_t> remove_requests{0};
  std::atomic<uint64_t> next_write{0};
  Mutex swap_mutex;  // held over PutIf's compare and swap, IO included: that is what it is for
  Mutex directories_mutex;
  // Directories known to be durable. Bounded by the directories there are.
  std::set<std::string> durable_directories GUARDED_BY(directories_mutex);
};

namespace {

class LocalObject : public Object {
 public:
  using Count = std::atomic<uint64_t>;
  LocalObject(std::string key, uint64_t size_bytes, std::unique_ptr<RandomAccessFile> file,
              std::shared_ptr<Count> requests, std::shared_ptr<Count> bytes)
      : key_(std::move(key)),
        size_bytes_(size_bytes),
        file_(std::move(file)),
        requests_(std::move(requests)),
        bytes_(std::move(bytes)) {}

  const std::string& key() const override { return key_; }
  uint64_t size_bytes() const override { return size_bytes_; }

  Status ReadRanges(std::span<const ByteRange> ranges,
                    std::vector<std::string>* out) const override {
    out->resize(ranges.size());
    for (size_t i = 0; i < ranges.size(); ++i) {
      const ByteRange& range = ranges[i];
      if (range.offset > size_bytes_ || range.size_bytes > size_bytes_ - range.offset) {
        return Status::OutOfRange(fmt::format("read {} offset {} size {}: the object has {} bytes",
                                              key_, range.offset, range.size_bytes, size_bytes_));
      }
      RETURN_IF_ERROR(file_->Read(range.offset, range.size_bytes, &(*out)[i]));
      requests_->fetch_add(1, std::memory_order_relaxed);
      bytes_->fetch_add((*out)[i].size(), std::memory_order_relaxed);
      if ((*out)[i].size() != range.size_bytes) {
        return Status::OutOfRange(fmt::format("read {} offset {} size {}: the file ends after {}",
                                              key_, range.offset, range.size_bytes,
                                              (*out)[i].size()));
      }
    }
    return Status::Ok();
  }

  Result<std::string> Version() const override {
    if (size_bytes_ > kVersionLimitBytes) {
      return Status::ResourceExhausted(fmt::format("version of {}: {} bytes are above {}", key_,
                                                   size_bytes_, kVersionLimitBytes));
    }
    ASSIGN_OR_RETURN(const std::string bytes, Read(0, size_bytes_));
    return VersionOf(bytes);
  }

 private:
  const std::string key_;
  const uint64_t size_bytes_;
  const std::unique_ptr<RandomAccessFile> file_;
  // Counters only: relaxed order is enough.
  const std::shared_ptr<Count> requests_;
  const std::shared_ptr<Count> bytes_;
};

class LocalWriter : public ObjectWriter {
 public:
  LocalWriter(FileSystem& files, std::string path, std::string temporary,
              std::unique_ptr<WritableFile> file, std::function<void(uint64_t)> published)
      : files_(files),
        path_(std::move(path)),
        temporary_(std::move(temporary)),
        file_(std::move(file)),
        published_(std::move(published)) {}
  ~LocalWriter() override { Abort(); }

  Status Append(std::string_view bytes) override {
    if (file_ == nullptr) return Status::InvalidArgument("append to a closed writer: " + path_);
    size_bytes_ += bytes.size();
    if (pending_.size() + bytes.size() < kWriteBytes) {
      pending_.append(bytes);
      return Status::Ok();
    }
    RETURN_IF_ERROR(Flush());
    return bytes.size() < kWriteBytes ? (pending_.assign(bytes), Status::Ok())
                                      : file_->Append(bytes);
  }

  Status Finish() override {
    if (file_ == nullptr) return Status::InvalidArgument("finish of a closed writer: " + path_);
    Status status = Publish();
    if (!status.ok()) Abort();
    return status;
  }

  void Abort() override {
    if (file_ == nullptr) return;
    file_.reset();
    // What stays behind after an error is found by RemoveUnfinished.
    if (const Status removed = files_.RemoveFile(temporary_); !removed.ok()) return;
  }

 private:
  Status Flush() {
    if (pending_.empty()) return Status::Ok();
    const Status status = file_->Append(pending_);
    pending_.clear();
    return status;
  }

  Status Publish() {
    RETURN_IF_ERROR(Flush());
    RETURN_IF_ERROR(kBeforeSync.Hit());
    RETURN_IF_ERROR(file_->Sync());
    RETURN_IF_ERROR(file_->Close());
    RETURN_IF_ERROR(kBeforeRename.Hit());
    RETURN_IF_ERROR(files_.Rename(temporary_, path_));
    file_.reset();
    RETURN_IF_ERROR(kAfterRename.Hit());
    RETURN_IF_ERROR(files_.SyncDirectory(ParentPath(path_)));
    published_(size_bytes_);
    return Status::Ok();
  }

  FileSystem& files_;
  const std::string path_;
  const std::string temporary_;
  std::unique_ptr<WritableFile> file_;  // null once finished or aborted
  std::string pending_;
  uint64_t size_bytes_ = 0;
  std::function<void(uint64_t)> published_;
};

// Creates `path` and makes its name durable, and those of its parents up to `root`'s, or higher
// where root's parents were missing. A directory below that is already there may have been created
// by a writer that died before its sync.
Status CreateDurably(FileSystem& files, const std::string& root, std::string path) {
  std::string top = root;
  for (std::string parent = ParentPath(top); parent != top && !files.Exists(parent);
       parent = ParentPath(top)) {
    top = parent;
  }
  RETURN_IF_ERROR(files.CreateDirectories(path));
  while (true) {
    std::string parent(ParentPath(path));
    RETURN_IF_ERROR(files.SyncDirectory(parent));
    if (path == top || parent == path || parent.size() < top.size()) return Status::Ok();
    path = std::move(parent);
  }
}

Status ListBelow(FileSystem& files, const std::string& root, const std::string& below, int depth,
                 const std::function<Status(const std::string& key)>& visit) {
  if (depth > kMaxDepth) return Status::ResourceExhausted("folders nest too deep: " + below);
  auto entries = files.List(JoinPath(root, below));
  if (!entries.ok()) {
    return entries.status().code() == Code::kNotFound ? Status::Ok() : entries.status();
  }
  for (const DirectoryEntry& entry : *entries) {
    const std::string key = JoinPath(below, entry.name);
    RETURN_IF_ERROR(entry.is_directory ? ListBelow(files, root, key, depth + 1, visit)
                                       : visit(key));
  }
  return Status::Ok();
}

}  // namespace

LocalBucket::LocalBucket(FileSystem& files, std::string root)
    : files_(files), root_(std::move(root)), shared_(std::make_shared<Shared>()) {}
LocalBucket::~LocalBucket() = default;

Result<std::vector<ObjectInfo>> LocalBucket::List(std::string_view prefix) {
  shared_->list_requests.fetch_add(1, std::memory_order_relaxed);
  // The whole folders in the prefix need no search beside them.
  const size_t slash = prefix.rfind('/');
  const std::string folder(slash == std::string_view::npos ? "" : prefix.substr(0, slash));
  if (!folder.empty()) RETURN_IF_ERROR(CheckKey(folder));
  std::vector<ObjectInfo> objects;
  RETURN_IF_ERROR(ListBelow(files_, root_, folder, 0, [&](const std::string& key) -> Status {
    if (!key.starts_with(prefix) || IsUnfinished(key)) return Status::Ok();
    auto info = files_.Stat(JoinPath(root_, key));
    // Removed meanwhile.
    if (!info.ok() && info.status().code() == Code::kNotFound) return Status::Ok();
    if (!info.ok()) return info.status();
    objects.push_back({key, info->size_bytes, info->modified_ms});
    return Status::Ok();
  }));
  std::sort(objects.begin(), objects.end(),
            [](const ObjectInfo& a, const ObjectInfo& b) { return a.key < b.key; });
  return objects;
}

Result<std::unique_ptr<Object>> LocalBucket::Open(const std::string& key,
                                                  std::optional<uint64_t> known_size_bytes) {
  RETURN_IF_ERROR(CheckKey(key));
  ASSIGN_OR_RETURN(auto file, files_.OpenForRead(JoinPath(root_, key)));
  uint64_t size_bytes = 0;
  if (known_size_bytes) {
    size_bytes = *known_size_bytes;
  } else {
    ASSIGN_OR_RETURN(size_bytes, file->Size());
  }
  // Aliasing pointers: the object keeps the counters alive, not the bucket.
  using Count = std::atomic<uint64_t>;
  return std::unique_ptr<Object>(std::make_unique<LocalObject>(
      key, size_bytes, std::move(file), std::shared_ptr<Count>(shared_, &shared_->read_requests),
      std::shared_ptr<Count>(shared_, &shared_->read_bytes)));
}

Result<std::unique_ptr<ObjectWriter>> LocalBucket::NewWriter(const std::string& key) {
  RETURN_IF_ERROR(CheckKey(key));
  const std::string path = JoinPath(root_, key);
  const std::string folder(ParentPath(path));
  {
    MutexLock lock(shared_->directories_mutex);
    if (!shared_->durable_directories.contains(folder) || !files_.Exists(folder)) {
      RETURN_IF_ERROR(CreateDurably(files_, root_, folder));
      shared_->durable_directories.insert(folder);
    }
  }
  const uint64_t number = shared_->next_write.fetch_add(1, std::memory_order_relaxed);
  std::string temporary = fmt::format("{}.{}{}", path, number, kUnfinishedSuffix);
  ASSIGN_OR_RETURN(auto file, files_.OpenForWrite(temporary, OpenMode::kTruncate));
  auto published = [shared = shared_](uint64_t size_bytes) {
    shared->write_requests.fetch_add(1, std::memory_order_relaxed);
    shared->written_bytes.fetch_add(size_bytes, std::memory_order_relaxed);
  };
  return std::unique_ptr<ObjectWriter>(std::make_unique<LocalWriter>(
      files_, path, std::move(temporary), std::move(file), std::move(published)));
}

Result<std::string> LocalBucket::PutIf(const std::string& key, std::string_view bytes,
                                       const std::string& expected_version) {
  MutexLock lock(shared_->swap_mutex);
  std::string version;
  auto object = Open(key);
  if (object.ok()) {
    ASSIGN_OR_RETURN(version, (*object)->Version());
  } else if (object.status().code() != Code::kNotFound) {
    return object.status();
  }
  if (version != expected_version) {
    return Status::AlreadyExists(
        fmt::format("put of {} expected version '{}', found '{}'", key, expected_version, version));
  }
  RETURN_IF_ERROR(Put(key, bytes));
  return VersionOf(bytes);
}

Status LocalBucket::Remove(const std::string& key) {
  RETURN_IF_ERROR(CheckKey(key));
  shared_->remove_requests.fetch_add(1, std::memory_order_relaxed);
  const std::string path = JoinPath(root_, key);
  RETURN_IF_ERROR(files_.RemoveFile(path));
  return files_.SyncDirectory(ParentPath(path));
}

BucketCounters LocalBucket::counters() const {
  BucketCounters counters;
  counters.read_requests = shared_->read_requests.load(std::memory_order_relaxed);
  counters.read_bytes = shared_->read_bytes.load(std::memory_order_relaxed);
  counters.write_requests = shared_->write_requests.load(std::memory_order_relaxed);
  counters.written_bytes = shared_->written_bytes.load(std::memory_order_relaxed);
  counters.list_requests = shared_->list_requests.load(std::memory_order_relaxed);
  counters.remove_requests = shared_->remove_requests.load(std::memory_order_relaxed);
  return counters;
}

Result<uint64_t> LocalBucket::RemoveUnfinished() {
  uint64_t removed = 0;
  RETURN_IF_ERROR(ListBelow(files_, root_, "", 0, [&](const std::string& key) -> Status {
    if (!IsUnfinished(key)) return Status::Ok();
    ++removed;
    return files_.RemoveFile(JoinPath(root_, key));
  }));
  return removed;
}

}  // namespace thermocline
