// The names of the simulated file system: lookups, changes, and which of them are durable.
#include <algorithm>
#include <utility>

#include "env/simulated/simulated_file_system.h"

namespace thermocline {
namespace {

bool IsRoot(const std::string& path) { return path == "/" || path == "."; }

// What every name below `path` starts with.
std::string ChildPrefix(const std::string& path) {
  if (path == ".") return "";
  return path == "/" ? path : path + "/";
}

bool IsChild(const std::string& prefix, const std::string& path) {
  if (prefix.empty() && path.front() == '/') return false;
  return path.size() > prefix.size() && path.compare(0, prefix.size(), prefix) == 0 &&
         path.find('/', prefix.size()) == std::string::npos;
}

}  // namespace

std::string SimulatedFileSystem::Normal(std::string_view path) {
  std::string out = !path.empty() && path.front() == '/' ? "/" : "";
  while (!path.empty()) {
    const size_t slash = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, slash);
    path.remove_prefix(std::min(slash + 1, path.size()));
    if (part.empty() || part == ".") continue;
    if (!out.empty() && out.back() != '/') out.push_back('/');
    out += part;
  }
  return out.empty() ? "." : out;
}

SimulatedFileSystem::NodePtr SimulatedFileSystem::Find(const std::string& path) const {
  const auto found = names_.find(path);
  return found == names_.end() ? nullptr : found->second;
}

Status SimulatedFileSystem::CheckParent(const std::string& path) const {
  const std::string parent = ParentPath(path);
  if (IsRoot(parent)) return {};
  const NodePtr node = Find(parent);
  if (node && node->is_directory) return {};
  return Status::NotFound(path + ": no such directory: " + parent);
}

bool SimulatedFileSystem::HasChildren(const std::string& path) const {
  const std::string prefix = ChildPrefix(path);
  const auto next = names_.lower_bound(prefix);
  return next != names_.end() && next->first.compare(0, prefix.size(), prefix) == 0;
}

uint64_t SimulatedFileSystem::UsedBytes() const {
  uint64_t bytes = 0;
  for (const auto& [path, node] : names_) bytes += node->content.size();
  return bytes;
}

void SimulatedFileSystem::ChangeNames(NameChange change) {
  for (const auto& [path, node] : change.names) {
    if (node) {
      names_[path] = node;
    } else {
      names_.erase(path);
    }
  }
  unsynced_names_.push_back(std::move(change));
}

Status SimulatedFileSystem::Rename(const std::string& raw_from, const std::string& raw_to) {
  const std::string from = Normal(raw_from);
  const std::string to = Normal(raw_to);
  MutexLock lock(mutex_);
  RETURN_IF_ERROR(Enter(FileOperation::kRename, from));
  RETURN_IF_ERROR(CheckParent(to));
  const NodePtr node = Find(from);
  if (!node) return Status::NotFound("rename " + from + " to " + to + ": no such file");
  if (from == to) return {};
  const NodePtr target = Find(to);
  if (target && (target->is_directory != node->is_directory || HasChildren(to))) {
    return Status::Io("rename " + from + " to " + to + ": the target is in the way");
  }
  NameChange change{{{from, nullptr}, {to, node}}};
  if (node->is_directory) {
    const std::string prefix = from + "/";
    for (auto it = names_.lower_bound(prefix);
         it != names_.end() && it->first.compare(0, prefix.size(), prefix) == 0; ++it) {
      change.names.emplace_back(it->first, nullptr);
      change.names.emplace_back(to + "/" + it->first.substr(prefix.size()), it->second);
    }
  }
  ChangeNames(std::move(change));
  return {};
}

Status SimulatedFileSystem::RemoveFile(const std::string& raw_path) {
  const std::string path = Normal(raw_path);
  MutexLock lock(mutex_);
  RETURN_IF_ERROR(Enter(FileOperation::kRemove, path));
  const NodePtr node = Find(path);
  if (!node) return Status::NotFound("remove " + path + ": no such file");
  if (node->is_directory) return Status::Io("remove " + path + ": is a directory");
  ChangeNames({{{path, nullptr}}});
  return {};
}

Status SimulatedFileSystem::RemoveDirectory(const std::string& raw_path) {
  const std::string path = Normal(raw_path);
  MutexLock lock(mutex_);
  RETURN_IF_ERROR(Enter(FileOperation::kRemove, path));
  const NodePtr node = Find(path);
  if (!node) return Status::NotFound("remove " + path + ": no such directory");
  if (!node->is_directory) return Status::Io("remove " + path + ": not a directory");
  if (HasChildren(path)) return Status::Io("remove " + path + ": directory not empty");
  ChangeNames({{{path, nullptr}}});
  return {};
}

Status SimulatedFileSystem::CreateDirectories(const std::string& raw_path) {
  const std::string path = Normal(raw_path);
  MutexLock lock(mutex_);
  RETURN_IF_ERROR(Enter(FileOperation::kCreateDirectory, path));
  for (size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string prefix = path.substr(0, end);
    if (!IsRoot(prefix)) {
      NodePtr node = Find(prefix);
      if (node && !node->is_directory) {
        return Status::AlreadyExists("create directory " + prefix + ": a file is in the way");
      }
      if (!node) {
        node = std::make_shared<Node>();
        node->is_directory = true;
        node->modified_ms = NowMs();
        ChangeNames({{{prefix, std::move(node)}}});
      }
    }
    if (end == std::string::npos) return {};
  }
}

Status SimulatedFileSystem::SyncDirectory(const std::string& raw_path) {
  const std::string path = Normal(raw_path);
  MutexLock lock(mutex_);
  RETURN_IF_ERROR(Enter(FileOperation::kSyncDirectory, path));
  const NodePtr node = Find(path);
  if (!IsRoot(path) && !(node && node->is_directory)) {
    return Status::NotFound("sync directory " + path + ": no such directory");
  }
  if (ignore_directory_sync_) return {};
  const std::string prefix = ChildPrefix(path);
  for (NameChange& change : unsynced_names_) {
    // A directory's rename takes what is below it along.
    const bool whole = change.names.size() > 2 && IsChild(prefix, change.names[1].first);
    std::vector<std::pair<std::string, NodePtr>> rest;
    for (auto& [name, target] : change.names) {
      if (!whole && !IsChild(prefix, name)) {
        rest.emplace_back(name, target);
      } else if (target) {
        durable_names_[name] = target;
      } else {
        durable_names_.erase(name);
      }
    }
    change.names = std::move(rest);
  }
  std::erase_if(unsynced_names_, [](const NameChange& change) { return change.names.empty(); });
  return {};
}

Result<std::vector<DirectoryEntry>> SimulatedFileSystem::List(const std::string& raw_path) {
  const std::string path = Normal(raw_path);
  MutexLock lock(mutex_);
  RETURN_IF_ERROR(Enter(FileOperation::kList, path));
  const NodePtr node = Find(path);
  if (!IsRoot(path) && !(node && node->is_directory)) {
    return Status::NotFound("list " + path + ": no such directory");
  }
  const std::string prefix = ChildPrefix(path);
  std::vector<DirectoryEntry> entries;
  for (auto it = names_.lower_bound(prefix); it != names_.end(); ++it) {
    if (it->first.compare(0, prefix.size(), prefix) != 0) break;
    if (!IsChild(prefix, it->first)) continue;
    entries.push_back({it->first.substr(prefix.size()), it->second->is_directory});
  }
  return entries;
}

}  // namespace thermocline
