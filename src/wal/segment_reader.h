// Reads one segment a block at a time and tells torn tails from damage (FORMAT.md, Reading).
#pragma once

#include <functional>
#include <limits>
#include <optional>
#include <string>

#include "env/file_system.h"
#include "wal/format.h"

namespace thermocline::wal {

struct ReaderOptions {
  // Off only in the test which shows that the byte-flip test notices a reader that trusts bytes.
  bool check_crc = true;
  uint64_t max_record_bytes = 128ull << 20;
};

// What is known about a segment before its records are read.
struct SegmentBounds {
  SegmentId id;
  // Smallest previous_lsn in the headers of later segments; nothing when there is none.
  std::optional<Lsn> limit;
  // The next segment's header is readable, so this one surely reached `limit`.
  bool reached_limit = false;
  // The LSN that should come next; nothing when earlier headers were unreadable.
  std::optional<Lsn> expected;
};

struct SegmentSummary {
  std::optional<SegmentHeader> header;
  uint64_t records = 0;
  uint64_t torn_bytes = 0;
  uint64_t damaged_blocks = 0;
  uint64_t lost_records = 0;
  std::optional<uint64_t> damage_offset;  // of the first damage or gap
  std::optional<uint64_t> torn_offset;
  // Known to have been durable at some time, replayed or not.
  Lsn durable;
  // What should come next in the log.
  std::optional<Lsn> expected;
};

// Feeds the intact records to `replay` in LSN order. Memory: a block, a read-ahead of 1 MiB and one
// record. Errors: those of reading and of `replay`. Bad bytes are counted, never an error.
Result<SegmentSummary> ReadSegment(const RandomAccessFile& file, const SegmentBounds& bounds,
                                   const ReaderOptions& options,
                                   const std::function<Status(const LogRecord&)>& replay);

// The header of a segment file, nothing when it is unreadable as one.
Result<std::optional<SegmentHeader>> ReadSegmentHeader(const RandomAccessFile& file,
                                                       bool check_crc = true);

}  // namespace thermocline::wal
