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
      {"serve", "serve [--flag=value...]", "Runs the database (the default).",
       "Every flag can also be an environment variable, THERMOCLINE_NAME_OF_FLAG, or a key of the "
       "file of --config.file.",
       &RunServe, &ServeFlags},
      {"query", "query instant|range QUERY [flags]",
       "Asks a running server, a closed data folder, Prometheus blocks or shards.",
       "Times are seconds or RFC 3339. A range query needs --start.", &RunQuery, &QueryFlags},
      {"inspect", "inspect SRC [flags]",
       "Shows what a source holds; of a data folder of ours the blocks, files and columns.",
       "No samples are read.", &RunInspect, &InspectFlags},
      {"dump", "dump SRC [flags]",
       "Prints every series of a source: block, blocks, Prometheus data, shards, data folder.",
       "Lines go to standard output, notes to standard error; nothing is written to SRC.", &RunDump,
       &DumpFlags},
      {"verify", "verify A B [flags]",
       "Compares two sources sample by sample; fails when they differ.",
       "Values and start timestamps agree bit for bit, histograms by their buckets. The exit code "
       "is 0 when A and B hold the same, else 1.",
       &RunVerify, &VerifyFlags},
      {"convert", "convert SRC... --to=DST --layout=samples|parquet-common|gateway [flags]",
       "Writes sources of any layout as Parquet of one layout.",
       "Nothing shows in DST before all of it is written; a killed run can be repeated. \"Shards\" "
       "are parquet-common and gateway; a flag that the layout does not have is refused.",
       &RunConvert, &ConvertFlags},
      {"import", "import SRC... --data=DIR [flags]",
       "Puts sources of any layout and time into a data folder, whether a server runs or not.",
       "All becomes visible at once or nothing does; samples that are there already stay.",
       &RunImport, &ImportFlags},
      {"check", "check data PATH | check config FILE",
       "Checks every checksum of a data folder, or a configuration file.",
       "The exit code is 0 when all is well.", &RunCheck, nullptr},
      {"promqltest", "promqltest [FILE...] [flags]", "Runs Prometheus' script tests.",
       "Without a file the scripts of Prometheus itself. Instant cases are asked again pinned by @ "
       "at five times and as a step of a range query. The exit code is 0 when every case passes.",
       &RunPromqlTest, &PromqlTestFlags},
      {"version", "version", "Prints the version.", "", &RunVersion, nullptr},
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

const Command* FindCommand(std::string_view name) {
  const auto at = std::ranges::find(Commands(), name, &Command::name);
  return at == Commands().end() ? nullptr : &*at;
}

int ComplainUnknown(std::string_view name) {
  const auto nearest = std::ranges::min_element(
      Commands(), {}, [&](const Command& c) { return EditDistance(c.name, name); });
  return Complain(fmt::format("unknown command '{}', did you mean '{}'?", name, nearest->name),
                  kExitUsage);
}

void PrintCommands() {
  fmt::print("Thermocline {}: a Prometheus-compatible database on open Parquet.\n\nUsage:\n",
             kVersion);
  for (const Command& command : Commands()) {
    fmt::print("  thermocline {}\n        {}\n", command.usage, command.help);
  }
  fmt::print("\n`thermocline help COMMAND` or `thermocline COMMAND --help` tells its flags.\n");
}

int PrintHelp(std::string_view name) {
  const Command* const command = FindCommand(name);
  if (command == nullptr) return ComplainUnknown(name);
  fmt::print("Usage: thermocline {}\n\n{}{}{}\n", command->usage, command->help,
             command->more.empty() ? "" : " ", command->more);
  if (command->flags != nullptr) fmt::print("\nFlags:\n{}", command->flags());
  return kExitOk;
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
      "flag's name), which beats the default.\n\n{}\n## Prometheus' flags\n\nThese are taken "
      "with a warning and do nothing, so that a command line written for Prometheus works:\n\n{}",
      table.Markdown(), table.IgnoredMarkdown());
}

bool AsksForHelp(const std::vector<std::string>& arguments) {
  const auto end = std::ranges::find(arguments, "--");
  return std::any_of(arguments.begin(), end, [](const std::string& argument) {
    return argument == "--help" || argument == "-h";
  });
}

int RunHelp(const std::vector<std::string>& arguments) {
  if (std::ranges::find(arguments, "--markdown") != arguments.end()) {
    PrintConfigReference();
    return kExitOk;
  }
  const auto word = std::ranges::find_if(
      arguments, [](const std::string& argument) { return !argument.starts_with("-"); });
  if (word != arguments.end() && *word != "help") return PrintHelp(*word);
  PrintCommands();
  return kExitOk;
}

}  // namespace

std::string ServeFlags() {
  Config config;
  FlagTable table;
  RegisterFlags(&config, &table);
  return table.HelpText();
}

Status WrongUsage(std::string_view command, std::string_view problem) {
  return Status::InvalidArgument(
      fmt::format("{}\nusage: thermocline {}\n`thermocline help {}` tells its flags", problem,
                  FindCommand(command)->usage, command));
}

int RunVerb(std::vector<std::string> arguments,
            std::vector<std::pair<std::string, std::string>> environment) {
  const bool flag_first = arguments.empty() || arguments[0].starts_with("-");
  if (!arguments.empty()) {
    if (arguments[0] == "--help" || arguments[0] == "-h") return RunHelp({});
    if (arguments[0] == "--version") return RunVersion({});
  }
  const std::string verb = flag_first ? "serve" : arguments[0];
  if (!flag_first) arguments.erase(arguments.begin());
  if (verb == "help") return RunHelp(arguments);
  if (AsksForHelp(arguments)) return PrintHelp(verb);
  const Command* const command = FindCommand(verb);
  if (command == nullptr) return ComplainUnknown(verb);
  return command->run({std::move(arguments), std::move(environment)});
}

}  // namespace thermocline
