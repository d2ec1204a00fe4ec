// What a block does to the columns of one decoded series.
#pragma once

#include <cstddef>
#include <vector>

#include "base/time.h"
#include "model/queryable.h"

namespace thermocline {

// The columns' sizes, to go back to after a failed decode.
struct ColumnMark {
  size_t samples = 0;
  size_t histograms = 0;

  static ColumnMark Of(const SeriesBatch& batch) {
    return {batch.timestamps_ms.size(), batch.histograms.size()};
  }
};

// Forgets what was appended after `mark`.
void CutColumns(const ColumnMark& mark, SeriesBatch* batch);

// Removes the samples from `begin` on that lie in `deleted` (ascending, disjoint).
void RemoveDeleted(const std::vector<TimeRange>& deleted, size_t begin, SeriesBatch* batch);

// Makes the samples from `begin` on ascending and distinct in time; of equal times the last one
// stays. What moves loses its reset hint. Cheap when they already are.
void PutInOrder(size_t begin, SeriesBatch* batch);

}  // namespace thermocline
