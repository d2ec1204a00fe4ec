// The rules by which Prometheus' histogram appenders accept a sample into the open chunk, widen
// the chunk's buckets, or start another chunk (its HistogramAppender and FloatHistogramAppender).
#pragma once

#include <vector>

#include "codec/histogram_layout.h"
#include "model/histogram.h"

namespace thermocline {

class HistogramChunkState {
 public:
  // Starts a chunk with `h`.
  explicit HistogramChunkState(const Histogram& h);

  // Takes `h` in, or returns false and leaves the reason in next_hint().
  bool Append(const Histogram& h);

  // Of the chunk so far: after more samples it may cover more buckets.
  const HistogramLayout& layout() const { return layout_; }
  // After Append refused: the reset header of the chunk that starts with that sample.
  CounterResetHint next_hint() const { return next_hint_; }

 private:
  // How the buckets of a sample relate to those of the chunk.
  struct Fit {
    bool forward = false;   // the sample has buckets that the chunk lacks
    bool backward = false;  // the chunk has buckets that the sample lacks
    std::vector<int64_t> merged;
  };

  bool Refuse(CounterResetHint hint) {
    next_hint_ = hint;
    return false;
  }
  bool CountFell(const Histogram& h) const;
  bool ZeroCountFell(const Histogram& h) const;
  // False when a counter's bucket fell or vanished, or a side's spans do not ascend.
  bool FitSide(size_t side, const Histogram& h, Fit* fit) const;
  void Remember(const Histogram& h);

  const bool is_float_;
  const bool gauge_;
  bool stale_ = false;
  HistogramLayout layout_;
  uint64_t count_ = 0, zero_count_ = 0;
  double float_count_ = 0, float_zero_count_ = 0;
  std::vector<int64_t> counts_[2];  // of the last sample, over the layout
  std::vector<double> floats_[2];
  CounterResetHint next_hint_ = CounterResetHint::kUnknown;
};

// Moves counts from the buckets of `from_spans` to those of `to_spans`, which cover them.
template <typename Count>
void Respread(const std::vector<HistogramSpan>& from_spans, const std::vector<Count>& from,
              const std::vector<HistogramSpan>& to_spans, std::vector<Count>* to) {
  if (from_spans == to_spans) {
    *to = from;
    return;
  }
  const std::vector<int64_t> have = BucketIndexes(from_spans);
  const std::vector<int64_t> want = BucketIndexes(to_spans);
  to->assign(want.size(), Count{});
  for (size_t i = 0, j = 0; i < have.size() && j < want.size(); ++j) {
    if (have[i] == want[j]) (*to)[j] = from[i++];
  }
}

// Whether the counts are as many as the spans say. A stale histogram is always well formed.
bool WellFormed(const Histogram& h);

}  // namespace thermocline
