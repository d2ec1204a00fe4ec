#pragma once

#include "env/metrics.h"

namespace thermocline {

// Adds process_resident_memory_bytes, process_virtual_memory_bytes, process_cpu_seconds_total,
// process_open_fds, process_max_fds, process_threads and process_start_time_seconds, read from the
// kernel at each Collect.
void RegisterProcessMetrics(Metrics& metrics);

}  // namespace thermocline
