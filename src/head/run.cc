#include "head/run.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>

#include "base/check.h"
#include "codec/float_block.h"
#include "codec/sample_block.h"

namespace thermocline {

Run::~Run() {
  if (blocks_ != nullptr) {
    for (Block* const block : *blocks_) std::free(block);
    std::free(blocks_);
  }
  std::free(raw_);
}

void Run::Reserve(uint32_t capacity) {
  if (capacity <= raw_capacity_) return;
  capacity = std::max(std::bit_ceil(capacity), uint32_t{2});
  auto* const grown = static_cast<RawSample*>(std::realloc(raw_, capacity * sizeof(RawSample)));
  CHECK(grown != nullptr);
  raw_ = grown;
  raw_capacity_ = capacity;
}

int64_t Run::Append(Sample sample, uint32_t expected_more) {
  const uint32_t before = raw_capacity_;
  if (raw_size_ == raw_capacity_) {
    Reserve(raw_size_ + 1 + std::min(expected_more, kBlockSamples));
  }
  const auto offset_ms = static_cast<uint64_t>(sample.timestamp_ms - base_ms_);
  CHECK(offset_ms <= UINT32_MAX);
  raw_[raw_size_++] = {static_cast<uint32_t>(offset_ms),
                       std::bit_cast<std::array<uint32_t, 2>>(sample.value)};
  return (int64_t{raw_capacity_} - before) * static_cast<int64_t>(sizeof(RawSample));
}

uint64_t Run::heap_bytes() const {
  const uint64_t raw_bytes = raw_capacity_ * sizeof(RawSample);
  if (blocks_ == nullptr) return raw_bytes;
  return raw_bytes + sizeof(BlockList) + blocks_->capacity * sizeof(Block*) + blocks_->bytes;
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
  if (blocks_ == nullptr || blocks_->count == blocks_->capacity) {
    // Doubling would hold more pointers than blocks for most series.
    const bool first = blocks_ == nullptr;
    const uint32_t capacity = first ? 2 : blocks_->capacity + std::max(2u, blocks_->capacity / 2);
    void* const grown = std::realloc(blocks_, sizeof(BlockList) + capacity * sizeof(Block*));
    CHECK(grown != nullptr);
    blocks_ = first ? new (grown) BlockList : static_cast<BlockList*>(grown);
    blocks_->capacity = capacity;
  }
  *blocks_->end() = block;
  ++blocks_->count;
  blocks_->bytes += static_cast<uint32_t>(sizeof(Block) + block->size);
}

void Run::MergeBlocks() {
  while (blocks_->count >= kMergeFactor) {
    Block** const merged = blocks_->end() - kMergeFactor;
    const uint32_t count = merged[0]->count;
    if (count * kMergeFactor > kMaxBlockSamples) return;
    for (size_t i = 1; i < kMergeFactor; ++i) {
      if (merged[i]->count != count) return;
    }
    std::array<TimestampMs, kMaxBlockSamples> times_ms;
    std::array<double, kMaxBlockSamples> values;
    for (size_t i = 0; i < kMergeFactor; ++i) {
      Block* const block = merged[i];
      Decode(*block, times_ms.data() + i * count, values.data() + i * count);
      blocks_->bytes -= static_cast<uint32_t>(sizeof(Block) + block->size);
      std::free(block);
    }
    blocks_->count -= kMergeFactor;
    Push(Encode(std::span(times_ms).first(kMergeFactor * count),
                std::span(values).first(kMergeFactor * count)));
  }
}

int64_t Run::EncodeFullBlocks(uint32_t settled) {
  const uint64_t before = heap_bytes();
  uint32_t done = 0;
  while (encoded() + kBlockSamples <= settled && raw_size_ - done >= kBlockSamples) {
    std::array<TimestampMs, kBlockSamples> times_ms;
    std::array<double, kBlockSamples> values;
    for (uint32_t i = 0; i < kBlockSamples; ++i) {
      const Sample sample = SampleOf(raw_[done + i]);
      times_ms[i] = sample.timestamp_ms;
      values[i] = sample.value;
    }
    Push(Encode(times_ms, values));
    blocks_->samples += kBlockSamples;
    MergeBlocks();
    done += kBlockSamples;
  }
  if (done == 0) return 0;
  raw_size_ -= done;
  std::memmove(raw_, raw_ + done, raw_size_ * sizeof(RawSample));
  return static_cast<int64_t>(heap_bytes()) - static_cast<int64_t>(before);
}

void Run::Erase(uint32_t first, uint32_t count) {
  CHECK(first >= encoded() && first + count <= size());
  RawSample* const at = raw_ + (first - encoded());
  std::memmove(at, at + count, (size() - first - count) * sizeof(RawSample));
  raw_size_ -= count;
}

void Run::MoveTail(uint32_t first, Run* to) {
  CHECK(first >= encoded() && first <= size());
  const uint32_t count = size() - first;
  to->Reserve(to->raw_size_ + count);
  for (uint32_t i = first; i < size(); ++i) to->Append(raw(i));
  raw_size_ -= count;
}

void Run::Read(uint32_t limit, TimeRange range, std::vector<TimestampMs>* times_ms,
               std::vector<double>* values) const {
  for (size_t b = 0; b < block_count(); ++b) {
    if (limit == 0) return;
    const Block* const block = blocks_->begin()[b];
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
    const Sample sample = SampleOf(raw_[i]);
    if (!range.Contains(sample.timestamp_ms)) continue;
    times_ms->push_back(sample.timestamp_ms);
    values->push_back(sample.value);
  }
}

Sample Run::last() const {
  CHECK(!empty());
  if (raw_size_ > 0) return SampleOf(raw_[raw_size_ - 1]);
  const Block& block = *blocks_->back();
  std::array<TimestampMs, kMaxBlockSamples> times_ms;
  std::array<double, kMaxBlockSamples> values;
  Decode(block, times_ms.data(), values.data());
  return {times_ms[block.count - 1], values[block.count - 1]};
}

uint32_t Run::FindRaw(TimestampMs time_ms) const {
  const uint32_t newest_few = std::min(raw_size_, 2 * kBlockSamples);
  for (uint32_t i = raw_size_; i > raw_size_ - newest_few; --i) {
    if (TimeOf(raw_[i - 1]) == time_ms) return encoded() + i - 1;
  }
  return size();
}

}  // namespace thermocline
