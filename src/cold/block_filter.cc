#include "cold/block_filter.h"

#include <fmt/core.h>

#include <algorithm>
#include <bit>

#include "base/bytes.h"
#include "base/hash.h"

namespace thermocline {
namespace {

constexpr std::string_view kMagic = "TCFILT1\n";
constexpr uint32_t kMaxProbes = 16;

uint64_t HashOf(std::string_view name, std::string_view value) {
  std::string key;
  key.reserve(name.size() + value.size() + 4);
  ByteWriter writer(&key);
  writer.LengthPrefixed(name);
  writer.Bytes(value);
  return Hash64(key);
}

// Second hash for double hashing; odd, so that it reaches every bit of a power-of-two table.
uint64_t StepOf(uint64_t hash) { return (std::rotl(hash, 32) * 0x9E3779B97F4A7C15ull) | 1; }

}  // namespace

BlockFilter::BlockFilter(uint64_t keys, uint64_t max_bytes) {
  const uint64_t wanted_words = std::max<uint64_t>(1, keys * kBitsPerKey / 64);
  words_.assign(
      std::bit_floor(std::min(std::bit_ceil(wanted_words), std::max<uint64_t>(1, max_bytes / 8))),
      0);
  // ln 2 x bits per key is the best number of probes.
  const uint64_t probes = words_.size() * 64 * 69 / 100 / std::max<uint64_t>(1, keys);
  probes_ = static_cast<uint32_t>(std::clamp<uint64_t>(probes, 1, 8));
}

void BlockFilter::Add(std::string_view name, std::string_view value) {
  const uint64_t hash = HashOf(name, value);
  const uint64_t step = StepOf(hash);
  const uint64_t mask = words_.size() * 64 - 1;
  for (uint32_t i = 0; i < probes_; ++i) {
    const uint64_t bit = (hash + i * step) & mask;
    words_[bit / 64] |= uint64_t{1} << (bit % 64);
  }
}

bool BlockFilter::MayContain(std::string_view name, std::string_view value) const {
  const uint64_t hash = HashOf(name, value);
  const uint64_t step = StepOf(hash);
  const uint64_t mask = words_.size() * 64 - 1;
  for (uint32_t i = 0; i < probes_; ++i) {
    const uint64_t bit = (hash + i * step) & mask;
    if ((words_[bit / 64] >> (bit % 64) & 1) == 0) return false;
  }
  return true;
}

bool BlockFilter::MayMatch(const std::vector<Matcher>& matchers) const {
  for (const Matcher& matcher : matchers) {
    if (matcher.MatchesEmpty()) continue;  // a series without the label would do
    if (!MayContain(matcher.name(), "")) return false;
    if (matcher.negative()) continue;
    const auto literals = matcher.LiteralValues();
    if (!literals) continue;
    const bool any = std::any_of(literals->begin(), literals->end(), [&](const std::string& v) {
      return MayContain(matcher.name(), v);
    });
    if (!any) return false;
  }
  return true;
}

std::string BlockFilter::Encode() const {
  std::string out(kMagic);
  ByteWriter writer(&out);
  writer.U32(probes_);
  writer.U32(static_cast<uint32_t>(words_.size()));
  for (const uint64_t word : words_) writer.U64(word);
  writer.U64(Hash64(out));
  return out;
}

Result<BlockFilter> BlockFilter::Decode(std::string_view bytes) {
  const size_t frame = kMagic.size() + 8 + 8;
  if (bytes.size() < frame + 8 || bytes.substr(0, kMagic.size()) != kMagic ||
      ByteReader(bytes.substr(bytes.size() - 8)).U64() !=
          Hash64(bytes.substr(0, bytes.size() - 8))) {
    return Status::Corruption(fmt::format("filter: bad magic or hash in {} bytes", bytes.size()));
  }
  ByteReader in(bytes.substr(kMagic.size(), bytes.size() - kMagic.size() - 8));
  BlockFilter filter;
  filter.probes_ = in.U32();
  const uint32_t words = in.U32();
  if (filter.probes_ == 0 || filter.probes_ > kMaxProbes || !std::has_single_bit(words) ||
      in.remaining() != uint64_t{words} * 8) {
    return Status::Corruption(fmt::format("filter: {} probes, {} words in {} bytes", filter.probes_,
                                          words, bytes.size()));
  }
  filter.words_.reserve(words);
  for (uint32_t i = 0; i < words; ++i) filter.words_.push_back(in.U64());
  return filter;
}

}  // namespace thermocline
