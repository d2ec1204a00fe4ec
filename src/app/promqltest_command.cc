// promqltest: Prometheus' script tests against our engine.
#include <fmt/core.h>

#include "app/command.h"
#include "app/flags.h"
#include "app/script_storage.h"
#include "env/posix/posix_env.h"
#include "promql/test_script/run_script.h"

namespace thermocline {
namespace {

constexpr std::string_view kDefaultStorage = "memory";

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
  const auto paths = table.ParseCommandLine(invocation.arguments);
  if (!paths.ok()) return Complain(paths.status());
  if (paths->empty()) return Complain(WrongUsage("promqltest", "promqltest needs a file"));
  PosixEnv posix(LogFormat::kLogfmt, LogLevel::kError, 2);
  const Env env = posix.env();
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
    total.set_aside += summary->set_aside;
  }
  if (total.set_aside > 0) {
    fmt::print("{} cases set aside: they touch native histograms or start timestamps\n",
               total.set_aside);
  }
  fmt::print("{} passed, {} failed\n", total.passed, total.failed);
  return total.failed == 0 && !broken ? kExitOk : kExitFailed;
}

}  // namespace thermocline
