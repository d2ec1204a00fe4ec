// What a range vector hands to its reader: samples of some series, histograms in the form that
// queries compute with.
#pragma once

#include <span>
#include <vector>

#include "model/queryable.h"
#include "promql/exec/step_block.h"

namespace thermocline::promql {

// Series i owns [offsets[i], offsets[i + 1]) of the columns. Times ascend; a float and a histogram
// may share one, the float first. A histogram's entry among the floats is its sum or 0. Not
// copyable: it points into itself.
class RangeBatch {
 public:
  RangeBatch() = default;
  RangeBatch(const RangeBatch&) = delete;
  RangeBatch& operator=(const RangeBatch&) = delete;

  void Clear();
  size_t series_count() const { return samples_.series_count(); }
  std::span<const TimestampMs> times(size_t i) const { return samples_.times(i); }
  std::span<const double> floats(size_t i) const { return samples_.floats(i); }
  // Parallel to times(i), null for a float; empty when the batch has floats alone.
  std::span<const FloatHistogram* const> histograms(size_t i) const {
    return histograms_.empty() ? std::span<const FloatHistogram* const>() : Part(histograms_, i);
  }
  // Parallel to times(i), 0 for none; empty when no sample has a start timestamp.
  std::span<const TimestampMs> starts(size_t i) const {
    return samples_.start_timestamps_ms.empty() ? std::span<const TimestampMs>()
                                                : Part(samples_.start_timestamps_ms, i);
  }
  // Whether series `i` has a histogram among its samples.
  bool has_histograms(size_t i) const;

  // Takes what a source read and puts its histograms into their computable form. With `statistics`
  // they keep count and sum alone, with hints found out by comparing neighbours (promql-semantics
  // 1.10). `source` is left empty.
  void Take(SeriesBatch* source, bool statistics);
  // The same from answers: one series after another, each sample after the one before.
  void AddFloat(TimestampMs t_ms, double value);
  // `histogram` outlives the batch's use.
  void AddHistogram(TimestampMs t_ms, const FloatHistogram* histogram);
  void EndSeries() { samples_.offsets.push_back(static_cast<uint32_t>(samples_.values.size())); }

 private:
  template <typename T>
  std::span<const T> Part(const std::vector<T>& column, size_t i) const {
    return std::span(column).subspan(samples_.offsets[i],
                                     samples_.offsets[i + 1] - samples_.offsets[i]);
  }
  void KeepStatistics();

  SeriesBatch samples_;
  std::vector<const FloatHistogram*> histograms_;
  std::vector<FloatHistogram> owned_;  // memory is reused from read to read
};

}  // namespace thermocline::promql
