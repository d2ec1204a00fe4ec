#include "env/file_system.h"

namespace thermocline {

bool FileSystem::Exists(const std::string& path) { return Stat(path).ok(); }

Result<std::string> FileSystem::ReadFile(const std::string& path, uint64_t limit_bytes) {
  ASSIGN_OR_RETURN(auto file, OpenForRead(path));
  ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  if (size > limit_bytes) {
    return Status::ResourceExhausted(path + ": " + std::to_string(size) + " bytes, the limit is " +
                                     std::to_string(limit_bytes));
  }
  std::string bytes;
  RETURN_IF_ERROR(file->Read(0, size, &bytes));
  return bytes;
}

Status FileSystem::WriteFileAtomically(const std::string& path, std::string_view bytes) {
  const std::string temporary = path + ".tmp";
  ASSIGN_OR_RETURN(auto file, OpenForWrite(temporary, OpenMode::kTruncate));
  Status status = file->Append(bytes);
  if (status.ok()) status = file->Sync();
  if (status.ok()) status = file->Close();
  if (status.ok()) status = Rename(temporary, path);
  if (!status.ok()) {
    // Best effort: the next writer truncates a leftover anyway.
    static_cast<void>(RemoveFile(temporary));
    return status;
  }
  return SyncDirectory(ParentPath(path));
}

std::string JoinPath(std::string_view base, std::string_view name) {
  std::string path(base);
  if (!path.empty() && path.back() != '/') path.push_back('/');
  path += name;
  return path;
}

std::string ParentPath(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return slash == 0 ? "/" : std::string(path.substr(0, slash));
}

}  // namespace thermocline
