#include "convert/staging.h"

#include <algorithm>
#include <charconv>
#include <tuple>
#include <utility>

namespace thermocline {
namespace {

constexpr std::string_view kAside = ".converting";
constexpr std::string_view kMarkName = "parquet-converter-mark.json";
constexpr int kMostLevels = 32;

std::string WithoutSlashes(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

Status RemoveTree(FileSystem& files, const std::string& path, int levels = kMostLevels) {
  if (levels == 0) return Status::Io(path + ": folders too deep");
  ASSIGN_OR_RETURN(const auto entries, files.List(path));
  for (const DirectoryEntry& entry : entries) {
    const std::string below = JoinPath(path, entry.name);
    RETURN_IF_ERROR(entry.is_directory ? RemoveTree(files, below, levels - 1)
                                       : files.RemoveFile(below));
  }
  return files.RemoveDirectory(path);
}

// Paths of files below `path`, relative to it.
Status ListTree(FileSystem& files, const std::string& path, const std::string& prefix,
                std::vector<std::string>* out) {
  ASSIGN_OR_RETURN(const auto entries, files.List(path));
  for (const DirectoryEntry& entry : entries) {
    const std::string name = JoinPath(prefix, entry.name);
    if (entry.is_directory) {
      RETURN_IF_ERROR(ListTree(files, JoinPath(path, entry.name), name, out));
    } else {
      out->push_back(name);
    }
  }
  return Status::Ok();
}

// What makes other files visible comes after them.
int Rank(const std::string& name) {
  if (name.ends_with("meta.pb")) return 2;
  if (name.ends_with(kMarkName)) return 2;
  return name.ends_with("stream.pb") ? 1 : 0;
}

// The number of a shard's file, or -1. Without shard 0 readers see none, and none without labels.
int64_t ShardNumber(const std::string& name) {
  if (!name.ends_with(".labels.parquet") && !name.ends_with(".chunks.parquet")) return -1;
  const size_t begin = name.rfind('/') + 1;  // 0 when there is none
  int64_t number = -1;
  const auto [end, error] = std::from_chars(name.data() + begin, name.data() + name.size(), number);
  return error == std::errc() && *end == '.' ? number : -1;
}

bool PublishedBefore(const std::string& a, const std::string& b) {
  const auto key = [](const std::string& name) {
    return std::tuple(Rank(name), -ShardNumber(name), name);
  };
  return key(a) < key(b);
}

}  // namespace

// Within a folder that is there already: it may be a mount point, which nothing is renamed onto.
Staging::Staging(FileSystem& files, std::string target)
    : files_(files),
      target_(std::move(target)),
      within_(files.Exists(target_)),
      aside_(within_ ? JoinPath(target_, kAside) : target_ + std::string(kAside)),
      out_(JoinPath(aside_, "out")) {}

Result<bool> Staging::TargetIsEmpty() const {
  ASSIGN_OR_RETURN(const auto entries, files_.List(target_));
  return std::all_of(entries.begin(), entries.end(),
                     [](const DirectoryEntry& entry) { return entry.name == kAside; });
}

Result<std::unique_ptr<Staging>> Staging::Begin(FileSystem& files, const std::string& target,
                                                bool may_join) {
  std::unique_ptr<Staging> staging(new Staging(files, WithoutSlashes(target)));
  if (staging->within_) {
    ASSIGN_OR_RETURN(const FileInfo info, files.Stat(staging->target_));
    if (!info.is_directory) return Status::AlreadyExists(staging->target_ + ": not a folder");
    ASSIGN_OR_RETURN(const bool empty, staging->TargetIsEmpty());
    if (!empty && !may_join) {
      return Status::AlreadyExists(staging->target_ + ": not empty");
    }
  }
  RETURN_IF_ERROR(files.CreateDirectories(staging->aside_));
  ASSIGN_OR_RETURN(staging->lock_, files.Lock(JoinPath(staging->aside_, "lock"), "convert"));
  if (files.Exists(staging->out_)) RETURN_IF_ERROR(RemoveTree(files, staging->out_));
  RETURN_IF_ERROR(files.CreateDirectories(staging->out_));
  return staging;
}

Staging::~Staging() {
  if (lock_ == nullptr) return;  // another run's
  lock_.reset();
  (void)RemoveTree(files_, aside_);  // the next run removes what stays
}

Status Staging::Publish() {
  if (files_.Exists(target_)) {
    ASSIGN_OR_RETURN(const bool empty, TargetIsEmpty());
    return empty ? Move() : Join();
  }
  RETURN_IF_ERROR(files_.SyncDirectory(out_));
  RETURN_IF_ERROR(files_.Rename(out_, target_));
  // The parent may be as new as the target.
  const std::string parent = ParentPath(target_);
  RETURN_IF_ERROR(files_.SyncDirectory(parent));
  return parent == "." || parent == "/" ? Status::Ok() : files_.SyncDirectory(ParentPath(parent));
}

Status Staging::Move() {
  ASSIGN_OR_RETURN(auto entries, files_.List(out_));
  // Folders without a meta.pb first: the gateway's data of the stream without labels, which the
  // meta.pb in folders of their own make visible.
  std::vector<std::pair<bool, std::string>> folders;
  std::vector<std::string> names;
  for (const DirectoryEntry& entry : entries) {
    if (!entry.is_directory) {
      names.push_back(entry.name);
      continue;
    }
    std::vector<std::string> below;
    RETURN_IF_ERROR(ListTree(files_, JoinPath(out_, entry.name), entry.name, &below));
    const bool visible = std::any_of(below.begin(), below.end(),
                                     [](const std::string& name) { return Rank(name) > 0; });
    folders.emplace_back(visible, entry.name);
  }
  std::sort(folders.begin(), folders.end());
  std::sort(names.begin(), names.end(), PublishedBefore);
  std::vector<std::string> all;
  for (auto& [visible, name] : folders) all.push_back(std::move(name));
  all.insert(all.end(), names.begin(), names.end());
  for (const std::string& name : all) {
    RETURN_IF_ERROR(files_.Rename(JoinPath(out_, name), JoinPath(target_, name)));
    RETURN_IF_ERROR(files_.SyncDirectory(target_));
  }
  return Status::Ok();
}

Status Staging::CheckJoin(const std::vector<std::string>& names) const {
  // What makes others visible comes last, and says the most.
  for (auto at = names.rbegin(); at != names.rend(); ++at) {
    const std::string& name = *at;
    const std::string place = JoinPath(target_, name);
    const bool of_block = name.find('/') == std::string::npos && ShardNumber(name) >= 0;
    if (of_block) {
      ASSIGN_OR_RETURN(const auto entries, files_.List(target_));
      for (const DirectoryEntry& entry : entries) {
        if (ShardNumber(entry.name) < 0) continue;
        return Status::AlreadyExists(JoinPath(target_, entry.name) +
                                     ": shards stand there already; remove them first");
      }
    }
    if (Rank(name) == 0 || !files_.Exists(place)) continue;
    if (name.ends_with(kMarkName)) {
      return Status::AlreadyExists(place + ": this block was converted before");
    }
    if (Rank(name) == 2) return Status::AlreadyExists(place + ": this day was converted before");
    ASSIGN_OR_RETURN(const std::string ours, files_.ReadFile(JoinPath(out_, name)));
    ASSIGN_OR_RETURN(const std::string theirs, files_.ReadFile(place));
    if (ours != theirs) return Status::AlreadyExists(place + ": stands for other labels");
  }
  return Status::Ok();
}

Status Staging::Join() {
  std::vector<std::string> names;
  RETURN_IF_ERROR(ListTree(files_, out_, "", &names));
  std::sort(names.begin(), names.end(), PublishedBefore);
  RETURN_IF_ERROR(CheckJoin(names));
  for (const std::string& name : names) {
    const std::string place = JoinPath(target_, name);
    const std::string folder = ParentPath(place);
    if (!files_.Exists(folder)) {
      RETURN_IF_ERROR(files_.CreateDirectories(folder));
      RETURN_IF_ERROR(files_.SyncDirectory(ParentPath(folder)));
      RETURN_IF_ERROR(files_.SyncDirectory(target_));
    }
    RETURN_IF_ERROR(files_.Rename(JoinPath(out_, name), place));
    RETURN_IF_ERROR(files_.SyncDirectory(folder));
  }
  return Status::Ok();
}

}  // namespace thermocline
