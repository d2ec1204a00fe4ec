#include "head/sealed_series_set.h"

#include "head/label_order.h"

namespace thermocline {

SealedSeriesSet::SealedSeriesSet(const MemoryHead& head, std::shared_ptr<const int> mark,
                                 const std::vector<MemoryHead::SealedPieces::Entry>& entries)
    : head_(head), mark_(std::move(mark)) {
  std::vector<Entry> unordered;
  std::vector<SeriesRef> refs;
  pieces_.reserve(entries.size());
  for (const auto& [ref, piece] : entries) {
    if (refs.empty() || refs.back() != ref) {
      refs.push_back(ref);
      unordered.push_back(
          {SeriesId(head.table_.At(ref)->id), ref, static_cast<uint32_t>(pieces_.size()), 0});
    }
    ++unordered.back().count;
    piece->Ref();
    pieces_.push_back({piece, piece->ViewAt(UINT64_MAX)});
  }
  series_.reserve(unordered.size());
  // Without a budget nothing ends it.
  const std::vector<uint32_t> order = LabelOrder(head.table_, refs, nullptr).value();
  for (const uint32_t i : order) series_.push_back(unordered[i]);
}

SealedSeriesSet::~SealedSeriesSet() {
  for (const HeldPiece& held : pieces_) held.piece->Unref();
}

Labels SealedSeriesSet::labels(size_t series) const {
  FairReadLock index(head_.index_mutex_);
  return head_.table_.postings().LabelsOf(head_.table_.At(series_[series].ref)->pair_ids());
}

Status SealedSeriesSet::Read(std::span<const uint32_t> series, SeriesBatch* out) const {
  out->Clear();
  for (const uint32_t i : series) {
    const Entry& entry = series_[i];
    AppendHeldSamples(std::span(pieces_).subspan(entry.first, entry.count),
                      {kMinTimestampMs, kMaxTimestampMs}, out);
  }
  return Status::Ok();
}

}  // namespace thermocline
