#include "head/head_series_set.h"

#include "head/label_order.h"

namespace thermocline {

HeadSeriesSet::HeadSeriesSet(const MemoryHead& head, const SelectRequest& request)
    : head_(head),
      mark_(head.ReaderMark()),
      range_(request.range),
      limit_(request.hints.limit),
      budget_(request.budget),
      counters_(request.counters) {}

HeadSeriesSet::~HeadSeriesSet() {
  for (const HeldPiece& held : pieces_) held.piece->Unref();
}

void HeadSeriesSet::List(SeriesRef ref, Ticket epoch) {
  const Series* const series = head_.table_.At(ref);
  if (series == nullptr) return;
  const auto first = static_cast<uint32_t>(pieces_.size());
  MutexLock stripe(head_.table_.StripeOf(ref));
  for (Piece* piece = series->pieces; piece != nullptr; piece = piece->next) {
    const TimeRange own{piece->start_ms(), piece->start_ms() + head_.options_.range_ms - 1};
    if (!own.Overlaps(range_)) continue;
    const PieceView view = piece->ViewAt(epoch);
    if (view.empty()) continue;
    piece->Ref();
    pieces_.push_back({piece, view});
  }
  const auto count = static_cast<uint32_t>(pieces_.size()) - first;
  if (count > 0) series_.push_back({SeriesId(series->id), ref, first, count});
}

Status HeadSeriesSet::Sort() {
  std::vector<SeriesRef> refs;
  refs.reserve(series_.size());
  for (const Entry& entry : series_) refs.push_back(entry.ref);
  std::vector<Entry> sorted;
  sorted.reserve(series_.size());
  ASSIGN_OR_RETURN(const auto order, LabelOrder(head_.table_, refs, budget_));
  for (const uint32_t i : order) {
    if (limit_ > 0 && sorted.size() == limit_) break;
    sorted.push_back(series_[i]);
  }
  series_ = std::move(sorted);
  return Status::Ok();
}

Labels HeadSeriesSet::labels(size_t series) const {
  FairReadLock index(head_.index_mutex_);
  return head_.table_.postings().LabelsOf(head_.table_.At(series_[series].ref)->pair_ids());
}

Status HeadSeriesSet::Read(std::span<const uint32_t> series, SeriesBatch* out) const {
  out->Clear();
  for (size_t k = 0; k < series.size(); ++k) {
    if (budget_ != nullptr && k % 64 == 0) RETURN_IF_ERROR(budget_->Check());
    const Entry& entry = series_[series[k]];
    MutexLock stripe(head_.table_.StripeOf(entry.ref));
    AppendHeldSamples(std::span(pieces_).subspan(entry.first, entry.count), range_, out);
  }
  if (counters_ != nullptr) {
    counters_->head_series.fetch_add(series.size(), std::memory_order_relaxed);
    counters_->head_samples.fetch_add(out->values.size(), std::memory_order_relaxed);
  }
  return Status::Ok();
}

}  // namespace thermocline
