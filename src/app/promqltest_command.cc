// promqltest: Prometheus' script tests against our engine.
#include <fmt/core.h>

#include <algorithm>

#include "app/command.h"
#include "app/flags.h"
#include "app/script_storage.h"
#include "env/posix/posix_env.h"
#include "promql/test_script/run_script.h"

namespace thermocline {
namespace {

constexpr std::string_view kDefaultStorage = "memory";

// Where `./dev setup` puts the scripts of Prometheus' module; empty without a home.
std::string ScriptFolder(const Invocation& invocation) {
  const auto variable = [&invocation](std::string_view name) -> std::string {
    const auto found = std::ranges::find(invocation.environment, name,
                                         &std::pair<std::string, std::string>::first);
    return found == invocation.environment.end() ? "" : found->second;
  };
  std::string cache = variable("THERMOCLINE_CACHE");
  if (cache.empty()) {
    const std::string home = variable("HOME");
    if (home.empty()) return "";
    cache = home + "/.cache/thermocline";
  }
  return cache + "/prometheus/promqltest";
}

// Prometheus' own scripts, for a call that names no file.
Result<std::vector<std::string>> OwnScripts(const Invocation& invocation, FileSystem& files) {
  const std::string folder = ScriptFolder(invocation);
  std::vector<std::string> paths;
  const auto entries = folder.empty() ? Status::NotFound("no home") : files.List(folder);
  if (entries.ok()) {
    for (const DirectoryEntry& entry : *entries) {
      if (entry.name.ends_with(".test")) paths.push_back(folder + "/" + entry.name);
    }
  }
  if (paths.empty()) {
    return WrongUsage("promqltest",
                      fmt::format("promqltest without a file runs Prometheus' own scripts, but {} "
                                  "has none (./dev setup puts them there)",
                                  folder.empty() ? "THERMOCLINE_CACHE" : folder));
  }
  std::ranges::sort(paths);
  return paths;
}

void Register(std::string* storage, FlagTable* table) {
  table->AddString("storage", storage,
                   "Where the evals read: memory (as loaded), head, or what convert makes of it: "
                   "samples, parquet-common, gateway.");
}

}  // namespace

std::string PromqlTestFlags() {
  std::string storage(kDefaultStorage);
  FlagTable table;
  Register(&storage, &table);
  return table.HelpText();
}

int RunPromqlTest(const Invocation& invocation) {
  std::string storage(kDefaultStorage);
  FlagTable table;
  Register(&storage, &table);
  auto paths = table.ParseCommandLine(invocation.arguments);
  if (!paths.ok()) return Complain(paths.status());
  PosixEnv posix(LogFormat::kLogfmt, LogLevel::kError, 2);
  const Env env = posix.env();
  if (paths->empty()) {
    paths = OwnScripts(invocation, env.files);
    if (!paths.ok()) return Complain(paths.status());
  }
  const auto store = MakeScriptStorage(storage, env.executor);
  if (!store.ok()) return Complain(store.status());
  const promql::Engine engine(promql::ScriptEngineOptions(), env.executor, env.clock);
  promql::ScriptSummary total;
  bool broken = false;
  for (const std::string& path : *paths) {
    const auto text = env.files.ReadFile(path, 64ull << 20);
    if (!text.ok()) return Complain(text.status());
    const std::string name = path.substr(path.rfind('/') + 1);
    std::string report;
    const auto summary = RunScriptText(name, *text, AskEngine(engine), &report, *store);
    fmt::print("{}", report);
    if (!summary.ok()) {
      fmt::print("{}: {}\n", name, summary.status().message());
      broken = true;
      continue;
    }
    total.passed += summary->passed;
    total.failed += summary->failed;
  }
  fmt::print("{} passed, {} failed\n", total.passed, total.failed);
  return total.failed == 0 && !broken ? kExitOk : kExitFailed;
}

}  // namespace thermocline
