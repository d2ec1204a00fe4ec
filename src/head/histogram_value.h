// A native histogram apart from its time and sum, in few bytes: in log records and in memory.
// Bytes: FORMAT.md, value of a histogram.
#pragma once

#include <string>

#include "base/bytes.h"
#include "model/histogram.h"

namespace thermocline {

// Appends `h`, which is well formed, as the one behind `before` in a sequence; null when it is the
// first. Of a stale histogram its kind is all that is kept.
void PutHistogram(const Histogram& h, const Histogram* before, std::string* out);

// Reads a sequence of histograms of one kind, each in the light of the one before.
class HistogramSequence {
 public:
  explicit HistogramSequence(SampleKind kind) { current_.kind = stale_.kind = kind; }

  // The next histogram, valid until the next call. Its sum is the stale marker or 0 and the
  // caller's to set. Null when the bytes are malformed (`reader` fails). Memory: at most 16 bytes
  // per byte read.
  Histogram* Next(ByteReader& reader);

 private:
  bool ReadLayout(bool with_bounds, ByteReader& reader);
  bool ReadCounts(bool with_before, ByteReader& reader);
  bool ReadFloats(bool with_before, ByteReader& reader);

  Histogram current_;
  Histogram stale_;
  bool has_before_ = false;
};

}  // namespace thermocline
