// Encoded chunks as Prometheus stores them: what blocks and shards hand out without decoding, so
// that a conversion passes them through.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace thermocline {

// The encoding byte of Prometheus' chunk format. Stored on disk: never renumber.
enum class ChunkEncoding : uint8_t {
  kNone = 0,
  kXor = 1,
  kHistogram = 2,
  kFloatHistogram = 3,
  kXor2 = 4,
  kHistogramSt = 5,
  kFloatHistogramSt = 6,
  kAggregate = 255  // Thanos' downsampled five-in-one chunk
};

// The samples of one series within [min_ms, max_ms], the times of its first and last sample.
// `bytes` is the payload as in Prometheus' Chunk.Bytes(): no length, no encoding byte, no CRC.
struct EncodedChunk {
  ChunkEncoding encoding = ChunkEncoding::kNone;
  TimestampMs min_ms = 0;
  TimestampMs max_ms = 0;
  uint32_t rank = 0;       // of the source among several
  std::string_view bytes;  // borrowed from the batch's `owners`
};

// Chunks of some series. Series i owns [offsets[i], offsets[i + 1]), ascending by min_ms. Chunks of
// a series may overlap in time (damaged or foreign files, several sources); where two samples share
// a timestamp, the higher rank wins, at equal rank the later chunk.
struct EncodedBatch {
  std::vector<uint32_t> offsets;  // series + 1
  std::vector<EncodedChunk> chunks;
  std::vector<std::shared_ptr<const void>> owners;  // what `bytes` point into

  size_t series_count() const { return offsets.empty() ? 0 : offsets.size() - 1; }
  std::span<const EncodedChunk> of(size_t i) const {
    return std::span(chunks).subspan(offsets[i], offsets[i + 1] - offsets[i]);
  }
  void Clear() {
    offsets.assign(1, 0);
    chunks.clear();
    owners.clear();
  }
};

}  // namespace thermocline
