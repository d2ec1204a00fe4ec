// Prometheus' chunk encodings 1 to 6: chunk bytes to samples and back. Layouts: FORMAT.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/chunk.h"
#include "model/queryable.h"

namespace thermocline {

// The number of samples that the chunk's head claims. Corruption when there is no head.
Result<uint32_t> ChunkSampleCount(ChunkEncoding encoding, std::string_view bytes);

// Appends the chunk's samples within `range` to the columns of `out` (timestamps, values,
// start_timestamps_ms and histogram_index only when needed, kept parallel; offsets are the
// caller's). Times need not ascend across calls: the caller merges. Within a chunk they must.
// Reset hints are those that Prometheus' iterators give: kUnknown for the first sample, whatever
// the chunk's header says (ChunkResetHint), because the chunk before may be gone; then kNotReset,
// or kGauge throughout for a gauge chunk. A stale histogram has no hint, as it has no buckets.
// Hostile bytes: Corruption and `out` as it was, never a read outside `bytes`. Allocated are at
// most 16 bytes per bit of a float chunk, 24 with start timestamps; for histograms 4 MiB and 256
// bytes per byte.
Status DecodeChunk(ChunkEncoding encoding, std::string_view bytes, TimeRange range,
                   SeriesBatch* out);

// The same for a chunk whose times need not ascend, as converters of overlapping blocks make them:
// every sample, as it stands, whatever its time. kXor, kHistogram and kFloatHistogram.
Status DecodeUnordered(ChunkEncoding encoding, std::string_view bytes, SeriesBatch* out);

// What the header of a histogram chunk says about a counter reset between its first sample and the
// chunk before; kUnknown for float chunks and when there is no head.
CounterResetHint ChunkResetHint(ChunkEncoding encoding, std::string_view bytes);

// Samples [begin, end) of `batch` as one chunk, appended to `out`, byte for byte as Prometheus'
// appenders write them. The caller cuts chunks so that all samples are of one kind and fit one
// chunk (FirstChunkEnd). InvalidArgument otherwise, or when start timestamps are
// given to an encoding without them.
// `header` is the reset header of a histogram chunk. Without it the header is what an appender that
// knows no previous chunk writes: the first sample's hint if that is kReset or kGauge.
Status EncodeChunk(ChunkEncoding encoding, const SeriesBatch& batch, size_t begin, size_t end,
                   std::string* out, std::optional<CounterResetHint> header = std::nullopt);

// The encoding for samples [begin, end), which are of one kind: 1 to 3, or 4 to 6 when one of them
// has a start timestamp.
ChunkEncoding ChunkEncodingFor(const SeriesBatch& batch, size_t begin, size_t end);

// Where Prometheus' appender, fed with samples [begin, end) of `batch`, would cut: at `max_samples`
// samples, at a change of kind, and for histograms at a reset, a change of schema, zero threshold
// or custom bounds. Returns the end of the first chunk; begin < end.
// Histograms whose spans differ within a chunk are encoded over the union of their buckets.
// `*next_header` is set when a histogram appender made the cut itself: to the header that it gives
// the chunk which starts at the end returned; otherwise it is nullopt.
size_t FirstChunkEnd(const SeriesBatch& batch, size_t begin, size_t end, size_t max_samples,
                     std::optional<CounterResetHint>* next_header = nullptr);

}  // namespace thermocline
