// What work takes of memory at its highest, with what libraries take: for tests.
#pragma once

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>

namespace thermocline {

// The most resident memory, in bytes, of a child that runs `work`, with what it began with; -1 when
// it died.
template <typename Work>
int64_t ResidentOfChild(const Work& work) {
  const pid_t child = fork();
  if (child == 0) {
    work();
    _exit(0);
  }
  int status = 0;
  rusage usage{};
  const bool ended = child > 0 && wait4(child, &status, 0, &usage) == child;
  return ended && status == 0 ? int64_t{usage.ru_maxrss} * 1024 : -1;
}

// By how many bytes `work` raises the resident memory of a child that runs it; -1 when the child
// died. One thread.
template <typename Work>
int64_t PeakOfChild(const Work& work) {
  const int64_t idle = ResidentOfChild([] {});
  const int64_t most = ResidentOfChild(work);
  return most < 0 ? -1 : most - idle;
}

}  // namespace thermocline
