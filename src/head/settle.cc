// Settling: the log's verdicts publish requests, or take them back, in the order of LSNs.
#include <algorithm>

#include "head/memory_head.h"

namespace thermocline {

void MemoryHead::Settle(Lsn first, Lsn last, const Status& outcome) {
  MutexLock settle(settle_mutex_);
  verdicts_.push_back({first, last, outcome});
  Resolve();
}

// Verdicts and requests are both in LSN order. The newest request has no LSN as long as its Admit
// waits for the sink, although the log may have judged it already; that Admit calls again.
void MemoryHead::Resolve() {
  size_t used = 0;
  while (!requests_.empty() && requests_.front().lsn.number != 0) {
    Request& request = requests_.front();
    while (used < verdicts_.size() && verdicts_[used].last < request.lsn) ++used;
    if (used == verdicts_.size() || verdicts_[used].first > request.lsn) break;
    if (verdicts_[used].outcome.ok()) {
      Publish(request);
    } else {
      counters_.rolled_back->Increment();
      std::vector<RangeChange> changes = request.ranges;
      TakeBack(request);
      for (RangeChange& change : changes) {
        change.samples = -change.samples;
        // Pieces and buffers that stay are counted still: an estimate that Drop sets right.
        change.pieces = change.bytes = 0;
      }
      CountRanges(changes, request.lsn);
      MutexLock epoch(epoch_mutex_);
      published_ = std::max(published_, request.ticket);
    }
    published_lsn_ = request.lsn;
    requests_.pop_front();
  }
  if (requests_.empty()) {
    verdicts_.clear();
  } else {
    verdicts_.erase(verdicts_.begin(), verdicts_.begin() + static_cast<ptrdiff_t>(used));
  }
}

void MemoryHead::Publish(Request& request) {
  if (request.has_max && (!settled_newest_.known || request.max_ms > settled_newest_.time_ms)) {
    settled_newest_ = {true, request.max_ms};
  }
  if (request.new_series.empty() && request.metadata.empty()) {
    if (std::any_of(request.touched.begin(), request.touched.end(),
                    [](const Request::Touched& touched) { return touched.defines; })) {
      FairReadLock index(index_mutex_);
      MarkDefined(request);
    }
    MutexLock epoch(epoch_mutex_);
    published_ = request.ticket;
    return;
  }
  // Names and samples of a request appear together.
  FairWriteLock index(index_mutex_);
  MarkDefined(request);
  for (const SeriesRef ref : request.new_series) {
    MutexLock stripe(table_.StripeOf(ref));
    table_.At(ref)->published = true;
    unpublished_.erase(ref.number);
  }
  for (BatchMetadata& entry : request.metadata) {
    std::string family = entry.family;
    logged_families_.insert(family);
    metadata_.insert_or_assign(std::move(family), std::move(entry));
  }
  if (!request.metadata.empty() && (metadata_lsn_.number == 0 || request.all_metadata)) {
    metadata_lsn_ = request.lsn;
  }
  MutexLock epoch(epoch_mutex_);
  published_ = request.ticket;
}

// The index lock is held.
void MemoryHead::MarkDefined(const Request& request) {
  for (const Request::Touched& touched : request.touched) {
    if (!touched.defines) continue;
    Series* const series = table_.At(touched.ref);
    MutexLock stripe(table_.StripeOf(touched.ref));
    for (Piece* piece = series->pieces; piece != nullptr; piece = piece->next) {
      if (piece->start_ms() == touched.start_ms && !piece->frozen) piece->defined = true;
    }
  }
}

void MemoryHead::TakeBack(const Request& request) {
  FairReadLock index(index_mutex_);
  for (const Request::Touched& touched : request.touched) {
    Series* const series = table_.At(touched.ref);
    CHECK(series != nullptr);
    MutexLock stripe(table_.StripeOf(touched.ref));
    uint32_t samples = 0;
    for (Piece** at = &series->pieces; *at != nullptr; at = &(*at)->next) {
      Piece* const piece = *at;
      if (piece->start_ms() != touched.start_ms || piece->frozen) continue;
      if (!piece->TakeBack(request.ticket, &samples)) continue;
      if (piece->empty()) {
        *at = piece->next;
        piece->Unref();
      }
      break;
    }
    // The newest may have been the request's: find the newest of what is left, out-of-order samples
    // included, so that none is ever repeated in order. What the cold tier took is forgotten with
    // it; then an older sample passes as in order, which readers merge.
    series->has_newest = false;
    for (const Piece* piece = series->pieces; piece != nullptr; piece = piece->next) {
      const NewestSample last = piece->Newest();
      if (series->has_newest && last.timestamp_ms <= series->newest_ms) continue;
      series->SetNewest(last);
    }
    if (series->pieces == nullptr) emptied_.push_back(touched.ref);
  }
  // With new series that staged nothing.
  emptied_.insert(emptied_.end(), request.new_series.begin(), request.new_series.end());
}

MemoryHead::Newest MemoryHead::AdmittedNewest() const {
  Newest newest = settled_newest_;
  for (const Request& request : requests_) {
    if (!request.has_max) continue;
    if (!newest.known || request.max_ms > newest.time_ms) newest = {true, request.max_ms};
  }
  return newest;
}

Ticket MemoryHead::TrimHorizon() const {
  MutexLock lock(epoch_mutex_);
  return listing_.empty() ? published_ : std::min(published_, *listing_.begin());
}

}  // namespace thermocline
