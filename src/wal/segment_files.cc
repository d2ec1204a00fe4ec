#include "wal/segment_files.h"

#include <algorithm>
#include <utility>

#include "env/failpoint.h"

namespace thermocline::wal {
namespace {

FailPoint before_segment_create("wal.before_segment_create");
FailPoint after_header_sync("wal.after_header_sync");
FailPoint after_segment_rename("wal.after_segment_rename");
FailPoint before_truncate("wal.before_truncate");
FailPoint after_truncate("wal.after_truncate");

}  // namespace

SegmentFiles::SegmentFiles(const LogOptions& options, Env env, const Replayed& found)
    : directory_(options.directory),
      segment_size_bytes_(options.segment_size_bytes),
      free_space_floor_bytes_(options.free_space_floor_bytes),
      inline_work_(options.inline_commit),
      env_(env),
      full_bytes_(first_bytes()) {
  MutexLock lock(mutex_);
  segments_ = found.segments;
  spares_ = found.spares;
  if (!segments_.empty()) next_id_ = segments_.rbegin()->first.number + 1;
  if (!spares_.empty()) next_spare_ = spares_.rbegin()->first + 1;
  DropSpares(0);
}

SegmentFiles::~SegmentFiles() {
  MutexLock lock(mutex_);
  while (preparing_) idle_.Wait(mutex_);
}

std::string SegmentFiles::PathOf(SegmentId id) const {
  return JoinPath(directory_, SegmentName(id));
}

std::string SegmentFiles::SparePath(uint64_t number) const {
  return JoinPath(directory_, SpareName(number));
}

// A spare that exists, or a new empty file under a spare's name.
Result<uint64_t> SegmentFiles::TakeSpare(uint64_t* size_bytes) {
  uint64_t number = 0;
  {
    MutexLock lock(mutex_);
    if (!spares_.empty()) {
      const auto first = spares_.begin();
      number = first->first;
      *size_bytes = first->second;
      spares_.erase(first);
      return number;
    }
    number = next_spare_++;
  }
  *size_bytes = 0;
  ASSIGN_OR_RETURN(const auto file,
                   env_.files.OpenForWrite(SparePath(number), OpenMode::kTruncate));
  RETURN_IF_ERROR(file->Close());
  return number;
}

Result<std::unique_ptr<SegmentWriter>> SegmentFiles::Create(Lsn previous_lsn, Lsn first_lsn,
                                                            bool reserved) {
  RETURN_IF_ERROR(before_segment_create.Hit());
  if (!reserved && free_space_floor_bytes_ > 0) {
    ASSIGN_OR_RETURN(const uint64_t free, env_.files.FreeSpace(directory_));
    if (free < free_space_floor_bytes_) {
      return Status::Unavailable("free space of " + directory_ + " is " + std::to_string(free) +
                                 " bytes, the floor is " + std::to_string(free_space_floor_bytes_));
    }
  }
  SegmentHeader header;
  {
    MutexLock lock(mutex_);
    header.id = SegmentId(next_id_++);
  }
  header.epoch = MakeEpoch(header.id, env_.random.Next());
  header.first_lsn = first_lsn;
  header.previous_lsn = previous_lsn;
  uint64_t size_bytes = 0;
  ASSIGN_OR_RETURN(const uint64_t spare, TakeSpare(&size_bytes));
  auto writer = Promote(spare, header, size_bytes);
  if (!writer.ok()) {
    // Whatever is left of the file under its old name is not trusted again. Best effort: a leftover
    // spare is harmless.
    static_cast<void>(env_.files.RemoveFile(SparePath(spare)));
  }
  return writer;
}

Result<std::unique_ptr<SegmentWriter>> SegmentFiles::Promote(uint64_t spare,
                                                             const SegmentHeader& header,
                                                             uint64_t size_bytes) {
  const std::string from = SparePath(spare);
  ASSIGN_OR_RETURN(auto file, env_.files.OpenForWrite(from, OpenMode::kKeep));
  std::string bytes = EncodeSegmentHeader(header);
  bytes.append(kFragmentHeaderBytes, '\0');
  RETURN_IF_ERROR(file->WriteAt(0, bytes));
  RETURN_IF_ERROR(file->Sync());
  RETURN_IF_ERROR(after_header_sync.Hit());
  RETURN_IF_ERROR(env_.files.Rename(from, PathOf(header.id)));
  {
    // From here on the file exists as a segment, whatever happens next.
    MutexLock lock(mutex_);
    segments_[header.id] = {header.first_lsn, std::max<uint64_t>(size_bytes, bytes.size()), false};
  }
  RETURN_IF_ERROR(after_segment_rename.Hit());
  RETURN_IF_ERROR(env_.files.SyncDirectory(directory_));
  begun_ns_ = env_.clock.SteadyNs();
  return std::make_unique<SegmentWriter>(std::move(file), header);
}

void SegmentFiles::Grow() {
  busy_ = env_.clock.SteadyNs() - begun_ns_ <= kFastNs;
  if (busy_) {
    full_bytes_ = std::min(2 * full_bytes(), segment_size_bytes_);
    return;
  }
  MutexLock lock(mutex_);
  DropSpares(full_bytes());  // prepared when it looked faster
}

void SegmentFiles::StartOver() {
  full_bytes_ = first_bytes();
  busy_ = false;
  MutexLock lock(mutex_);
  DropSpares(0);
  ++starts_;
  spare_tried_before_ = next_id_;  // the old segment is half full by the new measure
}

void SegmentFiles::DropIdleSpares() {
  const int64_t now_ns = env_.clock.SteadyNs();
  if (now_ns - written_ns_ < kIdleNs && now_ns - begun_ns_ <= kFastNs) return;
  MutexLock lock(mutex_);
  DropSpares(0);
}

void SegmentFiles::DropSpares(uint64_t largest_bytes) {
  for (auto it = spares_.begin(); it != spares_.end();) {
    if (it->second <= largest_bytes) {
      ++it;
      continue;
    }
    // Best effort: a leftover spare is harmless, and the next opening finds it.
    static_cast<void>(env_.files.RemoveFile(SparePath(it->first)));
    it = spares_.erase(it);
  }
}

Status SegmentFiles::Release(SegmentId end) {
  for (;;) {
    std::pair<SegmentId, SegmentState> oldest;
    uint64_t spare = 0;
    {
      MutexLock lock(mutex_);
      // The last one is being written, or is the only witness of where the log ended.
      if (segments_.size() <= 1 || segments_.begin()->first >= end) return {};
      oldest = *segments_.begin();
      const bool recycle = busy_ && !oldest.second.must_keep &&
                           oldest.second.size_bytes <= full_bytes() &&
                           spares_.size() + preparing_ < kMaxSpares;
      if (recycle) spare = next_spare_++;
    }
    RETURN_IF_ERROR(before_truncate.Hit());
    RETURN_IF_ERROR(MoveAway(oldest.first, oldest.second, spare));
    {
      MutexLock lock(mutex_);
      segments_.erase(oldest.first);
    }
    // Only now may the file be written as something else.
    RETURN_IF_ERROR(env_.files.SyncDirectory(directory_));
    RETURN_IF_ERROR(after_truncate.Hit());
    MutexLock lock(mutex_);
    if (spare > 0) spares_[spare] = oldest.second.size_bytes;
  }
}

Status SegmentFiles::MoveAway(SegmentId id, const SegmentState& state, uint64_t spare) {
  if (spare > 0) return env_.files.Rename(PathOf(id), SparePath(spare));
  if (!state.must_keep) return env_.files.RemoveFile(PathOf(id));
  const std::string folder = JoinPath(directory_, "quarantine");
  RETURN_IF_ERROR(env_.files.CreateDirectories(folder));
  RETURN_IF_ERROR(env_.files.Rename(PathOf(id), JoinPath(folder, SegmentName(id))));
  return env_.files.SyncDirectory(folder);
}

void SegmentFiles::PrepareSpare() {
  // It is half full now.
  if (env_.clock.SteadyNs() - begun_ns_ > kFastNs / 2) return;
  const uint64_t size_bytes = std::min(2 * full_bytes(), segment_size_bytes_);
  uint64_t number = 0;
  uint64_t start = 0;
  {
    MutexLock lock(mutex_);
    if (preparing_ || !spares_.empty() || spare_tried_before_ == next_id_) return;
    preparing_ = true;
    spare_tried_before_ = next_id_;
    number = next_spare_++;
    start = starts_;
  }
  if (inline_work_) return MakeSpare(number, size_bytes, start);
  const auto work = [=, this] { MakeSpare(number, size_bytes, start); };
  if (env_.executor.Submit(work).ok()) return;
  // A busy pool means no spare now: making one here would hold up the committer.
  MutexLock lock(mutex_);
  preparing_ = false;
  idle_.NotifyAll();
}

void SegmentFiles::MakeSpare(uint64_t number, uint64_t size_bytes, uint64_t start) {
  const std::string path = SparePath(number);
  const auto make = [&]() -> Status {
    ASSIGN_OR_RETURN(const uint64_t free, env_.files.FreeSpace(directory_));
    if (free < free_space_floor_bytes_ + size_bytes) {
      return Status::ResourceExhausted("no room for a spare segment in " + directory_);
    }
    ASSIGN_OR_RETURN(const auto file, env_.files.OpenForWrite(path, OpenMode::kTruncate));
    RETURN_IF_ERROR(file->Preallocate(size_bytes));
    RETURN_IF_ERROR(file->Sync());
    return file->Close();
  };
  const Status made = make();
  if (!made.ok()) {
    env_.logger.Log(LogLevel::kWarn, "wal", "cannot prepare a spare segment",
                    {{"file", path}, {"error", made.ToString()}});
    // Best effort: a leftover spare is harmless.
    static_cast<void>(env_.files.RemoveFile(path));
  }
  MutexLock lock(mutex_);
  if (made.ok()) {
    spares_[number] = size_bytes;
    if (starts_ != start) DropSpares(0);
  }
  preparing_ = false;
  idle_.NotifyAll();
}

SegmentId SegmentFiles::SegmentOf(Lsn lsn) const {
  MutexLock lock(mutex_);
  SegmentId found;
  for (const auto& [id, state] : segments_) {
    if (state.first_lsn > lsn) break;
    found = id;
  }
  return found;
}

void SegmentFiles::SetSize(SegmentId id, uint64_t size_bytes) {
  written_ns_ = env_.clock.SteadyNs();
  MutexLock lock(mutex_);
  SegmentState& state = segments_[id];
  state.size_bytes = std::max(state.size_bytes, size_bytes);
}

uint64_t SegmentFiles::size_bytes() const {
  MutexLock lock(mutex_);
  uint64_t bytes = 0;
  for (const auto& [id, state] : segments_) bytes += state.size_bytes;
  for (const auto& [number, size] : spares_) bytes += size;
  return bytes;
}

}  // namespace thermocline::wal
