#include "store/ballast.h"

#include <utility>

namespace thermocline {

Ballast::Ballast(FileSystem& files, std::string path, uint64_t size_bytes)
    : files_(files), path_(std::move(path)), size_bytes_(size_bytes) {}

Status Ballast::Open() {
  const auto info = files_.Stat(path_);
  if (!info.ok()) {
    return info.status().code() == Code::kNotFound ? Status::Ok() : info.status();
  }
  held_bytes_.store(info->size_bytes, std::memory_order_relaxed);
  return info->size_bytes == size_bytes_ && size_bytes_ > 0 ? Status::Ok() : Release();
}

Status Ballast::Take(uint64_t floor_bytes) {
  if (size_bytes_ == 0 || held_bytes() > 0) return {};
  ASSIGN_OR_RETURN(const uint64_t free_bytes, files_.FreeSpace(ParentPath(path_)));
  if (free_bytes < floor_bytes || free_bytes - floor_bytes < size_bytes_) return {};
  const Status made = Make();
  if (made.ok()) {
    held_bytes_.store(size_bytes_, std::memory_order_relaxed);
  } else if (files_.Exists(path_)) {
    // What could be reserved must not stay taken. Should this fail too, the next Open sees it.
    static_cast<void>(files_.RemoveFile(path_));
  }
  return made;
}

Status Ballast::Make() {
  ASSIGN_OR_RETURN(const auto file, files_.OpenForWrite(path_, OpenMode::kTruncate));
  RETURN_IF_ERROR(file->Preallocate(size_bytes_));
  RETURN_IF_ERROR(file->Sync());
  RETURN_IF_ERROR(file->Close());
  return files_.SyncDirectory(ParentPath(path_));
}

Status Ballast::Release() {
  if (held_bytes() == 0) return {};
  const Status removed = files_.RemoveFile(path_);
  if (!removed.ok() && removed.code() != Code::kNotFound) return removed;
  held_bytes_.store(0, std::memory_order_relaxed);
  return files_.SyncDirectory(ParentPath(path_));
}

}  // namespace thermocline
