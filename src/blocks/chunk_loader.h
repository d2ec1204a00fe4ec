// Chunks out of segment files, many at a time.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "blocks/series_section.h"
#include "bucket/object.h"
#include "model/chunk.h"

namespace thermocline {

struct LoadedChunk {
  Status status;  // Corruption with file and offset; then the rest is empty
  ChunkEncoding encoding = ChunkEncoding::kNone;
  std::string_view bytes;  // into one of the buffers
};

// Reads `wanted`, neighbours together in one range and all ranges of a segment in one call;
// (*out)[i] is wanted[i], its checksum checked. `buffers` receives what the views point into.
// Errors: of reading; what is wrong with one chunk stands in its status.
Status LoadChunks(std::span<const std::unique_ptr<Object>> segments,
                  std::span<const ChunkEntry> wanted,
                  std::vector<std::shared_ptr<const std::string>>* buffers,
                  std::vector<LoadedChunk>* out, uint64_t* bytes_read);

// "file: offset N" of a chunk, for messages.
std::string ChunkPlace(std::span<const std::unique_ptr<Object>> segments, const ChunkEntry& chunk);

}  // namespace thermocline
