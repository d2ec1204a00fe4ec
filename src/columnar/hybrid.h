// The RLE / bit-packing hybrid (Parquet specification, Encodings.md) of definition levels and
// dictionary codes, as runs in memory.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "columnar/byte_buffer.h"
#include "columnar/schema.h"

namespace thermocline::columnar {

// Bits that hold 0 .. distinct - 1; at least 1.
int CodeWidth(uint64_t distinct);

// Takes runs and appends their encoding; stretches of short runs are bit-packed.
class HybridEncoder {
 public:
  HybridEncoder(int width, ByteBuffer* out) : width_(width), out_(out) {}
  void Add(uint32_t value, uint64_t count) {
    if (value == value_ && count_ > 0) {
      count_ += count;
      return;
    }
    if (count_ > 0) EmitRun();
    value_ = value;
    count_ = count;
  }
  // The padding of the last bit-packed group is zero.
  void Finish();

 private:
  void EmitRun();
  void EmitPacked();
  const int width_;
  ByteBuffer* const out_;
  uint32_t value_ = 0;
  uint64_t count_ = 0;
  std::vector<uint32_t> packed_;  // waiting values, a multiple of 8 whenever a run is emitted
};

// Decodes exactly `count` values below `limit` and appends them to `runs`, equal neighbours
// joined. At least 8 bytes beyond `bytes` may be read. Returns the bytes used, or -1 for malformed
// input, a value at or above `limit`, or fewer values.
int64_t DecodeHybrid(std::span<const uint8_t> bytes, int width, uint64_t count, uint64_t limit,
                     std::vector<CodeRun>* runs);

}  // namespace thermocline::columnar
