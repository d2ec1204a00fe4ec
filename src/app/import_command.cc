// import: sources of any layout into a data folder of ours, whether a server has it or not.
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "app/command.h"
#include "app/flags.h"
#include "app/import_job.h"
#include "app/import_run.h"
#include "app/import_wait.h"
#include "app/progress_text.h"
#include "app/stop_signals.h"
#include "convert/publish_journal.h"
#include "env/posix/posix_env.h"
#include "wire/parameters.h"

namespace thermocline {
namespace {

constexpr int64_t kDefaultJobs = 4;
constexpr int64_t kMostJobs = 64;

struct ImportArguments {
  ImportJob job;
  std::string data;
  std::string min_time;
  std::string max_time;
  std::string progress = "auto";
  std::vector<std::string> external;
};

void Register(ImportArguments* parsed, FlagTable* table) {
  RegisterSourceFlags(&parsed->job.source, table);
  table->AddString("data", &parsed->data, "The data folder to import into (required).");
  table->AddString("match", &parsed->job.match, "Only the series of this selector.");
  table->AddString("min-time", &parsed->min_time, "First time, in seconds or RFC 3339.");
  table->AddString("max-time", &parsed->max_time, "Last time, inclusive.");
  table->AddStrings("external-label", &parsed->external,
                    "name=value laid over every series; may be given again.");
  table->AddSize("memory", &parsed->job.memory_bytes,
                 "About what the writer may hold beside the labels; 0 for the default.");
  table->AddInt("jobs", &parsed->job.jobs,
                "Threads that encode samples; 0 for 1 beside a running server, else 4.");
  table->AddBool("verify", &parsed->job.verify,
                 "Reads back and compares every sample before anything is published.");
  table->AddString("progress", &parsed->progress,
                   "auto (a bar on a terminal, lines elsewhere), bar, plain or none.");
}

Status SetSelection(ImportArguments* parsed) {
  ImportJob& job = parsed->job;
  if (!parsed->min_time.empty()) {
    ASSIGN_OR_RETURN(job.range.start_ms, ParseTime(parsed->min_time));
  }
  if (!parsed->max_time.empty()) {
    ASSIGN_OR_RETURN(job.range.end_ms, ParseTime(parsed->max_time));
  }
  if (job.jobs < 0 || job.jobs > kMostJobs) {
    return Status::InvalidArgument(
        fmt::format("--jobs: expected 0 to {}, found {}", kMostJobs, job.jobs));
  }
  if (!job.match.empty()) RETURN_IF_ERROR(SelectionOf(job.match, "", "").status());
  ASSIGN_OR_RETURN(const Labels external, ParseExternalLabels(parsed->external));
  for (const LabelPair& pair : external) job.external.emplace_back(pair.name, pair.value);
  return Status::Ok();
}

// What is at a path, symlinks followed, as far as it is there.
std::filesystem::path Resolved(const std::string& path) {
  std::error_code error;
  std::filesystem::path absolute = std::filesystem::absolute(path, error);
  std::filesystem::path resolved = std::filesystem::weakly_canonical(absolute, error);
  if (error) resolved = absolute.lexically_normal();
  return resolved.has_filename() ? resolved : resolved.parent_path();
}

// An import that reads what it writes adds nothing; one into a data folder's inside would hide
// files there that its owner does not know.
Status CheckTarget(const ImportArguments& arguments) {
  const std::filesystem::path target = Resolved(arguments.data);
  for (const std::string& source : arguments.job.sources) {
    if (Resolved(source) != target) continue;
    return Status::InvalidArgument(source + ": source and target are the same folder");
  }
  for (std::filesystem::path at = target; at.has_relative_path(); at = at.parent_path()) {
    const std::filesystem::path data = at.parent_path();
    std::error_code error;
    const bool inside = at.filename() == "cold" || at.filename() == "wal" ||
                        at.filename() == "imports" || at.filename() == "tenants";
    if (!inside || !std::filesystem::is_regular_file(data / "lock", error)) continue;
    if (!std::filesystem::is_directory(data / "cold", error) &&
        !std::filesystem::is_directory(data / "tenants", error)) {
      continue;
    }
    return Status::InvalidArgument(arguments.data + ": is inside the data folder " + data.string());
  }
  return Status::Ok();
}

Result<ImportArguments> Parse(const std::vector<std::string>& arguments) {
  ImportArguments parsed;
  FlagTable table;
  Register(&parsed, &table);
  ASSIGN_OR_RETURN(const std::vector<std::string> sources, table.ParseCommandLine(arguments));
  if (sources.empty()) return WrongUsage("import", "import needs a source");
  if (parsed.data.empty()) return WrongUsage("import", "import needs --data");
  RETURN_IF_ERROR(SetSelection(&parsed));
  for (const std::string& source : sources) {
    // A server that does the work has another working folder.
    std::error_code error;
    const std::filesystem::path path = std::filesystem::absolute(source, error);
    if (error) return Status::Io(source + ": " + error.message());
    parsed.job.sources.push_back(path.lexically_normal().string());
  }
  RETURN_IF_ERROR(CheckTarget(parsed));
  return parsed;
}

void PrintReport(const ImportArguments& arguments, const ImportReport& report) {
  const double seconds = static_cast<double>(report.duration_ms) / 1000;
  const double rate = static_cast<double>(report.samples) / std::max(seconds, 1e-3);
  fmt::print("{}: {} series, {} samples imported\n", arguments.data, report.series, report.samples);
  if (report.there > 0) {
    fmt::print("{} samples were there already, {} of them with another value, which stays\n",
               report.there, report.there_other);
  }
  fmt::print("{} bytes in, {} bytes out in {} blocks, {:.1f} s, {} samples/s\n", report.bytes_in,
             report.bytes_out, report.blocks, seconds, ShortCount(rate));
  if (arguments.job.verify) fmt::print("verified: {} samples are the same\n", report.verified);
  for (const std::string& message : report.left_out) {
    fmt::print(stderr, "thermocline: left out: {}\n", message);
  }
}

void Show(const std::string& text) {
  if (text.empty()) return;
  fmt::print(stderr, "{}", text);
  std::fflush(stderr);
}

// What the server of this folder would remove by itself.
Status ReadLimits(const Env& env, const std::string& data, StoreOptions* options) {
  const std::string path = JoinPath(ImportFolder(data), kImportLimitsName);
  if (!env.files.Exists(path)) return Status::Ok();
  ASSIGN_OR_RETURN(const std::string text, env.files.ReadFile(path));
  const auto limits = DecodeImportLimits(text);
  if (!limits.ok()) return limits.status().WithContext(path);
  options->retention_time_ms = limits->retention_time_ms;
  options->retention_size_bytes = limits->retention_size_bytes;
  return Status::Ok();
}

Result<ImportReport> ImportHere(const Env& env, const ImportArguments& arguments,
                                StopSignals& signals, ProgressText& progress) {
  RETURN_IF_ERROR(CheckPublished(env.files, arguments.data));
  StoreOptions options;
  options.path = arguments.data;
  options.holder = "thermocline import";
  options.give_up = [&signals] { return signals.Pending(); };
  RETURN_IF_ERROR(ReadLimits(env, arguments.data, &options));
  OpenSummary summary;
  ASSIGN_OR_RETURN(const auto store, Store::Open(options, env, &summary));
  const ConvertWatch watch = [&](const ConvertProgress& now) -> Status {
    if (signals.Pending()) return Status::Cancelled("stopped; nothing was imported");
    Show(progress.Update(now, env.clock.SteadyNs()));
    return Status::Ok();
  };
  auto report =
      ImportInto(env, *store, arguments.data, arguments.job, kDefaultJobs, watch, nullptr);
  RETURN_IF_ERROR(store->Close());
  return report;
}

Result<ImportReport> Import(const ImportArguments& arguments) {
  ASSIGN_OR_RETURN(const ProgressStyle style,
                   ParseProgressStyle(arguments.progress, isatty(STDERR_FILENO) != 0));
  StopSignals signals;
  const int64_t jobs = arguments.job.jobs == 0 ? kDefaultJobs : arguments.job.jobs;
  PosixEnv posix(LogFormat::kLogfmt, LogLevel::kError, static_cast<int>(jobs));
  const Env env = posix.env();
  // Told at once, whoever does the work.
  for (const std::string& source : arguments.job.sources) {
    if (!arguments.job.source.from_layout.empty()) continue;
    RETURN_IF_ERROR(RecogniseLayout(env.files, source).status());
  }
  ProgressText progress(style, env.clock.SteadyNs(), "importing");
  auto report = ImportHere(env, arguments, signals, progress);
  if (!report.ok() && report.status().code() == Code::kUnavailable &&
      report.status().message().find(kServerHolds) != std::string_view::npos) {
    report = AskServer(
        env, arguments.data, arguments.job, signals,
        [&](const ConvertProgress& now) { Show(progress.Update(now, env.clock.SteadyNs())); });
  }
  Show(progress.Finish());
  return report;
}

}  // namespace

std::string ImportFlags() {
  ImportArguments arguments;
  FlagTable table;
  Register(&arguments, &table);
  return table.HelpText();
}

int RunImport(const Invocation& invocation) {
  const auto arguments = Parse(invocation.arguments);
  if (!arguments.ok()) return Complain(arguments.status());
  const auto report = Import(*arguments);
  if (!report.ok()) return Complain(report.status());
  if (!report->status.ok()) return Complain(report->status);
  PrintReport(*arguments, *report);
  return kExitOk;
}

}  // namespace thermocline
