#include "head/held_samples.h"

#include <algorithm>
#include <numeric>
#include <span>
#include <vector>

namespace thermocline {
namespace {

// `column`'s part from `start` on in another order, and only as many.
template <typename T>
void Permute(size_t start, const std::vector<uint32_t>& order, std::vector<T>* column) {
  if (column->empty()) return;
  const std::vector<T> before(column->begin() + static_cast<ptrdiff_t>(start), column->end());
  column->resize(start);
  for (const uint32_t i : order) column->push_back(before[i]);
}

// Brings samples [start, end) into order; equal timestamps keep their first. A histogram that has
// another one before it than it had says nothing of a reset any more.
void SortDistinct(size_t start, SeriesBatch* out) {
  const auto times_ms = std::span(out->timestamps_ms).subspan(start);
  std::vector<uint32_t> order(times_ms.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](uint32_t a, uint32_t b) { return times_ms[a] < times_ms[b]; });
  const auto same_time = [&](uint32_t a, uint32_t b) { return times_ms[a] == times_ms[b]; };
  order.erase(std::unique(order.begin(), order.end(), same_time), order.end());
  for (size_t i = 0; i < order.size() && !out->histogram_index.empty(); ++i) {
    const uint32_t index = out->histogram_index[start + order[i]];
    if (index == SeriesBatch::kNoHistogram || (i > 0 && order[i] == order[i - 1] + 1)) continue;
    CounterResetHint& hint = out->histograms[index].reset_hint;
    if (hint != CounterResetHint::kGauge) hint = CounterResetHint::kUnknown;
  }
  Permute(start, order, &out->start_timestamps_ms);
  Permute(start, order, &out->histogram_index);
  Permute(start, order, &out->values);
  Permute(start, order, &out->timestamps_ms);
}

}  // namespace

void AppendHeldSamples(std::span<const HeldPiece> pieces, TimeRange range, SeriesBatch* out) {
  if (out->offsets.empty()) out->offsets.push_back(0);
  const size_t start = out->values.size();
  for (size_t i = pieces.size(); i-- > 0;) {
    pieces[i].piece->Read(pieces[i].view, range, out);
  }
  const size_t end = out->values.size();
  if (!out->histogram_index.empty()) {
    out->histogram_index.resize(end, SeriesBatch::kNoHistogram);
  }
  if (!out->start_timestamps_ms.empty()) out->start_timestamps_ms.resize(end);
  bool ascending = true;
  for (size_t i = start + 1; i < end; ++i) {
    ascending &= out->timestamps_ms[i - 1] < out->timestamps_ms[i];
  }
  if (!ascending) SortDistinct(start, out);
  out->offsets.push_back(static_cast<uint32_t>(out->values.size()));
}

}  // namespace thermocline
