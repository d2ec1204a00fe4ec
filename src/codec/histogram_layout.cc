#include "codec/histogram_layout.h"

#include <cmath>
#include <limits>

namespace thermocline {
namespace {

bool ReadSpans(BitReader* bits, std::vector<HistogramSpan>* spans) {
  const uint64_t count = bits->VarbitUint();
  if (count > bits->remaining_bits() / 2) return false;  // a span takes two bits at least
  spans->reserve(count);
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t length = bits->VarbitUint();
    const int64_t offset = bits->VarbitInt();
    if (!bits->ok() || length > std::numeric_limits<uint32_t>::max() ||
        offset < std::numeric_limits<int32_t>::min() ||
        offset > std::numeric_limits<int32_t>::max()) {
      return false;
    }
    spans->push_back({static_cast<int32_t>(offset), static_cast<uint32_t>(length)});
  }
  return true;
}

void WriteSpans(const std::vector<HistogramSpan>& spans, BitWriter* bits) {
  bits->VarbitUint(spans.size());
  for (const HistogramSpan& span : spans) {
    bits->VarbitUint(span.length);
    bits->VarbitInt(span.offset);
  }
}

// One byte for 0 and the powers of two from 2^-243 to 2^10, else 255 and the bits.
double ReadZeroThreshold(BitReader* bits) {
  const uint8_t code = bits->Byte();
  if (code == 0) return 0;
  if (code == 255) return std::bit_cast<double>(bits->Bits(64));
  return std::ldexp(0.5, code - 243);
}

void WriteZeroThreshold(double v, BitWriter* bits) {
  if (v == 0) return bits->Bits(0, 8);
  int exponent = 0;
  if (std::isfinite(v) && std::frexp(v, &exponent) == 0.5 && exponent >= -242 && exponent <= 11) {
    return bits->Bits(static_cast<uint64_t>(exponent) + 243, 8);
  }
  bits->Bits(255, 8);
  bits->Bits(std::bit_cast<uint64_t>(v), 64);
}

// Thousandths plus one where that is exact and small, else 0 and the bits.
constexpr double kMaxThousandths = 33554430;

bool ReadBounds(BitReader* bits, std::vector<double>* bounds) {
  const uint64_t count = bits->VarbitUint();
  if (count > bits->remaining_bits() / 5) return false;  // five bits at least each
  bounds->reserve(count);
  for (uint64_t i = 0; i < count && bits->ok(); ++i) {
    const uint64_t code = bits->VarbitUint();
    bounds->push_back(code == 0 ? std::bit_cast<double>(bits->Bits(64))
                                : static_cast<double>(code - 1) / 1000);
  }
  return bits->ok();
}

void WriteBounds(const std::vector<double>& bounds, BitWriter* bits) {
  bits->VarbitUint(bounds.size());
  for (const double bound : bounds) {
    const double thousandths = bound * 1000;
    const double rounded = std::round(thousandths);
    if (thousandths >= 0 && thousandths <= kMaxThousandths && rounded / 1000 == bound) {
      bits->VarbitUint(static_cast<uint64_t>(rounded) + 1);
    } else {
      bits->Bit(false);
      bits->Bits(std::bit_cast<uint64_t>(bound), 64);
    }
  }
}

template <typename Count>
void MergeBuckets(int shift, std::vector<HistogramSpan>* spans, std::vector<Count>* counts) {
  const std::vector<int64_t> indexes = BucketIndexes(*spans);
  std::vector<int64_t> merged;
  std::vector<Count> sums;
  for (size_t i = 0; i < indexes.size(); ++i) {
    const int64_t index = ((indexes[i] - 1) >> shift) + 1;
    if (merged.empty() || merged.back() != index) {
      merged.push_back(index);
      sums.push_back((*counts)[i]);
    } else if constexpr (std::is_same_v<Count, int64_t>) {
      sums.back() = static_cast<int64_t>(static_cast<uint64_t>(sums.back()) +
                                         static_cast<uint64_t>((*counts)[i]));
    } else {
      sums.back() += (*counts)[i];
    }
  }
  *spans = SpansOf(merged);
  *counts = std::move(sums);
}

}  // namespace

bool ReadHistogramLayout(BitReader* bits, HistogramLayout* layout) {
  layout->zero_threshold = ReadZeroThreshold(bits);
  const int64_t schema = bits->VarbitInt();
  if (schema != kCustomBoundsSchema && (schema < kMinKnownSchema || schema > kMaxKnownSchema)) {
    return false;
  }
  layout->schema = static_cast<int32_t>(schema);
  for (auto& spans : layout->spans) {
    if (!ReadSpans(bits, &spans)) return false;
  }
  return schema != kCustomBoundsSchema || ReadBounds(bits, &layout->custom_bounds);
}

void WriteHistogramLayout(const HistogramLayout& layout, BitWriter* bits) {
  WriteZeroThreshold(layout.zero_threshold, bits);
  bits->VarbitInt(layout.schema);
  for (const auto& spans : layout.spans) WriteSpans(spans, bits);
  if (layout.schema == kCustomBoundsSchema) WriteBounds(layout.custom_bounds, bits);
}

uint64_t BucketCount(const std::vector<HistogramSpan>& spans) {
  uint64_t count = 0;
  for (const HistogramSpan& span : spans) count += span.length;
  return count;
}

std::vector<int64_t> BucketIndexes(const std::vector<HistogramSpan>& spans) {
  std::vector<int64_t> indexes;
  indexes.reserve(BucketCount(spans));
  int64_t index = 0;
  for (const HistogramSpan& span : spans) {
    index += span.offset;
    for (uint32_t i = 0; i < span.length; ++i) indexes.push_back(index++);
  }
  return indexes;
}

std::vector<HistogramSpan> SpansOf(const std::vector<int64_t>& indexes) {
  std::vector<HistogramSpan> spans;
  int64_t next = 0;
  for (const int64_t index : indexes) {
    if (index == next && !spans.empty()) {
      ++spans.back().length;
    } else {
      spans.push_back({static_cast<int32_t>(index - next), 1});
    }
    next = index + 1;
  }
  return spans;
}

bool SpansAscend(const std::vector<HistogramSpan>& spans) {
  for (size_t i = 1; i < spans.size(); ++i) {
    if (spans[i].offset < 0) return false;
  }
  return true;
}

bool ReduceResolution(Histogram* h) {
  if (!SpansAscend(h->positive_spans) || !SpansAscend(h->negative_spans)) return false;
  const int shift = h->schema - kMaxSchema;
  h->schema = kMaxSchema;
  if (h->is_float()) {
    MergeBuckets(shift, &h->positive_spans, &h->positive_floats);
    MergeBuckets(shift, &h->negative_spans, &h->negative_floats);
  } else {
    MergeBuckets(shift, &h->positive_spans, &h->positive_counts);
    MergeBuckets(shift, &h->negative_spans, &h->negative_counts);
  }
  return true;
}

}  // namespace thermocline
