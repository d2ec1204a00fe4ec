// check: reads every byte of a data folder, log and blocks, against its checksums, or a
// configuration file.
#include <fmt/core.h>

#include "app/command.h"
#include "app/config.h"
#include "cold/cold_tier.h"
#include "convert/publish_journal.h"
#include "env/posix/posix_env.h"
#include "wal/log.h"

namespace thermocline {
namespace {

// Prints what is wrong with the log and returns how many things; every record's CRC is checked.
Result<uint64_t> CheckLog(const std::string& path, const Env& env) {
  LogOptions options;
  options.directory = JoinPath(path, "wal");
  ReplaySummary summary;
  RETURN_IF_ERROR(Log::Read(
      options, env, [](const LogRecord&) { return Status::Ok(); }, &summary));
  for (const LogPlace& place : summary.damage) {
    fmt::print("damaged: {}: at offset {}\n", place.file, place.offset);
  }
  if (summary.torn) {
    fmt::print(
        "torn tail: {}: {} bytes from offset {}, never acknowledged; the next start cuts "
        "them\n",
        summary.torn->file, summary.torn_bytes, summary.torn->offset);
  }
  fmt::print("log: {} segments, {} records, {} damaged blocks, {} lost records\n", summary.segments,
             summary.records, summary.damaged_blocks, summary.lost_records);
  return summary.damage.size();
}

int CheckData(const std::string& path) {
  PosixEnv posix(LogFormat::kLogfmt, LogLevel::kError, 2);
  const Env env = posix.env();
  const auto folder = env.files.Stat(path);
  if (!folder.ok()) return Complain(folder.status());
  if (const Status whole = CheckPublished(env.files, path); !whole.ok()) return Complain(whole);
  const auto log_problems = CheckLog(path, env);
  if (!log_problems.ok()) return Complain(log_problems.status());
  ColdTierOptions options;
  auto directory = ColdDirectory(path, TenantId());
  if (!directory.ok()) return Complain(directory.status());
  options.directory = *directory;
  ColdOpenSummary summary;
  auto cold = ColdTier::Open(options, env, /*writable=*/false, &summary);
  if (!cold.ok()) return Complain(cold.status());
  for (const std::string& warning : summary.warnings) fmt::print("warning: {}\n", warning);
  for (const std::string& orphan : summary.orphans) {
    fmt::print("warning: no manifest names {}\n", orphan);
  }
  auto problems = (*cold)->CheckAll();
  if (!problems.ok()) return Complain(problems.status());
  for (const ColdProblem& problem : *problems) {
    fmt::print("damaged: {}: {}\n", problem.key, problem.status.ToString());
  }
  fmt::print("{} blocks, {} samples, {} problems\n", summary.blocks, summary.samples,
             problems->size() + *log_problems);
  const bool good = problems->empty() && *log_problems == 0 && summary.warnings.empty();
  return good ? kExitOk : kExitFailed;
}

int CheckConfig(const std::string& path, const Invocation& invocation) {
  PosixFileSystem files;
  Config config;
  FlagTable flags;
  std::vector<std::string> rest;
  const Status status =
      LoadConfig({"--config.file=" + path}, invocation.environment, files, &config, &flags, &rest);
  if (!status.ok()) return Complain(status);
  for (const std::string& warning : flags.Warnings()) fmt::print("warning: {}\n", warning);
  fmt::print("{}: ok\n", path);
  return kExitOk;
}

}  // namespace

int RunCheck(const Invocation& invocation) {
  const std::vector<std::string>& words = invocation.arguments;
  if (words.size() == 2 && words[0] == "data") return CheckData(words[1]);
  if (words.size() == 2 && words[0] == "config") return CheckConfig(words[1], invocation);
  if (words.empty()) return Complain(WrongUsage("check", "check takes data or config"));
  if (words[0] == "data" || words[0] == "config") {
    return Complain(WrongUsage(
        "check", fmt::format("check {} takes one path, found {}", words[0], words.size() - 1)));
  }
  return Complain(WrongUsage("check", "check takes data or config, not '" + words[0] + "'"));
}

}  // namespace thermocline
