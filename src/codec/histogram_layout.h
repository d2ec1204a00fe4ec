// What all histograms of one chunk share, and its bytes at the chunk's start.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "codec/chunk_bits.h"
#include "model/histogram.h"

namespace thermocline {

struct HistogramLayout {
  double zero_threshold = 0;
  int32_t schema = 0;
  std::array<std::vector<HistogramSpan>, 2> spans;  // positive, negative
  std::vector<double> custom_bounds;                // kCustomBoundsSchema only
};

inline constexpr int32_t kMaxSchema = 8;
inline constexpr int32_t kMinKnownSchema = -9;
inline constexpr int32_t kMaxKnownSchema = 52;

// False when the bytes are bad, among them a schema that nothing knows.
bool ReadHistogramLayout(BitReader* bits, HistogramLayout* layout);
void WriteHistogramLayout(const HistogramLayout& layout, BitWriter* bits);

// The number of buckets that `spans` cover.
uint64_t BucketCount(const std::vector<HistogramSpan>& spans);
// The index of each bucket, in span order.
std::vector<int64_t> BucketIndexes(const std::vector<HistogramSpan>& spans);
// The fewest spans that cover `indexes`, which ascend.
std::vector<HistogramSpan> SpansOf(const std::vector<int64_t>& indexes);
// Whether no span goes back behind the one before.
bool SpansAscend(const std::vector<HistogramSpan>& spans);

// Merges the buckets of an exponential histogram of schema 9 to 52 down to kMaxSchema, as readers
// of chunks from a future writer do. False when its spans do not ascend.
bool ReduceResolution(Histogram* h);

}  // namespace thermocline
