#include "convert/series_views.h"

#include <algorithm>
#include <numeric>
#include <unordered_set>
#include <utility>

#include "codec/chunk.h"

namespace thermocline {

LabelledSeries::LabelledSeries(std::unique_ptr<SeriesSet> set, const Labels& external)
    : set_(std::move(set)), order_(set_->series_count()) {
  labels_.reserve(order_.size());
  for (size_t i = 0; i < order_.size(); ++i) {
    LabelsBuilder builder(set_->labels(i));
    for (const LabelPair& pair : external) builder.Set(pair.name, pair.value);
    labels_.push_back(builder.Build());
  }
  std::iota(order_.begin(), order_.end(), 0u);
  std::stable_sort(order_.begin(), order_.end(),
                   [this](uint32_t a, uint32_t b) { return (labels_[a] <=> labels_[b]) < 0; });
  std::unordered_set<SeriesId> used;
  used.reserve(order_.size());
  ids_.reserve(order_.size());
  for (const uint32_t i : order_) {
    SeriesId id(labels_[i].Hash());
    while (!used.insert(id).second) ++id.number;
    ids_.push_back(id);
  }
}

Result<std::unique_ptr<SeriesSet>> LabelledSeries::Make(std::unique_ptr<SeriesSet> set,
                                                        const Labels& external) {
  std::unique_ptr<LabelledSeries> labelled(new LabelledSeries(std::move(set), external));
  const std::vector<uint32_t>& order = labelled->order_;
  for (size_t i = 1; i < order.size(); ++i) {
    const Labels& labels = labelled->labels_[order[i]];
    if (labelled->labels_[order[i - 1]] != labels) continue;
    return Status::InvalidArgument("the labels " + external.ToString() +
                                   " make two series one: " + labels.ToString());
  }
  return std::unique_ptr<SeriesSet>(std::move(labelled));
}

LabelledSeries::Ascending LabelledSeries::InOrderOfSet(std::span<const uint32_t> series) const {
  std::vector<std::pair<uint32_t, uint32_t>> wanted;  // series of set_, place in `series`
  for (uint32_t i = 0; i < series.size(); ++i) wanted.emplace_back(order_[series[i]], i);
  std::sort(wanted.begin(), wanted.end());
  Ascending ascending;
  ascending.slots.resize(series.size());
  for (const auto& [index, place] : wanted) {
    ascending.slots[place] = static_cast<uint32_t>(ascending.series.size());
    ascending.series.push_back(index);
  }
  return ascending;
}

Status LabelledSeries::ReadEncoded(std::span<const uint32_t> series, EncodedBatch* out) const {
  const Ascending ascending = InOrderOfSet(series);
  EncodedBatch batch;
  RETURN_IF_ERROR(set_->ReadEncoded(ascending.series, &batch));
  out->Clear();
  for (const uint32_t slot : ascending.slots) {
    const auto chunks = batch.of(slot);
    out->chunks.insert(out->chunks.end(), chunks.begin(), chunks.end());
    out->offsets.push_back(static_cast<uint32_t>(out->chunks.size()));
  }
  out->owners = std::move(batch.owners);
  return Status::Ok();
}

Status LabelledSeries::Read(std::span<const uint32_t> series, SeriesBatch* out) const {
  const auto [ascending, slots] = InOrderOfSet(series);
  SeriesBatch batch;
  RETURN_IF_ERROR(set_->Read(ascending, &batch));
  out->Clear();
  for (const uint32_t slot : slots) {
    const auto begin = static_cast<ptrdiff_t>(batch.offsets[slot]);
    const auto end = static_cast<ptrdiff_t>(batch.offsets[slot + 1]);
    const auto append = [begin, end](const auto& from, auto* to) {
      if (!from.empty()) to->insert(to->end(), from.begin() + begin, from.begin() + end);
    };
    append(batch.timestamps_ms, &out->timestamps_ms);
    append(batch.values, &out->values);
    append(batch.start_timestamps_ms, &out->start_timestamps_ms);
    append(batch.histogram_index, &out->histogram_index);
    out->offsets.push_back(static_cast<uint32_t>(out->timestamps_ms.size()));
  }
  out->histograms = std::move(batch.histograms);
  return Status::Ok();
}

void WatchedSeries::Saw(uint32_t series, bool any) const {
  Seen& seen = seen_[series];
  if (seen == Seen::kNo) ++seen_count_;
  if (seen != Seen::kSamples) seen = any ? Seen::kSamples : Seen::kEmpty;
}

Status WatchedSeries::Read(std::span<const uint32_t> series, SeriesBatch* out) const {
  RETURN_IF_ERROR(set_->Read(series, out));
  for (size_t i = 0; i < series.size(); ++i) Saw(series[i], !out->times(i).empty());
  return watch_(seen_count_, out->timestamps_ms.size());
}

Status WatchedSeries::ReadEncoded(std::span<const uint32_t> series, EncodedBatch* out) const {
  RETURN_IF_ERROR(set_->ReadEncoded(series, out));
  uint64_t samples = 0;
  for (size_t i = 0; i < series.size(); ++i) {
    bool any = false;
    for (const EncodedChunk& chunk : out->of(i)) {
      const auto count = ChunkSampleCount(chunk.encoding, chunk.bytes);
      // What cannot be counted is the reader's to refuse.
      if (!count.ok()) continue;
      samples += *count;
      any |= *count > 0;
    }
    Saw(series[i], any);
  }
  return watch_(seen_count_, samples);
}

void WatchedSeries::AddWithSamples(std::vector<SeriesId>* ids) const {
  const auto before = static_cast<std::ptrdiff_t>(ids->size());
  for (size_t i = 0; i < seen_.size(); ++i) {
    if (seen_[i] == Seen::kSamples) ids->push_back(set_->id(i));
  }
  std::sort(ids->begin() + before, ids->end());
  std::inplace_merge(ids->begin(), ids->begin() + before, ids->end());
  ids->erase(std::unique(ids->begin(), ids->end()), ids->end());
}

}  // namespace thermocline
