// Encoders and decoders of Prometheus' chunks, encodings 1 to 6.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <thermocline/export.h>
#include <thermocline/samples.h>
#include <thermocline/status.h>

namespace thermocline::api {

// The encoding byte of Prometheus' chunk format.
enum class ChunkEncoding : uint8_t {
  kNone = 0,
  kXor = 1,
  kHistogram = 2,
  kFloatHistogram = 3,
  kXor2 = 4,              // floats with start timestamps
  kHistogramSt = 5,       // with start timestamps; upstream may still change it
  kFloatHistogramSt = 6,  // likewise
};

// `bytes` is what Prometheus' Chunk.Bytes() gives: no length, no encoding byte, no checksum.
struct Chunk {
  ChunkEncoding encoding = ChunkEncoding::kNone;
  int64_t min_ms = 0;  // of its first and last sample
  int64_t max_ms = 0;
  std::string_view bytes;
};

// Chunks of several series. They may overlap where files do; then the later chunk's samples win.
struct ChunkBatch {
  std::vector<uint32_t> offsets = {0};  // series i owns [offsets[i], offsets[i + 1])
  std::vector<Chunk> chunks;
  std::vector<std::shared_ptr<const void>> owners;  // of the bytes

  std::span<const Chunk> of(size_t series) const {
    return std::span(chunks).subspan(offsets[series], offsets[series + 1] - offsets[series]);
  }
};

// The number of samples that the chunk's head claims. Corruption when there is none.
THERMOCLINE_API Result<uint32_t> ChunkSampleCount(ChunkEncoding encoding, std::string_view bytes);

// The chunk's samples in `range` as one series. Never trusts the bytes: Corruption.
THERMOCLINE_API Result<SampleBatch> DecodeChunk(ChunkEncoding encoding, std::string_view bytes,
                                                TimeRange range = {});

struct EncodeOptions {
  uint32_t max_samples = 120;  // of a chunk, 1 to 65,535
};
// Series `series` of `batch` as chunks, cut where Prometheus' appender cuts them (at max_samples, a
// change of kind, a counter reset) and byte for byte as it writes them. Encodings 1 to 3, or 4 to 6
// for a chunk in which a sample has a start timestamp. The result has one series.
// InvalidArgument when times do not ascend or columns disagree.
THERMOCLINE_API Result<ChunkBatch> EncodeChunks(const SampleBatch& batch, size_t series,
                                                const EncodeOptions& options = {});

}  // namespace thermocline::api
