// Reads a whole selection in label order, some series at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/result.h"
#include "model/queryable.h"

namespace thermocline {

// How many series to read next, so that a read holds about a million samples whatever the length
// of the series.
class ReadSize {
 public:
  size_t series() const { return series_; }
  // What the last read of `series` series brought.
  void Saw(size_t series, size_t samples);

 private:
  size_t series_ = 16;
};

// Calls `visit(series, labels, batch, i)` for each series of `set` that has samples, in the set's
// order; its samples are those of series `i` of `batch`. Ends with the first error.
using VisitSeries =
    std::function<Status(uint32_t series, const Labels&, const SeriesBatch&, size_t i)>;
Status WalkSeries(const SeriesSet& set, const VisitSeries& visit);

}  // namespace thermocline
