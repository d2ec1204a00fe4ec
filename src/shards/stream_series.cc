#include "shards/stream_series.h"

#include <algorithm>
#include <utility>

#include "shards/label_list.h"
#include "shards/sample_merge.h"

namespace thermocline::shards {

namespace {

constexpr size_t kReadAtOnce = 1024;  // of a SeriesSet

}  // namespace

StreamSeries::StreamSeries(std::shared_ptr<const SeriesSet> set, Labels external)
    : set_(std::move(set)), external_(std::move(external)) {
  LabelIds ids(set_->series_count());
  for (uint32_t i = 0; i < set_->series_count(); ++i) {
    const Labels labels = Stripped(i);
    const auto [index, fresh] =
        ids.Find(labels.Hash(), [&](uint32_t other) { return Stripped(first_[other]) == labels; });
    if (fresh) {
      first_.push_back(i);
    } else {
      more_[index].push_back(i);
    }
  }
  ids_ = ids.Take();
}

Labels StreamSeries::Stripped(size_t series_of_set) const {
  Labels labels = set_->labels(series_of_set);
  if (external_.empty()) return labels;
  LabelsBuilder builder(labels);
  for (const LabelPair& pair : external_) builder.Remove(pair.name);
  return builder.Build();
}

std::vector<std::pair<uint32_t, uint32_t>> StreamSeries::PartsOf(
    std::span<const uint32_t> series) const {
  std::vector<std::pair<uint32_t, uint32_t>> parts;
  for (uint32_t i = 0; i < series.size(); ++i) {
    parts.emplace_back(first_[series[i]], i);
    const auto more = more_.find(series[i]);
    if (more == more_.end()) continue;
    for (const uint32_t one : more->second) parts.emplace_back(one, i);
  }
  std::sort(parts.begin(), parts.end());
  return parts;
}

Status StreamSeries::ReadEncoded(std::span<const uint32_t> series, EncodedBatch* out) const {
  if (more_.empty()) return set_->ReadEncoded(series, out);
  const auto parts = PartsOf(series);
  std::vector<std::vector<EncodedChunk>> chunks(series.size());
  out->Clear();
  EncodedBatch batch;
  for (size_t at = 0; at < parts.size(); at += kReadAtOnce) {
    const size_t count = std::min(kReadAtOnce, parts.size() - at);
    std::vector<uint32_t> wanted;
    for (size_t i = at; i < at + count; ++i) wanted.push_back(parts[i].first);
    RETURN_IF_ERROR(set_->ReadEncoded(wanted, &batch));
    for (size_t i = 0; i < count; ++i) {
      const auto held = batch.of(i);
      auto& of_series = chunks[parts[at + i].second];
      of_series.insert(of_series.end(), held.begin(), held.end());
    }
    out->owners.insert(out->owners.end(), batch.owners.begin(), batch.owners.end());
  }
  for (std::vector<EncodedChunk>& held : chunks) {
    const auto by_time = [](const EncodedChunk& a, const EncodedChunk& b) {
      return a.min_ms < b.min_ms;
    };
    if (!std::is_sorted(held.begin(), held.end(), by_time)) {
      std::stable_sort(held.begin(), held.end(), by_time);
    }
    out->chunks.insert(out->chunks.end(), held.begin(), held.end());
    out->offsets.push_back(static_cast<uint32_t>(out->chunks.size()));
  }
  return Status::Ok();
}

Status StreamSeries::Read(std::span<const uint32_t> series, SeriesBatch* out) const {
  if (more_.empty()) return set_->Read(series, out);
  const auto parts = PartsOf(series);
  SeriesBatch all;  // of all parts
  std::vector<std::vector<uint32_t>> places(series.size());
  SeriesBatch batch;
  for (size_t at = 0; at < parts.size(); at += kReadAtOnce) {
    const size_t count = std::min(kReadAtOnce, parts.size() - at);
    std::vector<uint32_t> wanted;
    for (size_t i = at; i < at + count; ++i) wanted.push_back(parts[i].first);
    RETURN_IF_ERROR(set_->Read(wanted, &batch));
    for (size_t i = 0; i < count; ++i) {
      std::vector<uint32_t>& of_series = places[parts[at + i].second];
      for (uint32_t k = batch.offsets[i]; k < batch.offsets[i + 1]; ++k) {
        of_series.push_back(static_cast<uint32_t>(all.timestamps_ms.size()));
        MoveSample(&batch, k, &all);
      }
    }
  }
  EvenColumns(&all);
  out->Clear();
  for (std::vector<uint32_t>& of_series : places) {
    // Of equal times the later part's comes first.
    std::sort(of_series.begin(), of_series.end(), [&](uint32_t a, uint32_t b) {
      const TimestampMs ta = all.timestamps_ms[a];
      const TimestampMs tb = all.timestamps_ms[b];
      return ta != tb ? ta < tb : a > b;
    });
    MoveDistinct(of_series, {kMinTimestampMs, kMaxTimestampMs}, &all, out);
    out->offsets.push_back(static_cast<uint32_t>(out->timestamps_ms.size()));
  }
  EvenColumns(out);
  return Status::Ok();
}

}  // namespace thermocline::shards
