#pragma once

#include <cstdint>

#include "env/metrics.h"

namespace thermocline {

// Adds process_resident_memory_bytes, process_virtual_memory_bytes, process_cpu_seconds_total,
// process_open_fds, process_max_fds, process_threads and process_start_time_seconds, read from the
// kernel at each Collect.
void RegisterProcessMetrics(Metrics& metrics);

// Bytes of memory that this machine has, or the fewer that our control group (version 1 or 2) may
// use.
uint64_t TotalMemoryBytes();

}  // namespace thermocline
