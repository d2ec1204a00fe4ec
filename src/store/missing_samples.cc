#include "store/missing_samples.h"

#include <algorithm>
#include <bit>
#include <unordered_map>
#include <utility>

namespace thermocline {
namespace {

bool SameSample(const SeriesBatch& a, size_t i, const SeriesBatch& b, size_t j) {
  const Histogram* const left = a.histogram(i);
  const Histogram* const right = b.histogram(j);
  if ((left == nullptr) != (right == nullptr)) return false;
  if (left != nullptr) return SameBuckets(*left, *right);
  return std::bit_cast<uint64_t>(a.values[i]) == std::bit_cast<uint64_t>(b.values[j]);
}

void AppendSample(const SeriesBatch& from, size_t i, SeriesBatch* out) {
  out->timestamps_ms.push_back(from.timestamps_ms[i]);
  out->values.push_back(from.values[i]);
  if (!from.start_timestamps_ms.empty()) {
    out->start_timestamps_ms.push_back(from.start_timestamps_ms[i]);
  }
  if (!from.histogram_index.empty()) out->histogram_index.push_back(from.histogram_index[i]);
}

}  // namespace

MissingSamples::MissingSamples(const SeriesSet& given, std::unique_ptr<SeriesSet> known)
    : given_(given),
      known_(std::move(known)),
      known_of_(given.series_count(), kNone),
      counted_(given.series_count(), false) {
  std::unordered_multimap<SeriesId, uint32_t> by_id;
  by_id.reserve(known_->series_count());
  for (size_t i = 0; i < known_->series_count(); ++i) {
    by_id.emplace(SeriesId(known_->labels(i).Hash()), static_cast<uint32_t>(i));
  }
  if (by_id.empty()) return;
  for (size_t i = 0; i < known_of_.size(); ++i) {
    const Labels labels = given_.labels(i);
    const auto [begin, end] = by_id.equal_range(SeriesId(labels.Hash()));
    for (auto it = begin; it != end; ++it) {
      if (known_->labels(it->second) == labels) known_of_[i] = it->second;
    }
  }
}

Status MissingSamples::Read(std::span<const uint32_t> series, SeriesBatch* out) const {
  std::vector<uint32_t> wanted;  // of known_
  for (const uint32_t i : series) {
    if (known_of_[i] != kNone) wanted.push_back(known_of_[i]);
  }
  if (wanted.empty()) return given_.Read(series, out);
  std::sort(wanted.begin(), wanted.end());
  RETURN_IF_ERROR(known_->Read(wanted, &known_batch_));
  RETURN_IF_ERROR(given_.Read(series, &given_batch_));
  out->Clear();
  for (size_t i = 0; i < series.size(); ++i) {
    size_t known_from = 0;
    size_t known_to = 0;
    if (const uint32_t known = known_of_[series[i]]; known != kNone) {
      const auto slot = static_cast<size_t>(std::lower_bound(wanted.begin(), wanted.end(), known) -
                                            wanted.begin());
      known_from = known_batch_.offsets[slot];
      known_to = known_batch_.offsets[slot + 1];
    }
    TakeMissing(given_batch_.offsets[i], given_batch_.offsets[i + 1], known_from, known_to,
                !counted_[series[i]], out);
    counted_[series[i]] = true;
    out->offsets.push_back(static_cast<uint32_t>(out->timestamps_ms.size()));
  }
  out->histograms = std::move(given_batch_.histograms);
  return Status::Ok();
}

void MissingSamples::TakeMissing(size_t from, size_t to, size_t known_from, size_t known_to,
                                 bool count, SeriesBatch* out) const {
  size_t j = known_from;
  for (size_t i = from; i < to; ++i) {
    const TimestampMs t_ms = given_batch_.timestamps_ms[i];
    while (j < known_to && known_batch_.timestamps_ms[j] < t_ms) ++j;
    if (j == known_to || known_batch_.timestamps_ms[j] != t_ms) {
      AppendSample(given_batch_, i, out);
    } else if (count) {
      ++left_out_;
      if (!SameSample(given_batch_, i, known_batch_, j)) ++left_out_other_;
    }
  }
}

}  // namespace thermocline
