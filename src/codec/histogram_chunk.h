// Histogram chunks: encodings 2, 3, 5 and 6. Parts of chunk.h.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/status.h"
#include "codec/chunk.h"
#include "codec/histogram_layout.h"

namespace thermocline {

constexpr bool KeepsFloatHistograms(ChunkEncoding encoding) {
  return encoding == ChunkEncoding::kFloatHistogram || encoding == ChunkEncoding::kFloatHistogramSt;
}
constexpr bool KeepsHistogramStarts(ChunkEncoding encoding) {
  return encoding == ChunkEncoding::kHistogramSt || encoding == ChunkEncoding::kFloatHistogramSt;
}

// Appends the `count` samples of a chunk to timestamps, values, histograms and histogram_index of
// `out` as far as they lie in `range`; when the encoding has them, their start timestamps to
// `starts`. False when the bytes are bad, or times do not ascend, which they need not with
// `any_order`; then `out` may hold some of the samples.
bool DecodeHistograms(ChunkEncoding encoding, std::string_view bytes, size_t count, TimeRange range,
                      SeriesBatch* out, std::vector<TimestampMs>* starts, bool any_order = false);

// Appends samples [begin, end) of `batch`, all histograms of one kind, over the buckets of
// `layout`, which covers theirs.
void EncodeHistograms(ChunkEncoding encoding, const SeriesBatch& batch, size_t begin, size_t end,
                      const HistogramLayout& layout, CounterResetHint header, std::string* out);

}  // namespace thermocline
