// Picks the verb.
#include <fmt/core.h>

#include <algorithm>
#include <cstdio>

#include "app/command.h"
#include "app/config.h"
#include "app/version.h"

namespace thermocline {

const std::vector<Command>& Commands() {
  static const std::vector<Command> kCommands = {
      {"serve", "serve [--flag=value...]", "Runs the database (the default).", &RunServe},
      {"query", "query instant|range [--server=URL|--storage=PATH] QUERY",
       "Asks a running server or a closed data folder.", &RunQuery},
      {"inspect", "inspect PATH [--json]", "Shows the blocks, files and columns of a data folder.",
       &RunInspect},
      {"check", "check data PATH | check config FILE",
       "Checks every checksum of a data folder, or a configuration file.", &RunCheck},
      {"promqltest", "promqltest FILE...", "Runs Prometheus' script tests.", &RunPromqlTest},
      {"version", "version", "Prints the version.", &RunVersion},
  };
  return kCommands;
}

int Complain(std::string_view message, int exit_code) {
  fmt::print(stderr, "thermocline: {}\n", message);
  return exit_code;
}

int Complain(const Status& status) {
  return Complain(status.message(),
                  status.code() == Code::kInvalidArgument ? kExitUsage : kExitFailed);
}

namespace {

void PrintHelp() {
  fmt::print("Thermocline {}: a Prometheus-compatible database on open Parquet.\n\nUsage:\n",
             kVersion);
  for (const Command& command : Commands()) {
    fmt::print("  thermocline {}\n        {}\n", command.usage, command.help);
  }
  Config config;
  FlagTable table;
  RegisterFlags(&config, &table);
  fmt::print("\nFlags of serve (also THERMOCLINE_NAME_OF_FLAG and the file of --config.file):\n{}",
             table.HelpText());
}

// docs/reference/config.md, whole.
void PrintConfigReference() {
  Config config;
  // The machine's cores are not part of the reference.
  config.server.queries.threads = 4;
  FlagTable table;
  RegisterFlags(&config, &table);
  fmt::print(
      "# Configuration\n\nMade by `thermocline help --markdown`; do not edit. A flag beats its "
      "environment variable, which beats the file of\n`--config.file` (YAML, nested keys spell the "
      "flag's name), which beats the default.\n\n{}",
      table.Markdown());
}

bool Holds(const std::vector<std::string>& arguments, std::string_view word) {
  return std::ranges::find(arguments, word) != arguments.end();
}

}  // namespace

int RunVerb(std::vector<std::string> arguments,
            std::vector<std::pair<std::string, std::string>> environment) {
  const bool flag_first = arguments.empty() || arguments[0].starts_with("-");
  const std::string verb = flag_first ? "serve" : arguments[0];
  if (verb == "help" && Holds(arguments, "--markdown")) {
    PrintConfigReference();
    return kExitOk;
  }
  if (verb == "help" || Holds(arguments, "--help") || Holds(arguments, "-h")) {
    PrintHelp();
    return kExitOk;
  }
  if (!arguments.empty() && arguments[0] == "--version") return RunVersion({});
  if (!flag_first) arguments.erase(arguments.begin());
  for (const Command& command : Commands()) {
    if (command.name == verb) return command.run({std::move(arguments), std::move(environment)});
  }
  const auto nearest = std::ranges::min_element(
      Commands(), {}, [&](const Command& c) { return EditDistance(c.name, verb); });
  return Complain(fmt::format("unknown command '{}', did you mean '{}'?", verb, nearest->name),
                  kExitUsage);
}

}  // namespace thermocline
