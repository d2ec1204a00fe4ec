// promqltest: Prometheus' script tests against our engine.
#include <fmt/core.h>

#include "app/command.h"
#include "env/posix/posix_env.h"
#include "promql/test_script/run_script.h"

namespace thermocline {

int RunPromqlTest(const Invocation& invocation) {
  if (invocation.arguments.empty()) {
    return Complain("usage: thermocline promqltest FILE...", kExitUsage);
  }
  PosixEnv posix(LogFormat::kLogfmt, LogLevel::kError, 2);
  const Env env = posix.env();
  const promql::Engine engine(promql::ScriptEngineOptions(), env.executor, env.clock);
  promql::ScriptSummary total;
  bool broken = false;
  for (const std::string& path : invocation.arguments) {
    const auto text = env.files.ReadFile(path, 64ull << 20);
    if (!text.ok()) return Complain(text.status());
    const std::string name = path.substr(path.rfind('/') + 1);
    std::string report;
    const auto summary = RunScriptText(name, *text, AskEngine(engine), &report);
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
