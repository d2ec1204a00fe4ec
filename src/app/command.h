// The verbs of the binary. Each returns the process's exit code: 0 done, 1 failed, 2 wrong usage.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace thermocline {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;

// What the shell gave us, verb removed.
struct Invocation {
  std::vector<std::string> arguments;
  std::vector<std::pair<std::string, std::string>> environment;
};

int RunServe(const Invocation& invocation);
int RunQuery(const Invocation& invocation);
int RunInspect(const Invocation& invocation);
int RunDump(const Invocation& invocation);
int RunVerify(const Invocation& invocation);
int RunConvert(const Invocation& invocation);
int RunImport(const Invocation& invocation);
int RunCheck(const Invocation& invocation);
int RunPromqlTest(const Invocation& invocation);
int RunVersion(const Invocation& invocation);

// What the help of a command lists; each makes the table that the command itself parses.
std::string ServeFlags();
std::string QueryFlags();
std::string InspectFlags();
std::string DumpFlags();
std::string VerifyFlags();
std::string ConvertFlags();
std::string ImportFlags();
std::string PromqlTestFlags();

struct Command {
  std::string_view name;
  std::string_view usage;
  std::string_view help;  // a sentence; the list of commands has it
  std::string_view more;  // what else its own help says
  int (*run)(const Invocation&);
  std::string (*flags)();  // null: it takes none
};
const std::vector<Command>& Commands();

// Runs the verb that comes first in `arguments` (none: serve).
int RunVerb(std::vector<std::string> arguments,
            std::vector<std::pair<std::string, std::string>> environment);

// InvalidArgument that says what is wrong with the words given, and how the command is used.
Status WrongUsage(std::string_view command, std::string_view problem);

// Prints "thermocline: message" to standard error and returns `exit_code`.
int Complain(std::string_view message, int exit_code = kExitFailed);
// Complains with kExitUsage for InvalidArgument and kExitFailed otherwise.
int Complain(const Status& status);

}  // namespace thermocline
