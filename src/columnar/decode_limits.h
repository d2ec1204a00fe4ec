// How much a page may decode to. Bytes of a file are not to be believed when they ask for memory:
// what is decoded at once is bounded by what is stored. README.md states the bounds.
#pragma once

#include <cstdint>

namespace thermocline::columnar {

// Of one page, and of all dictionaries of one fetch together. Chunks hardly shrink again, lists of
// columns and runs of equal strings shrink far; the floor is a page of 2 MiB (what writers of
// others fill a page with) twice.
inline constexpr uint64_t kDecodedPerByte = 64;
inline constexpr uint64_t kDecodedFloorBytes = uint64_t{4} << 20;
constexpr uint64_t DecodedLimit(uint64_t stored_bytes) {
  return kDecodedFloorBytes + kDecodedPerByte * stored_bytes;
}

// Rows of a page: our writers' largest pages of runs. A row of numbers, and a run, is eight bytes
// decoded, however few it was stored in: a million series with a sample each repeat themselves.
inline constexpr uint64_t kMaxPageRows = uint64_t{1} << 20;
// Rows of strings that stand one by one cost some forty bytes each.
constexpr uint64_t StringRowsLimit(uint64_t stored_bytes) { return DecodedLimit(stored_bytes) / 8; }
// Elements of lists in a page: histograms repeat themselves, and then take nothing.
constexpr uint64_t ListElementsLimit(uint64_t stored_bytes) {
  return (uint64_t{4} << 20) + 32 * stored_bytes;
}

}  // namespace thermocline::columnar
