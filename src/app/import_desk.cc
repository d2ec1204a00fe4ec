#include "app/import_desk.h"

#include <algorithm>
#include <utility>

#include "app/import_run.h"
#include "base/ids.h"
#include "env/posix/thread_priority.h"

namespace thermocline {
namespace {

constexpr int64_t kProgressNs = 300'000'000;
// Outcomes that nobody fetched, files that nobody finished.
constexpr int64_t kKeepDoneMs = 24 * kHourMs;
constexpr uint64_t kMostRequestBytes = 16 << 20;

// The id when `name` is an id and `suffix`.
std::string IdOf(const std::string& name, std::string_view suffix) {
  if (!name.ends_with(suffix)) return "";
  std::string id = name.substr(0, name.size() - suffix.size());
  return BlockId::Parse(id).ok() ? id : "";
}

}  // namespace

ImportDesk::ImportDesk(const Env& env, Store& store, std::string data, const ImportLimits& limits,
                       int64_t interval_ms)
    : env_(env),
      store_(store),
      data_(std::move(data)),
      folder_(ImportFolder(data_)),
      limits_(limits),
      ticker_("import", interval_ms, [this] { Tick(); }) {}

ImportDesk::~ImportDesk() { stopping_.store(true, std::memory_order_relaxed); }

std::string ImportDesk::PathOf(const std::string& id, std::string_view suffix) const {
  return JoinPath(folder_, id + std::string(suffix));
}

void ImportDesk::RemoveIfThere(const std::string& path) {
  const Status removed = env_.files.RemoveFile(path);
  if (removed.ok() || removed.code() == Code::kNotFound) return;
  env_.logger.Log(LogLevel::kWarn, "import", "A file could not be removed",
                  {{"error", removed.ToString()}});
}

void ImportDesk::Tick() {
  Status status = begun_ ? Status::Ok() : Begin();
  if (status.ok()) {
    begun_ = true;
    status = TakeRequests();
  }
  // Tried again at the next tick, told once.
  const std::string error = status.ToString();
  if (error == last_error_) return;
  last_error_ = error;
  if (!status.ok() && !stopping_.load(std::memory_order_relaxed)) {
    env_.logger.Log(LogLevel::kError, "import", "Requests cannot be taken", {{"error", error}});
  }
}

Status ImportDesk::Begin() {
  LowerThreadPriority();
  RETURN_IF_ERROR(env_.files.CreateDirectories(folder_));
  RETURN_IF_ERROR(env_.files.SyncDirectory(ParentPath(folder_)));
  // Of a process that is no more.
  ASSIGN_OR_RETURN(const auto entries, env_.files.List(folder_));
  for (const DirectoryEntry& entry : entries) {
    if (!IdOf(entry.name, kProgressSuffix).empty() || entry.name.ends_with(".scratch")) {
      RemoveIfThere(JoinPath(folder_, entry.name));
    }
  }
  return env_.files.WriteFileAtomically(JoinPath(folder_, kImportLimitsName),
                                        EncodeImportLimits(limits_));
}

Status ImportDesk::TakeRequests() {
  ASSIGN_OR_RETURN(const auto entries, env_.files.List(folder_));
  std::vector<std::string> requests;
  for (const DirectoryEntry& entry : entries) {
    if (std::string id = IdOf(entry.name, kRequestSuffix); !id.empty()) {
      requests.push_back(std::move(id));
    } else if (!IdOf(entry.name, kDoneSuffix).empty() || entry.name.ends_with(".tmp")) {
      const std::string path = JoinPath(folder_, entry.name);
      const auto info = env_.files.Stat(path);
      const bool old = info.ok() && info->modified_ms + kKeepDoneMs < env_.clock.NowMs();
      if (old) RemoveIfThere(path);
    }
  }
  std::sort(requests.begin(), requests.end());
  for (const std::string& id : requests) {
    if (stopping_.load(std::memory_order_relaxed)) return Status::Ok();
    RETURN_IF_ERROR(Take(id));
  }
  return Status::Ok();
}

bool ImportDesk::WasPublished(const ImportReport& report) const {
  for (const BlockEntry& block : store_.cold().entries()) {
    const std::string id = block.id.ToString();
    if (std::ranges::find(report.published_ids, id) != report.published_ids.end()) return true;
  }
  return false;
}

Status ImportDesk::Take(const std::string& id) {
  const std::string request = PathOf(id, kRequestSuffix);
  const std::string publishing = PathOf(id, kPublishingSuffix);
  const std::string done = PathOf(id, kDoneSuffix);
  // What a crash may have left: an outcome with its request, or an import that was about to be
  // published.
  if (!env_.files.Exists(done) && env_.files.Exists(publishing)) {
    ASSIGN_OR_RETURN(const std::string text, env_.files.ReadFile(publishing));
    const auto report = DecodeImportReport(text);
    if (report.ok() && WasPublished(*report)) {
      RETURN_IF_ERROR(env_.files.Rename(publishing, done));
      RETURN_IF_ERROR(env_.files.SyncDirectory(folder_));
    } else {
      RETURN_IF_ERROR(env_.files.RemoveFile(publishing));
    }
  }
  if (env_.files.Exists(done)) {
    RETURN_IF_ERROR(env_.files.RemoveFile(request));
    return env_.files.SyncDirectory(folder_);
  }
  const auto text = env_.files.ReadFile(request, kMostRequestBytes);
  if (text.status().code() == Code::kNotFound) return Status::Ok();  // withdrawn
  auto job = text.ok() ? DecodeImportJob(*text) : text.status();
  ImportReport report;
  if (job.ok()) {
    env_.logger.Log(LogLevel::kInfo, "import", "Import begins",
                    {{"id", id}, {"source", job->sources.empty() ? "" : job->sources.front()}});
    auto outcome = Run(id, *job);
    if (outcome.ok()) {
      report = *std::move(outcome);
    } else {
      report.status = outcome.status();
    }
  } else {
    report.status = job.status();
  }
  RemoveIfThere(PathOf(id, kProgressSuffix));
  if (report.status.code() == Code::kCancelled) {
    RemoveIfThere(publishing);
    return Status::Ok();  // the request is there for the next server, or was withdrawn
  }
  return Finish(id, report);
}

// The outcome is durable before the request goes: a crash between the two finds both, and the
// import is not run again.
Status ImportDesk::Finish(const std::string& id, const ImportReport& report) {
  if (!report.status.ok()) {
    env_.logger.Log(LogLevel::kWarn, "import", "Import failed; nothing was imported",
                    {{"id", id}, {"error", report.status.ToString()}});
  }
  RETURN_IF_ERROR(
      env_.files.WriteFileAtomically(PathOf(id, kDoneSuffix), EncodeImportReport(report)));
  RemoveIfThere(PathOf(id, kPublishingSuffix));
  RemoveIfThere(PathOf(id, kRequestSuffix));
  return env_.files.SyncDirectory(folder_);
}

Result<ImportReport> ImportDesk::Run(const std::string& id, const ImportJob& job) {
  const std::string request = PathOf(id, kRequestSuffix);
  RETURN_IF_ERROR(WriteProgress(id, {}));
  int64_t last_ns = env_.clock.SteadyNs();
  const ConvertWatch watch = [&](const ConvertProgress& progress) -> Status {
    if (stopping_.load(std::memory_order_relaxed)) return Status::Cancelled("the server stops");
    const int64_t now_ns = env_.clock.SteadyNs();
    if (now_ns - last_ns < kProgressNs) return Status::Ok();
    last_ns = now_ns;
    if (!env_.files.Exists(request)) return Status::Cancelled("withdrawn");
    return WriteProgress(id, progress);
  };
  return ImportInto(env_, store_, data_, job, /*default_jobs=*/1, watch,
                    [&](const ImportReport& report) {
                      if (!env_.files.Exists(request)) return Status::Cancelled("withdrawn");
                      return env_.files.WriteFileAtomically(PathOf(id, kPublishingSuffix),
                                                            EncodeImportReport(report));
                    });
}

// Not synced: it says nothing that a crash may not lose.
Status ImportDesk::WriteProgress(const std::string& id, const ConvertProgress& progress) {
  const std::string path = PathOf(id, kProgressSuffix);
  const std::string next = path + ".tmp";
  ASSIGN_OR_RETURN(const auto file, env_.files.OpenForWrite(next, OpenMode::kTruncate));
  RETURN_IF_ERROR(file->Append(EncodeImportProgress(progress)));
  RETURN_IF_ERROR(file->Close());
  return env_.files.Rename(next, path);
}

}  // namespace thermocline
