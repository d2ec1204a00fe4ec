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
int RunCheck(const Invocation& invocation);
int RunPromqlTest(const Invocation& invocation);
int RunVersion(const Invocation& invocation);

struct Command {
  std::string_view name;
  std::string_view usage;
  std::string_view help;
  int (*run)(const Invocation&);
};
const std::vector<Command>& Commands();

// Runs the verb that comes first in `arguments` (none: serve).
int RunVerb(std::vector<std::string> arguments,
            std::vector<std::pair<std::string, std::string>> environment);

// Prints "thermocline: message" to standard error and returns `exit_code`.
int Complain(std::string_view message, int exit_code = kExitFailed);
// Complains with kExitUsage for InvalidArgument and kExitFailed otherwise.
int Complain(const Status& status);

}  // namespace thermocline
