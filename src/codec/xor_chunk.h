// Float chunks: encodings 1 (XOR) and 4 (XOR2). Parts of chunk.h.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"
#include "base/time.h"

namespace thermocline {

// Decode all samples into arrays that hold the chunk's sample count; false when the bytes are bad
// or the times do not ascend, which they need not with `any_order`.
bool DecodeXor(std::string_view bytes, std::span<TimestampMs> times, std::span<double> values,
               bool any_order = false);
// `starts` is as long as `times`; `*any_start` tells whether one is not zero.
bool DecodeXor2(std::string_view bytes, std::span<TimestampMs> times, std::span<double> values,
                std::span<TimestampMs> starts, bool* any_start);

// Append one chunk: 1 to 65,535 samples. `starts` is empty or parallel.
void EncodeXor(std::span<const TimestampMs> times, std::span<const double> values,
               std::string* out);
void EncodeXor2(std::span<const TimestampMs> times, std::span<const double> values,
                std::span<const TimestampMs> starts, std::string* out);

}  // namespace thermocline
