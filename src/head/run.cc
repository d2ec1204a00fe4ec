#include "head/run.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>

#include "base/check.h"
#include "codec/float_block.h"
#include "codec/sample_block.h"

namespace thermocline {

Run::~Run() {
  for (Block* block : blocks_) std::free(block);
  std::free(raw_);
}

void Run::Reserve(uint32_t capacity) {
  if (capacity <= raw_capacity_) return;
  capacity = std::max(std::bit_ceil(capacity), uint32_t{2});
  auto* const grown = static_cast<Sample*>(std::realloc(raw_, capacity * sizeof(Sample)));
  CHECK(grown != nullptr);
  heap_bytes_ += static_cast<uint32_t>((capacity - raw_capacity_) * sizeof(Sample));
  raw_ = grown;
  raw_capacity_ = capacity;
}

void Run::Append(Sample sample, uint32_t expected_more) {
  if (raw_size_ == raw_capacity_) {
    Reserve(raw_size_ + 1 + std::min(expected_more, kBlockSamples));
  }
  raw_[raw_size_++] = sample;
}

Run::Block* Run::Encode(std::span<const TimestampMs> times_ms, std::span<const double> values) {
  std::string bytes;
  EncodeTimeBlock(times_ms, &bytes);
  const size_t time_size = bytes.size();
  EncodeFloatBlock(values, &bytes);
  auto* const block = static_cast<Block*>(std::malloc(sizeof(Block) + bytes.size()));
  CHECK(block != nullptr);
  const auto [min, max] = std::minmax_element(times_ms.begin(), times_ms.end());
  new (block) Block{*min, *max, static_cast<uint32_t>(values.size()),
                    static_cast<uint32_t>(time_size), static_cast<uint32_t>(bytes.size())};
  std::memcpy(block->bytes(), bytes.data(), bytes.size());
  return block;
}

void Run::Decode(const Block& block, TimestampMs* times_ms, double* values) {
  const std::string_view bytes(block.bytes(), block.size);
  // Our own bytes, never out of memory: a fault here is a broken invariant.
  CHECK_OK(DecodeTimeBlock(bytes.substr(0, block.time_size), std::span(times_ms, block.count)));
  CHECK_OK(DecodeFloatBlock(bytes.substr(block.time_size), std::span(values, block.count)));
}

void Run::Push(Block* block) {
  if (blocks_.size() == blocks_.capacity()) {
    // Doubling would hold more pointers than blocks for most series.
    const size_t capacity = blocks_.capacity() + std::max<size_t>(2, blocks_.capacity() / 2);
    heap_bytes_ += static_cast<uint32_t>((capacity - blocks_.capacity()) * sizeof(Block*));
    blocks_.reserve(capacity);
  }
  blocks_.push_back(block);
  heap_bytes_ += static_cast<uint32_t>(sizeof(Block) + block->size);
}

void Run::MergeBlocks() {
  while (blocks_.size() >= kMergeFactor) {
    const size_t first = blocks_.size() - kMergeFactor;
    const uint32_t count = blocks_[first]->count;
    if (count * kMergeFactor > kMaxBlockSamples) return;
    for (size_t i = first + 1; i < blocks_.size(); ++i) {
      if (blocks_[i]->count != count) return;
    }
    std::array<TimestampMs, kMaxBlockSamples> times_ms;
    std::array<double, kMaxBlockSamples> values;
    for (size_t i = 0; i < kMergeFactor; ++i) {
      Block* const block = blocks_[first + i];
      Decode(*block, times_ms.data() + i * count, values.data() + i * count);
      heap_bytes_ -= static_cast<uint32_t>(sizeof(Block) + block->size);
      std::free(block);
    }
    blocks_.resize(first);
    Push(Encode(std::span(times_ms).first(kMergeFactor * count),
                std::span(values).first(kMergeFactor * count)));
  }
}

void Run::EncodeFullBlocks(uint32_t settled) {
  uint32_t done = 0;
  while (encoded_ + kBlockSamples <= settled && raw_size_ - done >= kBlockSamples) {
    std::array<TimestampMs, kBlockSamples> times_ms;
    std::array<double, kBlockSamples> values;
    for (uint32_t i = 0; i < kBlockSamples; ++i) {
      times_ms[i] = raw_[done + i].timestamp_ms;
      values[i] = raw_[done + i].value;
    }
    Push(Encode(times_ms, values));
    MergeBlocks();
    encoded_ += kBlockSamples;
    done += kBlockSamples;
  }
  if (done == 0) return;
  raw_size_ -= done;
  std::memmove(raw_, raw_ + done, raw_size_ * sizeof(Sample));
}

void Run::Erase(uint32_t first, uint32_t count) {
  CHECK(first >= encoded_ && first + count <= size());
  Sample* const at = raw_ + (first - encoded_);
  std::memmove(at, at + count, (size() - first - count) * sizeof(Sample));
  raw_size_ -= count;
}

void Run::MoveTail(uint32_t first, Run* to) {
  CHECK(first >= encoded_ && first <= size());
  const uint32_t count = size() - first;
  to->Reserve(to->raw_size_ + count);
  for (uint32_t i = first; i < size(); ++i) to->Append(raw(i));
  raw_size_ -= count;
}

void Run::Read(uint32_t limit, TimeRange range, std::vector<TimestampMs>* times_ms,
               std::vector<double>* values) const {
  for (const Block* block : blocks_) {
    if (limit == 0) return;
    const uint32_t take = std::min(limit, block->count);
    limit -= take;
    if (block->max_ms < range.start_ms || block->min_ms > range.end_ms) continue;
    const size_t start = times_ms->size();
    times_ms->resize(start + block->count);
    values->resize(start + block->count);
    Decode(*block, times_ms->data() + start, values->data() + start);
    size_t kept = start + take;
    if (block->min_ms < range.start_ms || block->max_ms > range.end_ms) {
      kept = start;
      for (size_t i = start; i < start + take; ++i) {
        if (!range.Contains((*times_ms)[i])) continue;
        (*times_ms)[kept] = (*times_ms)[i];
        (*values)[kept++] = (*values)[i];
      }
    }
    times_ms->resize(kept);
    values->resize(kept);
  }
  const uint32_t take = std::min(limit, raw_size_);
  for (uint32_t i = 0; i < take; ++i) {
    if (!range.Contains(raw_[i].timestamp_ms)) continue;
    times_ms->push_back(raw_[i].timestamp_ms);
    values->push_back(raw_[i].value);
  }
}

Sample Run::last() const {
  CHECK(!empty());
  if (raw_size_ > 0) return raw_[raw_size_ - 1];
  const Block& block = *blocks_.back();
  std::array<TimestampMs, kMaxBlockSamples> times_ms;
  std::array<double, kMaxBlockSamples> values;
  Decode(block, times_ms.data(), values.data());
  return {times_ms[block.count - 1], values[block.count - 1]};
}

uint32_t Run::FindRaw(TimestampMs time_ms) const {
  const uint32_t newest_few = std::min(raw_size_, 2 * kBlockSamples);
  for (uint32_t i = raw_size_; i > raw_size_ - newest_few; --i) {
    if (raw_[i - 1].timestamp_ms == time_ms) return encoded_ + i - 1;
  }
  return size();
}

}  // namespace thermocline
