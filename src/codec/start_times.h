// Start timestamps as XOR2 and the histogram-ST encodings keep them: a header byte (bit 7: the
// first sample has one; low 7 bits: index of the first sample whose own changes, 0 = never) and
// bits behind each sample.
#pragma once

#include <cstdint>

#include "codec/chunk_bits.h"

namespace thermocline {

inline constexpr uint8_t kFirstStartKnown = 0x80;
inline constexpr uint32_t kLastStartChange = 127;

class StartTimeReader {
 public:
  explicit StartTimeReader(uint8_t header)
      : first_known_((header & kFirstStartKnown) != 0), change_(header & kLastStartChange) {}

  bool any() const { return first_known_ || change_ != 0; }
  // The start timestamp of sample `index` at `t_ms`; call once per sample, in order.
  TimestampMs Next(uint32_t index, TimestampMs t_ms, TimestampMs previous_ms, BitReader* bits) {
    if (index == 0) {
      if (first_known_) start_ = Minus(t_ms, bits->Varint());
    } else if (change_ != 0 && index >= change_) {
      const int64_t v = bits->VarbitInt();
      gap_ = index == change_ ? v : Plus(gap_, v);
      start_ = Minus(previous_ms, gap_);
    }
    return start_;
  }

 private:
  static int64_t Minus(int64_t a, int64_t b) {
    return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
  }
  static int64_t Plus(int64_t a, int64_t b) {
    return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
  }
  bool first_known_;
  uint32_t change_;
  TimestampMs start_ = 0;
  int64_t gap_ = 0;  // previous sample's time minus this one's start
};

class StartTimeWriter {
 public:
  void Next(uint32_t index, TimestampMs t_ms, TimestampMs previous_ms, TimestampMs start_ms,
            BitWriter* bits) {
    const auto gap = static_cast<int64_t>(static_cast<uint64_t>(index == 0 ? t_ms : previous_ms) -
                                          static_cast<uint64_t>(start_ms));
    if (index == 0) {
      if (start_ms != 0) {
        header_ |= kFirstStartKnown;
        bits->Varint(gap);
      }
    } else if (changed_) {
      bits->VarbitInt(static_cast<int64_t>(static_cast<uint64_t>(gap) - gap_));
    } else if (start_ms != start_ || index == kLastStartChange) {
      // The header's seven bits reach no further: at the last index the absolute form is written
      // whether anything changed or not.
      changed_ = true;
      header_ |= static_cast<uint8_t>(index);
      bits->VarbitInt(gap);
    }
    gap_ = static_cast<uint64_t>(gap);
    start_ = start_ms;
  }
  uint8_t header() const { return header_; }

 private:
  uint8_t header_ = 0;
  bool changed_ = false;
  TimestampMs start_ = 0;
  uint64_t gap_ = 0;
};

}  // namespace thermocline
