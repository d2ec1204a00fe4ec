#include "model/histogram.h"

#include <bit>
#include <map>

#include "model/float_histogram_parts.h"

namespace thermocline {
namespace {

bool AllSameBits(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!SameBits(a[i], b[i])) return false;
  }
  return true;
}

bool SameNumbers(const Histogram& a, const Histogram& b) {
  return a.kind == b.kind && a.schema == b.schema && SameBits(a.zero_threshold, b.zero_threshold) &&
         SameBits(a.sum, b.sum) && a.count == b.count && a.zero_count == b.zero_count &&
         SameBits(a.float_count, b.float_count) &&
         SameBits(a.float_zero_count, b.float_zero_count) &&
         AllSameBits(a.custom_bounds, b.custom_bounds);
}

// Bucket index to the bits of its count, without empty buckets.
std::map<int64_t, uint64_t> Filled(const std::vector<HistogramSpan>& spans,
                                   const std::vector<int64_t>& counts,
                                   const std::vector<double>& floats, bool is_float) {
  std::map<int64_t, uint64_t> filled;
  const size_t size = is_float ? floats.size() : counts.size();
  int64_t index = 0;
  size_t bucket = 0;
  for (const HistogramSpan& span : spans) {
    index += span.offset;
    for (uint32_t i = 0; i < span.length && bucket < size; ++i, ++index, ++bucket) {
      const bool empty = is_float ? floats[bucket] == 0 : counts[bucket] == 0;
      if (empty) continue;
      filled[index] = is_float ? std::bit_cast<uint64_t>(floats[bucket])
                               : static_cast<uint64_t>(counts[bucket]);
    }
  }
  return filled;
}

// Spans without empty ones, whose offsets the next one takes over.
std::vector<HistogramSpan> WithoutEmptySpans(const std::vector<HistogramSpan>& spans) {
  std::vector<HistogramSpan> filled;
  uint32_t skipped = 0;  // modulo 2^32, as offsets add up
  for (const HistogramSpan& span : spans) {
    skipped += static_cast<uint32_t>(span.offset);
    if (span.length == 0) continue;
    filled.push_back({static_cast<int32_t>(skipped), span.length});
    skipped = 0;
  }
  return filled;
}

bool SameSpans(const std::vector<HistogramSpan>& a, const std::vector<HistogramSpan>& b) {
  return a == b || WithoutEmptySpans(a) == WithoutEmptySpans(b);
}

}  // namespace

bool SameBits(const Histogram& a, const Histogram& b, bool with_hint) {
  return SameNumbers(a, b) && (!with_hint || a.reset_hint == b.reset_hint) &&
         a.positive_spans == b.positive_spans && a.negative_spans == b.negative_spans &&
         a.positive_counts == b.positive_counts && a.negative_counts == b.negative_counts &&
         AllSameBits(a.positive_floats, b.positive_floats) &&
         AllSameBits(a.negative_floats, b.negative_floats);
}

bool SameBuckets(const Histogram& a, const Histogram& b) {
  return SameNumbers(a, b) &&
         Filled(a.positive_spans, a.positive_counts, a.positive_floats, a.is_float()) ==
             Filled(b.positive_spans, b.positive_counts, b.positive_floats, b.is_float()) &&
         Filled(a.negative_spans, a.negative_counts, a.negative_floats, a.is_float()) ==
             Filled(b.negative_spans, b.negative_counts, b.negative_floats, b.is_float());
}

bool IsRepetition(const Histogram& a, const Histogram& b) {
  if (a.kind != b.kind || a.schema != b.schema || a.count != b.count ||
      !SameBits(a.float_count, b.float_count) || !SameBits(a.sum, b.sum)) {
    return false;
  }
  // Vectors of doubles compare as numbers.
  if (a.schema == kCustomBoundsSchema && a.custom_bounds != b.custom_bounds) return false;
  return a.zero_threshold == b.zero_threshold && a.zero_count == b.zero_count &&
         SameBits(a.float_zero_count, b.float_zero_count) &&
         SameSpans(a.negative_spans, b.negative_spans) &&
         SameSpans(a.positive_spans, b.positive_spans) && a.negative_counts == b.negative_counts &&
         a.positive_counts == b.positive_counts &&
         AllSameBits(a.negative_floats, b.negative_floats) &&
         AllSameBits(a.positive_floats, b.positive_floats);
}

bool IsWellFormed(const Histogram& h) {
  const bool is_float = h.is_float();
  const uint64_t positive = is_float ? h.positive_floats.size() : h.positive_counts.size();
  const uint64_t negative = is_float ? h.negative_floats.size() : h.negative_counts.size();
  return BucketsOf(h.positive_spans) == positive && BucketsOf(h.negative_spans) == negative;
}

}  // namespace thermocline
