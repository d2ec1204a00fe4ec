// The binary.
#include <unistd.h>

#include "app/command.h"

extern char** environ;

// Memory that a burst frees goes back to the system within a second, also when nothing allocates
// afterwards. jemalloc looks this name up, so it is the one symbol of ours that others may see.
extern "C" {
__attribute__((visibility("default"))) const char* malloc_conf =
    "background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0";
}

int main(int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  std::vector<std::pair<std::string, std::string>> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    environment.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return thermocline::RunVerb(std::move(arguments), std::move(environment));
}
