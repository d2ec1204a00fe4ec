// A file that says "this block was taken out and nothing replaced it", so that a manifest rebuilt
// from files does not bring it back. Bytes: FORMAT.md 6.
#pragma once

#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"

namespace thermocline {

inline constexpr std::string_view kTombstoneFolder = "tombstones/";

struct Tombstone {
  BlockId block;
  int64_t removed_at_ms = 0;  // wall clock
};

std::string TombstoneKey(const BlockId& id);
std::string EncodeTombstone(const Tombstone& tombstone);
// Corruption unless `bytes` is exactly one tombstone with a right hash.
Result<Tombstone> DecodeTombstone(std::string_view bytes);

}  // namespace thermocline
