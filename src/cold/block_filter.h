// Which metric names and label values a block may have: a Bloom filter of its label pairs, so that
// blocks are skipped unopened. Bytes: FORMAT.md 5.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/matcher.h"

namespace thermocline {

// Immutable once built. No false negatives.
class BlockFilter {
 public:
  // About 12 bits a key, at most `max_bytes`.
  static constexpr uint64_t kBitsPerKey = 12;
  static constexpr uint64_t kMaxBytes = 512 << 10;

  // For `keys` pairs and names that follow by Add.
  explicit BlockFilter(uint64_t keys, uint64_t max_bytes = kMaxBytes);

  // A series has the label with this value; an empty value: with any value.
  void Add(std::string_view name, std::string_view value);
  bool MayContain(std::string_view name, std::string_view value) const;

  // False when no series of the block can satisfy all matchers.
  bool MayMatch(const std::vector<Matcher>& matchers) const;

  uint64_t memory_bytes() const { return words_.size() * sizeof(uint64_t); }
  std::string Encode() const;
  // Corruption unless `bytes` is exactly one filter with a right hash.
  static Result<BlockFilter> Decode(std::string_view bytes);

 private:
  BlockFilter() = default;
  uint32_t probes_ = 1;
  std::vector<uint64_t> words_;  // a power of two of them
};

}  // namespace thermocline
