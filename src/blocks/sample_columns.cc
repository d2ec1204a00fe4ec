#include "blocks/sample_columns.h"

#include <algorithm>
#include <numeric>

namespace thermocline {
namespace {

// Keeps the samples `kept` (positions, any order) as the columns from `begin` on.
template <typename T>
void Gather(const std::vector<size_t>& kept, size_t begin, std::vector<T>* column) {
  if (column->empty()) return;
  std::vector<T> moved;
  moved.reserve(kept.size());
  for (const size_t i : kept) moved.push_back((*column)[i]);
  column->resize(begin);
  column->insert(column->end(), moved.begin(), moved.end());
}

void GatherAll(const std::vector<size_t>& kept, size_t begin, SeriesBatch* batch) {
  Gather(kept, begin, &batch->values);
  Gather(kept, begin, &batch->start_timestamps_ms);
  Gather(kept, begin, &batch->histogram_index);
  Gather(kept, begin, &batch->timestamps_ms);
}

}  // namespace

void CutColumns(const ColumnMark& mark, SeriesBatch* batch) {
  batch->timestamps_ms.resize(mark.samples);
  batch->values.resize(mark.samples);
  if (!batch->start_timestamps_ms.empty()) batch->start_timestamps_ms.resize(mark.samples);
  if (!batch->histogram_index.empty()) batch->histogram_index.resize(mark.samples);
  batch->histograms.resize(mark.histograms);
}

void RemoveDeleted(const std::vector<TimeRange>& deleted, size_t begin, SeriesBatch* batch) {
  std::vector<size_t> kept;
  const size_t end = batch->timestamps_ms.size();
  kept.reserve(end - begin);
  for (size_t i = begin; i < end; ++i) {
    const TimestampMs t = batch->timestamps_ms[i];
    const auto range =
        std::upper_bound(deleted.begin(), deleted.end(), t,
                         [](TimestampMs time, const TimeRange& r) { return time < r.start_ms; });
    if (range == deleted.begin() || !std::prev(range)->Contains(t)) kept.push_back(i);
  }
  if (kept.size() < end - begin) GatherAll(kept, begin, batch);
}

void PutInOrder(size_t begin, SeriesBatch* batch) {
  const std::vector<TimestampMs>& times = batch->timestamps_ms;
  const auto first = times.begin() + static_cast<ptrdiff_t>(begin);
  if (std::adjacent_find(first, times.end(), std::greater_equal<>()) == times.end()) return;
  std::vector<size_t> order(times.size() - begin);
  std::iota(order.begin(), order.end(), begin);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return times[a] < times[b]; });
  size_t kept = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    if (kept > 0 && times[order[kept - 1]] == times[order[i]]) --kept;
    order[kept++] = order[i];
  }
  order.resize(kept);
  GatherAll(order, begin, batch);
  if (batch->histogram_index.empty()) return;
  for (size_t i = begin; i < batch->histogram_index.size(); ++i) {
    if (batch->histogram_index[i] == SeriesBatch::kNoHistogram) continue;
    CounterResetHint& hint = batch->histograms[batch->histogram_index[i]].reset_hint;
    if (hint != CounterResetHint::kGauge) hint = CounterResetHint::kUnknown;
  }
}

}  // namespace thermocline
