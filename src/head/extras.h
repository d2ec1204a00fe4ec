// What the samples of a run have beside time and value: native histograms and start timestamps.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "head/sample_extra.h"
#include "model/queryable.h"

namespace thermocline {

// Samples are named by their position in the run, which holds their times and values (of a
// histogram: its sum). Histograms are kept encoded at once, each as the difference from the one
// before (FORMAT.md). Threads: the owner's lock; const methods of one that no longer changes need
// none.
//
// Reset hints come out as Prometheus' head yields them: gauges stay gauges; a counter is known not
// to have been reset when its appender would have put it into the chunk of the histogram right
// before it, otherwise nothing is known.
class Extras {
 public:
  Extras() = default;
  Extras(const Extras&) = delete;
  Extras& operator=(const Extras&) = delete;

  // Of the sample at `position`, which lies behind all those before.
  void Add(uint32_t position, const SampleExtra& extra);
  // The run took out samples [first, first + count).
  void Erase(uint32_t first, uint32_t count);
  // The samples from `first` on went to another run, as its first ones; `to` is empty.
  void MoveTail(uint32_t first, Extras* to);
  // Nothing will be added any more.
  void Freeze() { last_.reset(); }

  bool empty() const { return blocks_.empty() && starts_.empty(); }
  SampleKind KindAt(uint32_t position) const;
  // Whether `h` is the histogram at `position` once more; their sums are known to agree.
  bool IsRepeatedAt(uint32_t position, const Histogram& h) const;
  // Appends to the optional columns of `out`: its samples from `base` on are those at `positions`,
  // which ascend, and have their times and values already.
  void Fill(std::span<const uint32_t> positions, size_t base, SeriesBatch* out) const;

  uint64_t heap_bytes() const;

 private:
  // Histograms of one kind, side by side in the run.
  struct Block {
    uint32_t first = 0;
    uint32_t count = 0;
    SampleKind kind = SampleKind::kHistogram;
    std::string bytes;

    uint32_t end() const { return first + count; }
  };
  struct Start {
    uint32_t first = 0;
    uint32_t count = 0;
    TimestampMs start_ms = 0;
  };
  struct Held {
    uint32_t position = 0;
    Histogram histogram;  // its sum: the stale marker or anything else
  };

  void AddStart(uint32_t position, TimestampMs start_ms);
  void AddHistogram(uint32_t position, Histogram h);
  // Takes out what lies at `first` and behind.
  std::vector<Held> TakeHistograms(uint32_t first);
  std::vector<Start> TakeStarts(uint32_t first);
  const Block* BlockAt(uint32_t position) const;
  const Histogram* Last();

  std::vector<Block> blocks_;
  std::vector<Start> starts_;
  std::unique_ptr<Histogram> last_;  // the newest histogram, decoded; null: not known
  uint64_t block_bytes_ = 0;
};

}  // namespace thermocline
