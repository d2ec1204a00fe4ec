// A run: the samples of one series in one head range in the order they were staged, the older ones
// in encoded blocks, the newest raw.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "base/time.h"
#include "model/sample.h"

namespace thermocline {

// Samples only ever join at the end, so that "the first n" means the same for as long as the run
// lives; only raw samples, the not yet settled ones among them, can be taken back. Threads: the
// owner's lock.
class Run {
 public:
  // `base_ms` is the start of the head range that all samples lie in; ranges are shorter than 2^32
  // ms.
  explicit Run(TimestampMs base_ms) : base_ms_(base_ms) {}
  ~Run();
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  TimestampMs base_ms() const { return base_ms_; }
  uint32_t size() const { return encoded() + raw_size_; }
  bool empty() const { return size() == 0; }

  // Returns by how much heap_bytes grew.
  int64_t Append(Sample sample, uint32_t expected_more = 0);
  // Encodes full blocks of those among the first `settled` samples that are still raw. Returns by
  // how much heap_bytes grew.
  int64_t EncodeFullBlocks(uint32_t settled);
  // True when EncodeFullBlocks could have work.
  bool full() const { return raw_size_ >= kBlockSamples; }

  // Takes out samples [first, first + count), all of them raw.
  void Erase(uint32_t first, uint32_t count);
  // Moves the samples from `first` on, all of them raw, to the end of `to`.
  void MoveTail(uint32_t first, Run* to);

  // Appends those of the first `limit` samples whose time is in `range`, in the order of the run.
  void Read(uint32_t limit, TimeRange range, std::vector<TimestampMs>* times_ms,
            std::vector<double>* values) const;
  // The sample staged last; the run is not empty.
  Sample last() const;
  // The position of the last raw sample with the timestamp among the newest few; size() when there
  // is none.
  uint32_t FindRaw(TimestampMs time_ms) const;
  Sample raw(uint32_t position) const { return SampleOf(raw_[position - encoded()]); }

  // Where the next sample goes; an address to prefetch, nothing more.
  const void* end_address() const { return raw_ + raw_size_; }

  uint64_t heap_bytes() const;
  bool has_raw() const { return raw_size_ > 0; }
  size_t block_count() const { return blocks_ == nullptr ? 0 : blocks_->count; }

 private:
  // Raw samples cost 12 bytes each and encoded ones 1 to 2: few wait raw, and blocks of blocks are
  // merged, up to a size at which a block's head no longer matters.
  static constexpr uint32_t kBlockSamples = 32;
  static constexpr uint32_t kMergeFactor = 4;
  static constexpr uint32_t kMaxBlockSamples = 512;

  // A sample in 12 bytes: the time from base_ms_, the value's bits in two halves.
  struct RawSample {
    uint32_t offset_ms;
    std::array<uint32_t, 2> value;
  };

  // One allocation: the struct, then a time block and a float block (codec/FORMAT.md).
  struct Block {
    TimestampMs min_ms;
    TimestampMs max_ms;
    uint32_t count;
    uint32_t time_size;
    uint32_t size;

    char* bytes() { return reinterpret_cast<char*>(this + 1); }
    const char* bytes() const { return reinterpret_cast<const char*>(this + 1); }
  };

  // One allocation: the struct, then `capacity` pointers. Apart from the run, because most runs of
  // series that come and go never have a block.
  struct BlockList {
    uint32_t count = 0;
    uint32_t capacity = 0;
    uint32_t samples = 0;  // that were encoded, whether they are in the list yet or not
    uint32_t bytes = 0;    // of the blocks

    Block** begin() { return reinterpret_cast<Block**>(this + 1); }
    Block** end() { return begin() + count; }
    Block* back() { return end()[-1]; }
  };

  uint32_t encoded() const { return blocks_ == nullptr ? 0 : blocks_->samples; }
  TimestampMs TimeOf(const RawSample& raw) const { return base_ms_ + raw.offset_ms; }
  Sample SampleOf(const RawSample& raw) const {
    return {TimeOf(raw), std::bit_cast<double>(raw.value)};
  }
  static Block* Encode(std::span<const TimestampMs> times_ms, std::span<const double> values);
  static void Decode(const Block& block, TimestampMs* times_ms, double* values);
  void Reserve(uint32_t capacity);
  void Push(Block* block);
  void MergeBlocks();

  const TimestampMs base_ms_;
  BlockList* blocks_ = nullptr;
  RawSample* raw_ = nullptr;
  uint32_t raw_size_ = 0;
  uint32_t raw_capacity_ = 0;
};

}  // namespace thermocline
