#include "head/held_samples.h"

#include <algorithm>
#include <vector>

namespace thermocline {
namespace {

// Brings samples [start, end) into order; equal timestamps keep their first.
void SortDistinct(size_t start, SeriesBatch* out) {
  std::vector<Sample> samples;
  samples.reserve(out->values.size() - start);
  for (size_t i = start; i < out->values.size(); ++i) {
    samples.push_back({out->timestamps_ms[i], out->values[i]});
  }
  std::stable_sort(samples.begin(), samples.end(), [](const Sample& a, const Sample& b) {
    return a.timestamp_ms < b.timestamp_ms;
  });
  const auto end = std::unique(
      samples.begin(), samples.end(),
      [](const Sample& a, const Sample& b) { return a.timestamp_ms == b.timestamp_ms; });
  out->timestamps_ms.resize(start);
  out->values.resize(start);
  for (auto sample = samples.begin(); sample != end; ++sample) {
    out->timestamps_ms.push_back(sample->timestamp_ms);
    out->values.push_back(sample->value);
  }
}

}  // namespace

void AppendHeldSamples(std::span<const HeldPiece> pieces, TimeRange range, SeriesBatch* out) {
  if (out->offsets.empty()) out->offsets.push_back(0);
  const size_t start = out->values.size();
  for (size_t i = pieces.size(); i-- > 0;) {
    pieces[i].piece->Read(pieces[i].view, range, &out->timestamps_ms, &out->values);
  }
  bool ascending = true;
  for (size_t i = start + 1; i < out->values.size(); ++i) {
    ascending &= out->timestamps_ms[i - 1] < out->timestamps_ms[i];
  }
  if (!ascending) SortDistinct(start, out);
  out->offsets.push_back(static_cast<uint32_t>(out->values.size()));
}

}  // namespace thermocline
