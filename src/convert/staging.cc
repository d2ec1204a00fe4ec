#include "convert/staging.h"

#include <algorithm>
#include <charconv>
#include <tuple>
#include <utility>

#include "env/failpoint.h"

namespace thermocline {
namespace {

FailPoint kBeforeJournal("convert.before_journal");
FailPoint kAfterJournal("convert.after_journal");
FailPoint kAfterRename("convert.after_rename");
FailPoint kBeforeBeside("convert.before_beside");
FailPoint kBeforeDone("convert.before_done");
FailPoint kAfterDone("convert.after_done");

constexpr std::string_view kMarkName = "parquet-converter-mark.json";

std::string WithoutSlashes(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
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

bool PublishedBefore(const PublishJournal::File& a, const PublishJournal::File& b) {
  const auto key = [](const std::string& name) {
    return std::tuple(Rank(name), -ShardNumber(name), name);
  };
  return key(a.name) < key(b.name);
}

// Whether a file below `path` makes others visible.
Result<bool> MakesVisible(FileSystem& files, const std::string& path) {
  ASSIGN_OR_RETURN(const auto entries, files.List(path));
  for (const DirectoryEntry& entry : entries) {
    if (!entry.is_directory) {
      if (Rank(entry.name) > 0) return true;
      continue;
    }
    ASSIGN_OR_RETURN(const bool below, MakesVisible(files, JoinPath(path, entry.name)));
    if (below) return true;
  }
  return false;
}

// The names of `path` and of the folders above it, which may be as new: two levels are made here.
Status SyncAbove(FileSystem& files, const std::string& path) {
  const std::string parent = ParentPath(path);
  RETURN_IF_ERROR(files.SyncDirectory(parent));
  return parent == "." || parent == "/" ? Status::Ok() : files.SyncDirectory(ParentPath(parent));
}

}  // namespace

// Within a folder that is there already: it may be a mount point, which nothing is renamed onto.
Staging::Staging(FileSystem& files, std::string target, const StagingOptions& options)
    : files_(files),
      target_(std::move(target)),
      options_(options),
      there_(files.Exists(target_)),
      within_(there_ || !options.beside.empty()),
      aside_(within_ ? JoinPath(target_, kStagingFolder) : target_ + std::string(kStagingFolder)),
      out_(JoinPath(aside_, "out")) {}

Result<bool> Staging::TargetIsEmpty() const {
  ASSIGN_OR_RETURN(const auto entries, files_.List(target_));
  return std::all_of(entries.begin(), entries.end(), [](const DirectoryEntry& entry) {
    return entry.name == kStagingFolder || entry.name == "lost+found";
  });
}

Status Staging::CheckTarget() const {
  ASSIGN_OR_RETURN(const bool empty, TargetIsEmpty());
  if (empty || options_.may_join) return Status::Ok();
  return Status::AlreadyExists(target_ + ": not empty");
}

Result<std::unique_ptr<Staging>> Staging::Begin(FileSystem& files, const std::string& target,
                                                const StagingOptions& options) {
  std::unique_ptr<Staging> staging(new Staging(files, WithoutSlashes(target), options));
  bool unfinished = false;
  if (staging->there_) {
    ASSIGN_OR_RETURN(const FileInfo info, files.Stat(staging->target_));
    if (!info.is_directory) return Status::AlreadyExists(staging->target_ + ": not a folder");
    ASSIGN_OR_RETURN(unfinished, HasJournal(files, staging->target_));
    if (!unfinished) RETURN_IF_ERROR(staging->CheckTarget());
  }
  RETURN_IF_ERROR(files.CreateDirectories(staging->aside_));
  ASSIGN_OR_RETURN(staging->lock_, files.Lock(JoinPath(staging->aside_, "lock"), "convert"));
  if (unfinished) RETURN_IF_ERROR(staging->TakeBackLeft());
  if (staging->there_) RETURN_IF_ERROR(staging->CheckTarget());
  if (files.Exists(staging->out_)) RETURN_IF_ERROR(RemoveTree(files, staging->out_));
  RETURN_IF_ERROR(files.CreateDirectories(staging->out_));
  return staging;
}

Staging::~Staging() {
  if (lock_ == nullptr) return;  // another run's
  lock_.reset();
  if (journal_stands_) return;       // the next run needs it
  (void)RemoveTree(files_, aside_);  // the next run removes what stays
  // Made here, and left empty.
  if (within_ && !there_) (void)files_.RemoveDirectory(target_);
}

Status Staging::TakeBackLeft() {
  journal_stands_ = true;
  ASSIGN_OR_RETURN(const bool still, HasJournal(files_, target_));
  if (still) {
    ASSIGN_OR_RETURN(const PublishJournal left, ReadJournal(files_, target_));
    RETURN_IF_ERROR(TakeBack(files_, target_, left));
  }
  journal_stands_ = false;
  return Status::Ok();
}

Status Staging::Publish(std::string_view beside_bytes) {
  if (files_.Exists(target_)) return PublishWithin(beside_bytes);
  RETURN_IF_ERROR(files_.SyncDirectory(out_));
  RETURN_IF_ERROR(files_.Rename(out_, target_));
  RETURN_IF_ERROR(kAfterRename.Hit());
  return SyncAbove(files_, target_);
}

Status Staging::PlanBelow(const std::string& name, PublishJournal* plan) const {
  ASSIGN_OR_RETURN(const auto entries, files_.List(JoinPath(out_, name)));
  for (const DirectoryEntry& entry : entries) {
    const std::string below = JoinPath(name, entry.name);
    const std::string staged = JoinPath(out_, below);
    const bool there = files_.Exists(JoinPath(target_, below));
    if (entry.is_directory) {
      ASSIGN_OR_RETURN(const bool visible, MakesVisible(files_, staged));
      if (!there && !visible) {
        plan->trees.push_back(below);
        continue;
      }
      if (!there) plan->folders.push_back(below);
      RETURN_IF_ERROR(PlanBelow(below, plan));
      continue;
    }
    ASSIGN_OR_RETURN(const FileInfo info, files_.Stat(staged));
    plan->files.push_back({below, info.size_bytes});
  }
  return Status::Ok();
}

Result<PublishJournal> Staging::Plan() const {
  PublishJournal plan;
  ASSIGN_OR_RETURN(plan.into_empty, TargetIsEmpty());
  RETURN_IF_ERROR(PlanBelow("", &plan));
  std::sort(plan.trees.begin(), plan.trees.end());
  std::sort(plan.files.begin(), plan.files.end(), PublishedBefore);
  if (!options_.beside.empty()) plan.beside.push_back(options_.beside);
  if (!plan.into_empty) {
    RETURN_IF_ERROR(CheckJoin(plan.files));
    // Their stream.pb is ours, as was seen: it stays what it is.
    std::erase_if(plan.files, [&](const PublishJournal::File& file) {
      return Rank(file.name) == 1 && files_.Exists(JoinPath(target_, file.name));
    });
  }
  return plan;
}

Status Staging::CheckJoin(const std::vector<PublishJournal::File>& names) const {
  // What makes others visible comes last, and says the most.
  for (auto at = names.rbegin(); at != names.rend(); ++at) {
    const std::string& name = at->name;
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

// The staging folder's own name, and the target's where it was made here.
Status Staging::SyncTarget() {
  RETURN_IF_ERROR(files_.SyncDirectory(target_));
  return there_ ? Status::Ok() : SyncAbove(files_, target_);
}

Status Staging::PublishWithin(std::string_view beside_bytes) {
  RETURN_IF_ERROR(CheckTarget());
  ASSIGN_OR_RETURN(const PublishJournal plan, Plan());
  RETURN_IF_ERROR(kBeforeJournal.Hit());
  RETURN_IF_ERROR(SyncTarget());
  journal_stands_ = true;
  const std::string text = EncodeJournal(plan);
  Status moved = files_.WriteFileAtomically(JournalPath(target_), text);
  if (moved.ok()) moved = Move(plan, beside_bytes);
  if (!moved.ok()) {
    // When even the journal could not be written again, nothing was moved or the next run sees it.
    (void)files_.WriteFileAtomically(JournalPath(target_), text);
    RETURN_IF_ERROR(TakeBack(files_, target_, plan));
  }
  journal_stands_ = false;
  return moved;
}

Status Staging::Move(const PublishJournal& plan, std::string_view beside_bytes) {
  RETURN_IF_ERROR(kAfterJournal.Hit());
  for (const std::string& name : plan.folders) {
    const std::string folder = JoinPath(target_, name);
    RETURN_IF_ERROR(files_.CreateDirectories(folder));
    RETURN_IF_ERROR(files_.SyncDirectory(ParentPath(folder)));
  }
  for (const std::string& name : plan.trees) RETURN_IF_ERROR(MoveOne(name));
  for (const PublishJournal::File& file : plan.files) RETURN_IF_ERROR(MoveOne(file.name));
  if (!options_.beside.empty()) {
    RETURN_IF_ERROR(kBeforeBeside.Hit());
    const std::string place = JoinPath(ParentPath(target_), options_.beside);
    const std::string folder = ParentPath(place);
    RETURN_IF_ERROR(files_.CreateDirectories(folder));
    RETURN_IF_ERROR(files_.SyncDirectory(ParentPath(folder)));
    RETURN_IF_ERROR(files_.WriteFileAtomically(place, beside_bytes));
  }
  RETURN_IF_ERROR(kBeforeDone.Hit());
  RETURN_IF_ERROR(files_.RemoveFile(JournalPath(target_)));
  RETURN_IF_ERROR(kAfterDone.Hit());
  return files_.SyncDirectory(aside_);
}

Status Staging::MoveOne(const std::string& name) {
  const std::string place = JoinPath(target_, name);
  RETURN_IF_ERROR(files_.Rename(JoinPath(out_, name), place));
  RETURN_IF_ERROR(kAfterRename.Hit());
  return files_.SyncDirectory(ParentPath(place));
}

}  // namespace thermocline
