#include "convert/publish_journal.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "env/failpoint.h"

namespace thermocline {
namespace {

FailPoint kInTakeBack("convert.in_take_back");
FailPoint kAfterTakeBack("convert.after_take_back");

constexpr std::string_view kHeader = "thermocline publication 1";
constexpr std::string_view kIntoEmpty = "into an empty folder";
constexpr std::string_view kIntoFull = "into a folder that holds something";
constexpr std::string_view kFolder = "folder ";
constexpr std::string_view kTree = "tree ";
constexpr std::string_view kFile = "file ";
constexpr std::string_view kBeside = "beside ";
constexpr std::string_view kEnd = "end";
constexpr uint64_t kMostBytes = uint64_t{256} << 20;
constexpr size_t kComparedBytes = 1 << 20;
constexpr int kMostLevels = 32;

std::string StagedPath(const std::string& target) {
  return JoinPath(JoinPath(target, kStagingFolder), "out");
}

// A name that stays below the folder it is relative to, and outside the staging folder.
bool IsInside(std::string_view name) {
  if (name.starts_with(kStagingFolder)) return false;
  for (size_t begin = 0; begin <= name.size();) {
    const size_t end = std::min(name.find('/', begin), name.size());
    const std::string_view part = name.substr(begin, end - begin);
    if (part.empty() || part == "." || part == "..") return false;
    begin = end + 1;
  }
  return true;
}

// "12 a/b", what follows "file ".
bool ParseFile(std::string_view text, PublishJournal::File* file) {
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, file->size_bytes);
  if (error != std::errc() || at == end || *at != ' ') return false;
  file->name.assign(at + 1, end);
  return IsInside(file->name);
}

bool ParseLine(std::string_view line, PublishJournal* journal) {
  const auto take = [&line](std::string_view word, std::vector<std::string>* names) {
    if (!line.starts_with(word)) return false;
    names->emplace_back(line.substr(word.size()));
    return IsInside(names->back());
  };
  if (line.starts_with(kFile)) {
    return ParseFile(line.substr(kFile.size()), &journal->files.emplace_back());
  }
  return take(kFolder, &journal->folders) || take(kTree, &journal->trees) ||
         take(kBeside, &journal->beside);
}

Status RemoveBelow(FileSystem& files, const std::string& path, int levels) {
  if (levels == 0) return Status::Io(path + ": folders too deep");
  ASSIGN_OR_RETURN(const auto entries, files.List(path));
  for (const DirectoryEntry& entry : entries) {
    const std::string below = JoinPath(path, entry.name);
    RETURN_IF_ERROR(entry.is_directory ? RemoveBelow(files, below, levels - 1)
                                       : files.RemoveFile(below));
  }
  return files.RemoveDirectory(path);
}

Result<bool> SameBytes(FileSystem& files, const std::string& a, const std::string& b) {
  ASSIGN_OR_RETURN(const auto first, files.OpenForRead(a));
  ASSIGN_OR_RETURN(const auto second, files.OpenForRead(b));
  std::string ours;
  std::string theirs;
  uint64_t at = 0;
  do {
    RETURN_IF_ERROR(first->Read(at, kComparedBytes, &ours));
    RETURN_IF_ERROR(second->Read(at, kComparedBytes, &theirs));
    if (ours != theirs) return false;
    at += ours.size();
  } while (!ours.empty());
  return true;
}

class Undoing {
 public:
  Undoing(FileSystem& files, const std::string& target, const PublishJournal& journal)
      : files_(files), target_(target), journal_(journal) {}

  Status Run() {
    if (journal_.into_empty) RETURN_IF_ERROR(CheckNothingElse());
    for (const std::string& name : journal_.beside) {
      const std::string place = JoinPath(ParentPath(target_), name);
      RETURN_IF_ERROR(RemoveIfThere(place));
      RETURN_IF_ERROR(RemoveIfThere(place + ".tmp"));  // of WriteFileAtomically
    }
    // What made the others visible goes first.
    for (auto file = journal_.files.rbegin(); file != journal_.files.rend(); ++file) {
      ASSIGN_OR_RETURN(const bool ours, WasMoved(*file));
      if (ours) RETURN_IF_ERROR(RemoveIfThere(JoinPath(target_, file->name)));
    }
    for (const std::string& name : journal_.trees) {
      const std::string place = JoinPath(target_, name);
      if (files_.Exists(JoinPath(StagedPath(target_), name)) || !files_.Exists(place)) continue;
      RETURN_IF_ERROR(kInTakeBack.Hit());
      RETURN_IF_ERROR(RemoveTree(files_, place));
      changed_.insert(ParentPath(place));
    }
    RETURN_IF_ERROR(SyncChanged());
    for (auto name = journal_.folders.rbegin(); name != journal_.folders.rend(); ++name) {
      RETURN_IF_ERROR(RemoveIfEmpty(JoinPath(target_, *name)));
    }
    RETURN_IF_ERROR(SyncChanged());
    RETURN_IF_ERROR(kAfterTakeBack.Hit());
    const std::string path = JournalPath(target_);
    if (files_.Exists(path)) RETURN_IF_ERROR(files_.RemoveFile(path));
    return files_.SyncDirectory(ParentPath(path));
  }

