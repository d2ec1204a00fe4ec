#include "env/posix/process_metrics.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <ctime>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace thermocline {
namespace {

// Files of /proc have no size to ask for; these are short.
std::string ReadProc(const char* path) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path, "re"), &std::fclose);
  if (!file) return {};
  char text[4096];
  return std::string(text, std::fread(text, 1, sizeof(text), file.get()));
}

// The n-th (from 0) space-separated number of `text`, 0 when there is none.
double NumberAt(std::string_view text, int n) {
  size_t at = 0;
  for (; n > 0 && at != std::string_view::npos; --n) {
    at = text.find(' ', at);
    if (at != std::string_view::npos) ++at;
  }
  double value = 0;
  if (at == std::string_view::npos) return 0;
  const std::string number(text.substr(at, text.find(' ', at) - at));
  return std::sscanf(number.c_str(), "%lf", &value) == 1 ? value : 0;
}

// The fields of /proc/self/stat after the command's closing parenthesis; [0] is the third field.
double StatField(int field) {
  const std::string text = ReadProc("/proc/self/stat");
  const size_t close = text.rfind(')');
  if (close == std::string::npos || close + 2 > text.size()) return 0;
  return NumberAt(std::string_view(text).substr(close + 2), field - 3);
}

double PageBytes() { return static_cast<double>(::sysconf(_SC_PAGESIZE)); }
double ResidentBytes() { return NumberAt(ReadProc("/proc/self/statm"), 1) * PageBytes(); }
double VirtualBytes() { return NumberAt(ReadProc("/proc/self/statm"), 0) * PageBytes(); }

double CpuSeconds() {
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

double OpenFiles() {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir("/proc/self/fd"), &::closedir);
  if (!directory) return 0;
  double count = 0;
  while (::readdir(directory.get()) != nullptr) ++count;
  return count - 3;  // ".", ".." and the descriptor of this listing
}

double MaxFiles() {
  rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? static_cast<double>(limit.rlim_cur) : 0;
}

double Threads() { return StatField(20); }

// Boot time plus the process's start in clock ticks since then. Taken once: the wall clock may be
// set later.
double StartSeconds() {
  timespec wall{};
  timespec since_boot{};
  ::clock_gettime(CLOCK_REALTIME, &wall);
  ::clock_gettime(CLOCK_BOOTTIME, &since_boot);
  const double boot = static_cast<double>(wall.tv_sec - since_boot.tv_sec) +
                      static_cast<double>(wall.tv_nsec - since_boot.tv_nsec) * 1e-9;
  return boot + StatField(22) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace

void RegisterProcessMetrics(Metrics& metrics) {
  const auto add = [&metrics](const char* name, const char* help, MetricType type,
                              std::function<double()> read) {
    metrics.AddCallback(nullptr, name, help, type, {}, std::move(read));
  };
  add("process_resident_memory_bytes", "Resident memory size in bytes.", MetricType::kGauge,
      &ResidentBytes);
  add("process_virtual_memory_bytes", "Virtual memory size in bytes.", MetricType::kGauge,
      &VirtualBytes);
  add("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.",
      MetricType::kCounter, &CpuSeconds);
  add("process_open_fds", "Number of open file descriptors.", MetricType::kGauge, &OpenFiles);
  add("process_max_fds", "Maximum number of open file descriptors.", MetricType::kGauge, &MaxFiles);
  add("process_threads", "Number of threads.", MetricType::kGauge, &Threads);
  add("process_start_time_seconds", "Start time of the process since the Unix epoch in seconds.",
      MetricType::kGauge, [start = StartSeconds()] { return start; });
}

uint64_t TotalMemoryBytes() {
  auto bytes =
      static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  // "max" (version 2) and absurdly large numbers (version 1) mean that there is no limit.
  for (const char* path :
       {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    const double limit = NumberAt(ReadProc(path), 0);
    if (limit > 0 && limit < static_cast<double>(bytes)) bytes = static_cast<uint64_t>(limit);
  }
  return bytes;
}

}  // namespace thermocline
