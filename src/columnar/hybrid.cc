#include "columnar/hybrid.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace thermocline::columnar {

namespace {

// Bit-packed runs have at most 63 groups, as every writer makes them.
constexpr size_t kMaxPacked = 504;

void Append(uint32_t value, uint64_t count, std::vector<CodeRun>* runs) {
  if (!runs->empty() && runs->back().code == value && count <= UINT32_MAX - runs->back().count) {
    runs->back().count += static_cast<uint32_t>(count);
  } else {
    runs->push_back({value, static_cast<uint32_t>(count)});
  }
}

// Values of one bit, as levels are: equal neighbours at a time.
void AppendBits(const uint8_t* at, uint64_t values, std::vector<CodeRun>* runs) {
  for (uint64_t i = 0; i < values;) {
    uint64_t word;
    std::memcpy(&word, at + i / 8, 8);
    word >>= i & 7;
    const uint32_t bit = word & 1;
    const int equal = bit == 1 ? std::countr_one(word) : std::countr_zero(word);
    const uint64_t run = std::min({static_cast<uint64_t>(equal), 64 - (i & 7), values - i});
    Append(bit, run, runs);
    i += run;
  }
}

}  // namespace

int CodeWidth(uint64_t distinct) { return distinct <= 2 ? 1 : 64 - __builtin_clzll(distinct - 1); }

void HybridEncoder::EmitRun() {
  // A run shorter than a group, and what completes a begun group, are cheaper packed.
  const size_t open = packed_.size() % 8;
  uint64_t head = open == 0 ? 0 : std::min<uint64_t>(count_, 8 - open);
  if (count_ - head < 8) head = count_;
  packed_.insert(packed_.end(), head, value_);
  count_ -= head;
  if (count_ == 0) {
    if (packed_.size() >= kMaxPacked && packed_.size() % 8 == 0) EmitPacked();
    return;
  }
  EmitPacked();
  out_->Varint(count_ << 1);
  out_->Fixed(value_, static_cast<size_t>(width_ + 7) / 8);
  count_ = 0;
}

void HybridEncoder::EmitPacked() {
  packed_.resize((packed_.size() + 7) / 8 * 8);
  for (size_t begin = 0; begin < packed_.size(); begin += kMaxPacked) {
    const size_t end = std::min(packed_.size(), begin + kMaxPacked);
    out_->Varint((end - begin) / 8 << 1 | 1);
    uint64_t gathered = 0;
    int bits = 0;
    for (size_t i = begin; i < end; ++i) {
      gathered |= static_cast<uint64_t>(packed_[i]) << bits;
      bits += width_;
      for (; bits >= 8; bits -= 8) {
        out_->Push(static_cast<uint8_t>(gathered));
        gathered >>= 8;
      }
    }
  }
  packed_.clear();
}

void HybridEncoder::Finish() {
  if (count_ > 0) EmitRun();
  EmitPacked();
}

int64_t DecodeHybrid(std::span<const uint8_t> bytes, int width, uint64_t count, uint64_t limit,
                     std::vector<CodeRun>* runs) {
  if (width < 0 || width > 32) return -1;
  const uint8_t* at = bytes.data();
  const uint8_t* const end = at + bytes.size();
  const uint64_t mask = (uint64_t{1} << width) - 1;
  const size_t value_bytes = static_cast<size_t>(width + 7) / 8;
  while (count > 0) {
    uint64_t header = 0;
    int shift = 0;
    do {
      if (at == end || shift > 28) return -1;
      header |= static_cast<uint64_t>(*at & 0x7f) << shift;
      shift += 7;
    } while ((*at++ & 0x80) != 0);
    if ((header & 1) == 0) {
      const uint64_t run = header >> 1;
      if (run == 0 || run > count || static_cast<size_t>(end - at) < value_bytes) return -1;
      uint64_t value;
      std::memcpy(&value, at, 8);
      at += value_bytes;
      value &= (uint64_t{1} << (8 * value_bytes)) - 1;
      if (value >= limit) return -1;
      Append(static_cast<uint32_t>(value), run, runs);
      count -= run;
      continue;
    }
    const uint64_t groups = header >> 1;
    if (groups == 0 || groups > static_cast<uint64_t>(end - at) / std::max(width, 1)) return -1;
    // Only the last group may be padded.
    if (groups * 8 >= count + 8) return -1;
    const uint64_t values = std::min(count, groups * 8);
    const bool levels = width == 1 && limit >= 2;
    if (levels) AppendBits(at, values, runs);
    for (uint64_t i = levels ? values : 0; i < values; ++i) {
      const size_t bit = i * static_cast<size_t>(width);
      uint64_t word;
      std::memcpy(&word, at + bit / 8, 8);
      const uint64_t value = (word >> (bit & 7)) & mask;
      if (value >= limit) return -1;
      Append(static_cast<uint32_t>(value), 1, runs);
    }
    at += groups * static_cast<size_t>(width);
    count -= values;
  }
  return at - bytes.data();
}

}  // namespace thermocline::columnar
