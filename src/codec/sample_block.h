// A time block, and a sample block: timestamps and float values of one series together, with a head
// that answers count, time range, last value and shape without decoding. Bytes: FORMAT.md.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "codec/float_block.h"

namespace thermocline {

// Appends a block of 1 to kMaxBlockItems timestamps, in any order. Returns the form chosen.
IntForm EncodeTimeBlock(std::span<const TimestampMs> times_ms, std::string* out);
// The number of timestamps in the block. Corruption when the head is malformed.
Result<size_t> TimeBlockCount(std::string_view bytes);
// Decodes a whole block; `out` has exactly its count. Corruption when the bytes are malformed.
Status DecodeTimeBlock(std::string_view bytes, std::span<TimestampMs> out);

// What the head of a sample block says.
struct SampleBlockInfo {
  size_t count = 0;
  TimeRange range;
  double last_value = 0;
  FloatShape shape = FloatShape::kNeither;  // kLinear: constant interval, too
};

// Appends a block of 1 to kMaxBlockItems samples; the timestamps ascend strictly and lie less than
// 2^63 ms apart.
SampleBlockInfo EncodeSampleBlock(std::span<const TimestampMs> times_ms,
                                  std::span<const double> values, std::string* out);
// Reads the head only. Corruption when it is malformed.
Result<SampleBlockInfo> ReadSampleBlockInfo(std::string_view bytes);
// Decodes a whole block; both spans have exactly its count. Corruption when the bytes are
// malformed, or the timestamps do not ascend or do not match the head.
Status DecodeSampleBlock(std::string_view bytes, std::span<TimestampMs> times_ms,
                         std::span<double> values);

}  // namespace thermocline
