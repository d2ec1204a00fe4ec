// The files of `chunks_head/`: finished chunks of a Prometheus head, in the order of their writing.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "bucket/object.h"
#include "model/chunk.h"

namespace thermocline {

struct HeadChunk {
  uint64_t series = 0;    // the head's number of it
  uint64_t position = 0;  // file number << 32 | offset: what markers in the log name
  TimestampMs min_ms = 0;
  TimestampMs max_ms = 0;
  bool out_of_order = false;
  ChunkEncoding encoding = ChunkEncoding::kNone;
  std::string_view bytes;  // valid during the call
};

// Calls `take` for each chunk of one file. Corruption with file and offset at the first record that
// does not hold; those before it were taken. A file that is being written ends in zeros.
Status ReadHeadChunks(const Object& object, uint64_t file_number,
                      const std::function<void(const HeadChunk&)>& take);

}  // namespace thermocline
