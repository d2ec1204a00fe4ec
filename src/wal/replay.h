// Reads all segments of a folder in order: what Log::Open does before it writes.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "env/file_system.h"
#include "env/logger.h"
#include "wal/segment_reader.h"

namespace thermocline::wal {

// A segment as the running log knows it.
struct SegmentState {
  Lsn first_lsn;  // 0 when its header is unreadable
  uint64_t size_bytes = 0;
  bool must_keep = false;  // damaged, and the copy into quarantine failed
};

struct Replayed {
  std::map<SegmentId, SegmentState> segments;
  std::map<uint64_t, uint64_t> spares;  // number -> bytes
  Lsn last;                             // what the next segment's previous_lsn must be
};

struct ReplayOptions {
  std::string directory;
  bool strict = false;
  bool read_only = false;  // write nothing: damaged segments are not copied to quarantine
  ReaderOptions reader;
};

// Feeds every intact record in LSN order to `replay`, copies damaged segments to quarantine, fills
// `summary`. Changes no segment. Errors: Io (unreadable file), Corruption (strict), those of
// `replay`.
Result<Replayed> ReplaySegments(const ReplayOptions& options, FileSystem& files, Logger& logger,
                                const std::function<Status(const LogRecord&)>& replay,
                                ReplaySummary* summary);

}  // namespace thermocline::wal