 private:
  Status CheckNothingElse() {
    std::set<std::string, std::less<>> known = {std::string(kStagingFolder), "lost+found"};
    const auto add = [&](const std::string& name) { known.insert(name.substr(0, name.find('/'))); };
    for (const std::string& name : journal_.folders) add(name);
    for (const std::string& name : journal_.trees) add(name);
    for (const auto& file : journal_.files) add(file.name);
    ASSIGN_OR_RETURN(const auto entries, files_.List(target_));
    for (const DirectoryEntry& entry : entries) {
      if (known.contains(entry.name)) continue;
      return Status::AlreadyExists(
          fmt::format("{}: holds '{}' beside what an interrupted conversion published; remove what "
                      "{} lists and then that file, or only that file to keep all",
                      target_, entry.name, JournalPath(target_)));
    }
    return Status::Ok();
  }

  // After a power cut a file may stand in both places.
  Result<bool> WasMoved(const PublishJournal::File& file) {
    const std::string place = JoinPath(target_, file.name);
    const auto info = files_.Stat(place);
    if (!info.ok()) {
      if (info.status().code() == Code::kNotFound) return false;
      return info.status();
    }
    if (info->is_directory || info->size_bytes != file.size_bytes) return false;
    const std::string staged = JoinPath(StagedPath(target_), file.name);
    return files_.Exists(staged) ? SameBytes(files_, staged, place) : true;
  }

  Status RemoveIfThere(const std::string& path) {
    const auto info = files_.Stat(path);
    if (!info.ok()) {
      return info.status().code() == Code::kNotFound ? Status::Ok() : info.status();
    }
    RETURN_IF_ERROR(kInTakeBack.Hit());
    RETURN_IF_ERROR(files_.RemoveFile(path));
    changed_.insert(ParentPath(path));
    return Status::Ok();
  }

  Status RemoveIfEmpty(const std::string& folder) {
    const auto entries = files_.List(folder);
    if (!entries.ok()) {
      return entries.status().code() == Code::kNotFound ? Status::Ok() : entries.status();
    }
    if (!entries->empty()) return Status::Ok();
    RETURN_IF_ERROR(files_.RemoveDirectory(folder));
    changed_.erase(folder);
    changed_.insert(ParentPath(folder));
    return Status::Ok();
  }

  Status SyncChanged() {
    for (const std::string& folder : changed_) RETURN_IF_ERROR(files_.SyncDirectory(folder));
    changed_.clear();
    return Status::Ok();
  }

  FileSystem& files_;
  const std::string& target_;
  const PublishJournal& journal_;
  std::set<std::string> changed_;  // folders whose names are not durable yet
};

}  // namespace

std::string EncodeJournal(const PublishJournal& journal) {
  std::string text = fmt::format("{}\n{}\n", kHeader, journal.into_empty ? kIntoEmpty : kIntoFull);
  for (const std::string& name : journal.folders) text += fmt::format("{}{}\n", kFolder, name);
  for (const std::string& name : journal.trees) text += fmt::format("{}{}\n", kTree, name);
  for (const PublishJournal::File& file : journal.files) {
    text += fmt::format("{}{} {}\n", kFile, file.size_bytes, file.name);
  }
  for (const std::string& name : journal.beside) text += fmt::format("{}{}\n", kBeside, name);
  return text + fmt::format("{}\n", kEnd);
}

Result<PublishJournal> ParseJournal(std::string_view text, const std::string& path) {
  PublishJournal journal;
  int number = 0;
  bool ended = false;
  while (!text.empty()) {
    const size_t newline = text.find('\n');
    if (newline == std::string_view::npos) break;
    const std::string_view line = text.substr(0, newline);
    text.remove_prefix(newline + 1);
    bool good = !ended;
    if (++number == 1) {
      good = line == kHeader;
    } else if (number == 2) {
      journal.into_empty = line == kIntoEmpty;
      good = journal.into_empty || line == kIntoFull;
    } else if (line == kEnd) {
      ended = true;
    } else {
      good = good && ParseLine(line, &journal);
    }
    if (!good) {
      return Status::Corruption(fmt::format("{}: line {}: unexpected '{}'", path, number, line));
    }
  }
  if (!ended || !text.empty()) return Status::Corruption(path + ": cut off");
  return journal;
}

Result<PublishJournal> ReadJournal(FileSystem& files, const std::string& target) {
  const std::string path = JournalPath(target);
  ASSIGN_OR_RETURN(const std::string text, files.ReadFile(path, kMostBytes));
  return ParseJournal(text, path);
}

std::string JournalPath(const std::string& target) {
  return JoinPath(JoinPath(target, kStagingFolder), "JOURNAL");
}

Result<bool> HasJournal(FileSystem& files, const std::string& target) {
  const auto info = files.Stat(JournalPath(target));
  if (info.ok()) return true;
  const Code code = info.status().code();
  if (code == Code::kNotFound) return false;
  return info.status();
}

Status CheckPublished(FileSystem& files, const std::string& target) {
  ASSIGN_OR_RETURN(const bool unfinished, HasJournal(files, target));
  if (!unfinished) return Status::Ok();
  return Status::Unavailable(
      fmt::format("{}: an interrupted conversion is published in part; run it again, or remove "
                  "what {} lists and then that file",
                  target, JournalPath(target)));
}

Status TakeBack(FileSystem& files, const std::string& target, const PublishJournal& journal) {
  return Undoing(files, target, journal).Run();
}

Status RemoveTree(FileSystem& files, const std::string& path) {
  return RemoveBelow(files, path, kMostLevels);
}

}  // namespace thermocline
