#include "wal/log.h"

#include "wal/format.h"
#include "wal/replay.h"
#include "wal/segmented_log.h"

namespace thermocline {
namespace {

// The folder and every missing one above it, each durable in its parent.
Status MakeFolder(FileSystem& files, const std::string& directory) {
  std::vector<std::string> missing{directory};
  for (std::string parent = ParentPath(directory);
       parent != "/" && parent != "." && !files.Exists(parent); parent = ParentPath(parent)) {
    missing.push_back(parent);
  }
  RETURN_IF_ERROR(files.CreateDirectories(directory));
  for (const std::string& path : missing) RETURN_IF_ERROR(files.SyncDirectory(ParentPath(path)));
  return {};
}

wal::ReplayOptions ReplayOptionsOf(const LogOptions& options) {
  wal::ReplayOptions replay;
  replay.directory = options.directory;
  replay.strict = options.strict;
  replay.reader.max_record_bytes = options.max_record_bytes;
  return replay;
}

}  // namespace

Status LogOptions::Validate() const {
  if (directory.empty()) return Status::InvalidArgument("log: no directory given");
  if (segment_size_bytes < 64 * 1024 || segment_size_bytes % wal::kBlockBytes != 0) {
    return Status::InvalidArgument("log: segment size is " + std::to_string(segment_size_bytes) +
                                   " bytes, expected a multiple of 32 KiB, at least 64 KiB");
  }
  if (sync == SyncMode::kInterval && sync_interval_ms <= 0) {
    return Status::InvalidArgument("log: sync interval is " + std::to_string(sync_interval_ms) +
                                   " ms, expected a positive one");
  }
  if (max_record_bytes == 0 || max_record_bytes > uint64_t{1} << 30) {
    return Status::InvalidArgument("log: max record size is " + std::to_string(max_record_bytes) +
                                   " bytes, expected 1 byte to 1 GiB");
  }
  if (max_pending_bytes == 0) return Status::InvalidArgument("log: max pending bytes is 0");
  return {};
}

Result<std::unique_ptr<Log>> Log::Open(const LogOptions& options, Env env,
                                       const std::function<Status(const LogRecord&)>& replay,
                                       ReplaySummary* summary) {
  RETURN_IF_ERROR(options.Validate());
  RETURN_IF_ERROR(MakeFolder(env.files, options.directory));
  ASSIGN_OR_RETURN(auto lock,
                   env.files.Lock(JoinPath(options.directory, "lock"), "thermocline log"));
  *summary = {};
  ASSIGN_OR_RETURN(
      const wal::Replayed found,
      wal::ReplaySegments(ReplayOptionsOf(options), env.files, env.logger, replay, summary));
  if (summary->torn_bytes > 0) {
    env.logger.Log(
        LogLevel::kInfo, "wal", "cut an unfinished write from the tail of the log",
        {{"directory", options.directory}, {"bytes", std::to_string(summary->torn_bytes)}});
  }
  auto log = std::make_unique<wal::SegmentedLog>(options, env, std::move(lock), found, *summary);
  RETURN_IF_ERROR(log->Start(found.last));
  return std::unique_ptr<Log>(std::move(log));
}

Status Log::Read(const LogOptions& options, Env env,
                 const std::function<Status(const LogRecord&)>& replay, ReplaySummary* summary) {
  RETURN_IF_ERROR(options.Validate());
  *summary = {};
  if (!env.files.Exists(options.directory)) return {};
  wal::ReplayOptions replay_options = ReplayOptionsOf(options);
  replay_options.read_only = true;
  return wal::ReplaySegments(replay_options, env.files, env.logger, replay, summary).status();
}

}  // namespace thermocline
