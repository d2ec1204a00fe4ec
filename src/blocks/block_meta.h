// A block's meta.json.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"

namespace thermocline {

struct BlockMeta {
  BlockId id;
  TimestampMs min_ms = 0;     // inclusive
  TimestampMs max_ms = 0;     // exclusive, as in the file
  uint64_t sample_count = 0;  // the counts are 0 when the file does not tell
  uint64_t series_count = 0;
  uint64_t chunk_count = 0;
  uint64_t tombstone_count = 0;
  uint32_t level = 1;
  std::vector<std::string> sources;
  std::vector<std::string> hints;
  std::vector<BlockId> parents;  // the blocks that this one replaces
  // What Thanos adds; empty and 0 elsewhere.
  std::map<std::string, std::string> external_labels;
  int64_t resolution_ms = 0;  // 0 = raw

  // The block holds only some series of its range, so it never makes a range complete
  // (hints from-stale-series, from-selected-series).
  bool partial_view() const;
  bool out_of_order() const;
  TimeRange range() const { return {min_ms, max_ms - 1}; }
};

// Unknown keys are passed over. Corruption when it is no JSON or lacks what a reader needs,
// Unimplemented for a version other than 1. `where` begins the messages.
Result<BlockMeta> ParseBlockMeta(std::string_view json, std::string_view where);

}  // namespace thermocline
