#include "env/failpoint.h"

#include <csignal>

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "base/mutex.h"
#include "base/result.h"

namespace thermocline {
namespace {

struct Armed {
  bool kill = false;
  uint64_t at_hit = 1;
  uint64_t hits = 0;
};

// Failpoints are declared at namespace scope in many files, so the registry is made at first use.
struct Registry {
  Mutex mutex;
  std::map<std::string, FailPoint*, std::less<>> points GUARDED_BY(mutex);
  std::map<std::string, Armed, std::less<>> armed GUARDED_BY(mutex);
};
Registry& TheRegistry() {
  static Registry registry;
  return registry;
}

Result<Armed> ParseAction(std::string_view entry, std::string_view action) {
  Armed armed;
  const size_t at = action.find('@');
  const std::string_view verb = action.substr(0, at);
  if (verb != "kill" && verb != "error") {
    return Status::InvalidArgument("failpoint '" + std::string(entry) +
                                   "': the action must be kill or error");
  }
  armed.kill = verb == "kill";
  if (at != std::string_view::npos) {
    const std::string_view text = action.substr(at + 1);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), armed.at_hit);
    if (error != std::errc() || end != text.data() + text.size() || armed.at_hit == 0) {
      return Status::InvalidArgument("failpoint '" + std::string(entry) +
                                     "': expected a hit number from 1 after '@'");
    }
  }
  return armed;
}

}  // namespace

FailPoint::FailPoint(const char* name) : name_(name) {
  Registry& registry = TheRegistry();
  MutexLock lock(registry.mutex);
  registry.points[name] = this;
}

Status FailPoint::Arm(std::string_view specification) {
  Registry& registry = TheRegistry();
  MutexLock lock(registry.mutex);
  while (!specification.empty()) {
    const size_t comma = std::min(specification.find(','), specification.size());
    const std::string_view entry = specification.substr(0, comma);
    specification.remove_prefix(std::min(comma + 1, specification.size()));
    const size_t equals = entry.find('=');
    if (equals == std::string_view::npos) {
      return Status::InvalidArgument("failpoint '" + std::string(entry) +
                                     "': expected name=action");
    }
    const std::string_view name = entry.substr(0, equals);
    const auto point = registry.points.find(name);
    if (point == registry.points.end()) {
      return Status::InvalidArgument("failpoint '" + std::string(name) + "': no such name");
    }
    ASSIGN_OR_RETURN(registry.armed[point->first], ParseAction(entry, entry.substr(equals + 1)));
    point->second->armed_.store(true, std::memory_order_relaxed);
  }
  return {};
}

void FailPoint::DisarmAll() {
  Registry& registry = TheRegistry();
  MutexLock lock(registry.mutex);
  for (auto& [name, point] : registry.points) {
    point->armed_.store(false, std::memory_order_relaxed);
  }
  registry.armed.clear();
}

std::vector<std::string> FailPoint::Names() {
  Registry& registry = TheRegistry();
  MutexLock lock(registry.mutex);
  std::vector<std::string> names;
  for (const auto& [name, point] : registry.points) names.push_back(name);
  return names;
}

Status FailPoint::HitArmed() {
  Registry& registry = TheRegistry();
  MutexLock lock(registry.mutex);
  const auto found = registry.armed.find(std::string_view(name_));
  if (found == registry.armed.end()) return {};
  Armed& armed = found->second;
  if (++armed.hits != armed.at_hit) return {};
  if (armed.kill) {
    // SIGKILL: no destructor, no flush, as close to a power cut as a process can get alone.
    ::kill(::getpid(), SIGKILL);
    for (;;) ::pause();
  }
  armed_.store(false, std::memory_order_relaxed);
  return Status::Io("failpoint " + std::string(name_));
}

}  // namespace thermocline
