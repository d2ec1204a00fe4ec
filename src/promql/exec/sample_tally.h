// What each node of a plan answered and looked at, counted while it is evaluated. Only queries that
// are asked for their statistics count.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "promql/exec/step_block.h"
#include "promql/plan/plan.h"

namespace thermocline::promql {

// Counts by step; steps beyond the last have none.
struct StepCounts {
  std::vector<uint64_t> first;
  std::vector<uint64_t> second;
  std::vector<uint64_t> third;
  bool once = false;  // what was found at the only step holds at all

  uint64_t First(size_t step) const { return At(first, step); }
  uint64_t Second(size_t step) const { return At(second, step); }
  uint64_t Third(size_t step) const { return At(third, step); }

 private:
  uint64_t At(const std::vector<uint64_t>& counts, size_t step) const {
    if (once && counts.size() == 1) step = 0;
    return step < counts.size() ? counts[step] : 0;
  }
};

// Adds up StepCounts. Tiles follow one another; a step that two of them share counts once.
// Threads: safe.
class StepTally {
 public:
  // Steps of a grid that count: step `skip` is entry `place`, the one after it the next.
  struct Part {
    size_t skip = 0;
    size_t place = 0;
  };
  // A tally below a kOnce node counts its first grid alone.
  void CountOnce() {
    MutexLock lock(mutex_);
    counts_.once = true;
  }
  Part Extend(const StepGrid& grid);
  // Adds the counts of a grid's steps, one for each in every list.
  void Add(const Part& part, const StepCounts& counts);
  StepCounts counts() const {
    MutexLock lock(mutex_);
    return counts_;
  }

 private:
  mutable Mutex mutex_;
  StepCounts counts_ GUARDED_BY(mutex_);
  TimestampMs counted_until_ms_ GUARDED_BY(mutex_) = 0;
};

// A series under a function of windows, in samples.
struct SeriesWindows {
  uint64_t most = 0;      // the largest window
  uint64_t last = 0;      // the last step's
  uint64_t occupied = 0;  // steps whose window is not empty
  uint64_t answered = 0;  // what the function made of them
};

// Threads: safe.
class SeriesTally {
 public:
  // Makes room for so many series.
  void Extend(size_t series);
  // The windows of a tile that follows those added before.
  void AddWindows(size_t series, const SeriesWindows& windows);
  // Of neighbours from `first` on.
  void AddAnswered(size_t first, const std::vector<uint64_t>& samples);
  std::vector<SeriesWindows> series() const {
    MutexLock lock(mutex_);
    return series_;
  }

 private:
  mutable Mutex mutex_;
  std::vector<SeriesWindows> series_ GUARDED_BY(mutex_);
};

struct NodeTally {
  // Series with a value, samples in them, and the same as Prometheus sizes a vector up: a histogram
  // is 1 more than its size, which is rounded otherwise (its promql/value.go, Vector.TotalSamples).
  StepTally answer;
  // The same of series that the node selects by itself (info, timestamp).
  StepTally selected;
  // Of a range vector: samples in the windows, and those that the step before did not see.
  StepTally windows;
  SeriesTally series;
};

// One tally per node of a plan. Threads: safe.
class TallyBook {
 public:
  explicit TallyBook(const PlanNode& plan) { Enter(plan, false); }
  // Null for nodes of no plan.
  NodeTally* Find(const PlanNode& node) const {
    const auto found = tallies_.find(&node);
    return found == tallies_.end() ? nullptr : found->second.get();
  }

 private:
  void Enter(const PlanNode& node, bool once);

  std::unordered_map<const PlanNode*, std::unique_ptr<NodeTally>> tallies_;
};

}  // namespace thermocline::promql
