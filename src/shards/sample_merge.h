// Chunks of one series to samples in order of time, and cut chunks to chunks again.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "model/chunk.h"
#include "model/queryable.h"

namespace thermocline::shards {

// Appends the samples of `chunks` within `range` to the columns of `out`, ascending and distinct in
// time, whatever the chunks' order and overlap and the order within a chunk: where two samples are
// of the same time, the chunk of higher rank wins, then the later chunk, then the later sample.
// `scratch` is overwritten. Offsets are the caller's.
Status AppendSamples(std::span<const EncodedChunk> chunks, TimeRange range, SeriesBatch* scratch,
                     SeriesBatch* out);

// Moves sample `i` of `from`, whose columns are even, to the end of `out`.
void MoveSample(SeriesBatch* from, size_t i, SeriesBatch* out);
// Moves the samples of `from` that `order` lists, ascending in time, of equal times the first, as
// far as they lie in `range`. Reset hints that spoke of another sample are forgotten.
void MoveDistinct(std::span<const uint32_t> order, TimeRange range, SeriesBatch* from,
                  SeriesBatch* out);

// Whether the chunk's samples ascend from its minimum to its maximum. `scratch` is overwritten.
bool IsInOrder(const EncodedChunk& chunk, SeriesBatch* scratch);

// Columns that only some samples needed are made as long as the others.
void EvenColumns(SeriesBatch* batch);

// Samples [begin, end) of `batch` as chunks of at most `max_samples`; payloads go to `payloads`,
// whose strings stay where they are (a deque-like list is the caller's choice).
struct OwnedChunk {
  EncodedChunk chunk;  // `bytes` is set by whoever keeps `payload`
  std::string payload;
};
Status EncodeSamples(const SeriesBatch& batch, size_t begin, size_t end, size_t max_samples,
                     std::vector<OwnedChunk>* out);

}  // namespace thermocline::shards
