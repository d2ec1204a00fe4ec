// The way out of the head: Seal freezes pieces for the block writer, Drop lets them go, and series
// that hold nothing any more leave once no reader can name them.
#include <algorithm>

#include "head/memory_head.h"
#include "head/sealed_series_set.h"

namespace thermocline {
namespace {

// How many series are walked before writers of the index get a turn.
constexpr size_t kWalkChunk = 256;

}  // namespace

Result<Head::Sealed> MemoryHead::Seal(const std::vector<TimeRange>& ranges) {
  std::vector<SeriesRef> refs;
  std::set<TimestampMs> starts;
  std::optional<ListingEpoch> epoch;
  Sealed sealed;
  auto mark = ReaderMark();
  {
    MutexLock admit(admit_mutex_);
    sealed.token = next_token_++;
    {
      // Nothing settles in between: the epoch is the state as of this LSN.
      MutexLock settle(settle_mutex_);
      epoch.emplace(*this);
      sealed.sealed_through = published_lsn_;
    }
    ASSIGN_OR_RETURN(starts, SealRanges(ranges, sealed.token, sealed.sealed_through));
    FairReadLock index(index_mutex_);
    const auto all = table_.postings().All();
    refs.assign(all.begin(), all.end());
  }
  SealedPieces pieces;
  std::set<TimestampMs> split;  // ranges where samples under way moved to a fresh piece
  for (size_t i = 0; i < refs.size(); i += kWalkChunk) {
    FairReadLock index(index_mutex_);
    for (size_t k = i; k < std::min(i + kWalkChunk, refs.size()); ++k) {
      FreezePieces(refs[k], starts, epoch->ticket(), sealed.token, &pieces, &split);
    }
  }
  epoch.reset();
  KeepDefinitions(split, sealed.token);
  {
    FairReadLock index(index_mutex_);
    sealed.series = std::make_unique<SealedSeriesSet>(*this, std::move(mark), pieces.entries);
  }
  MutexLock admit(admit_mutex_);
  sealed_.emplace(sealed.token, std::move(pieces));
  return sealed;
}

// Marks the asked ranges as handed out up to `through`; returns their starts.
Result<std::set<TimestampMs>> MemoryHead::SealRanges(const std::vector<TimeRange>& asked,
                                                     uint64_t token, Lsn through) {
  std::set<TimestampMs> starts;
  MutexLock lock(ranges_mutex_);
  for (const auto& [start_ms, state] : ranges_) {
    const TimeRange own{start_ms, start_ms + options_.range_ms - 1};
    const bool inside = std::any_of(asked.begin(), asked.end(), [&](const TimeRange& r) {
      return r.start_ms <= own.start_ms && own.end_ms <= r.end_ms;
    });
    if (!inside) continue;
    // `through` promises everything before it, also what another Seal holds.
    if (!state.oldest_sealed.empty()) {
      return Status::AlreadyExists("sealing the range from " + std::to_string(start_ms) +
                                   " ms: it is sealed already");
    }
    starts.insert(start_ms);
  }
  for (const TimestampMs start_ms : starts) {
    RangeState& state = ranges_[start_ms];
    state.oldest_sealed[token] = state.oldest_live;
    state.oldest_live = Lsn(through.number + 1);
  }
  return starts;
}

void MemoryHead::FreezePieces(SeriesRef ref, const std::set<TimestampMs>& starts, Ticket epoch,
                              uint64_t token, SealedPieces* out, std::set<TimestampMs>* split) {
  Series* const series = table_.At(ref);
  if (series == nullptr) return;
  MutexLock stripe(table_.StripeOf(ref));
  for (Piece** at = &series->pieces; *at != nullptr; at = &(*at)->next) {
    Piece* const piece = *at;
    if (piece->token != 0 || !starts.contains(piece->start_ms())) continue;
    if (piece->ViewAt(epoch).empty()) continue;
    if (!piece->frozen) {
      if (Piece* const rest = piece->Freeze(epoch)) {
        rest->next = piece;
        *at = rest;
        at = &rest->next;
        split->insert(piece->start_ms());
      }
    }
    piece->token = token;
    piece->Ref();
    out->entries.push_back({ref, piece});
  }
}

// Samples that moved to a fresh piece rest on definitions that may be as old as the sealed ones:
// those ranges keep their place in the log until the fresh pieces are sealed in turn.
void MemoryHead::KeepDefinitions(const std::set<TimestampMs>& split, uint64_t token) {
  MutexLock lock(ranges_mutex_);
  for (const TimestampMs start_ms : split) {
    const auto state = ranges_.find(start_ms);
    if (state == ranges_.end()) continue;
    state->second.pieces += 1;
    const auto oldest = state->second.oldest_sealed.find(token);
    if (oldest != state->second.oldest_sealed.end()) state->second.oldest_live = oldest->second;
  }
}

void MemoryHead::Drop(uint64_t token) {
  SealedPieces sealed;
  {
    MutexLock admit(admit_mutex_);
    const auto found = sealed_.find(token);
    if (found == sealed_.end()) return;
    sealed = std::move(found->second);
    sealed_.erase(found);
  }
  std::map<TimestampMs, RangeChange> changes;
  std::vector<SeriesRef> candidates;
  for (size_t i = 0; i < sealed.entries.size(); i += kWalkChunk) {
    FairReadLock index(index_mutex_);
    for (size_t k = i; k < std::min(i + kWalkChunk, sealed.entries.size()); ++k) {
      const auto& [ref, piece] = sealed.entries[k];
      RangeChange& change = changes[piece->start_ms()];
      change.start_ms = piece->start_ms();
      change.samples -= piece->sample_count();
      change.pieces -= 1;
      change.bytes -= static_cast<int64_t>(piece->memory_bytes());
      Series* const series = table_.At(ref);
      CHECK(series != nullptr);
      MutexLock stripe(table_.StripeOf(ref));
      Piece** at = &series->pieces;
      while (*at != piece) at = &(*at)->next;
      *at = piece->next;
      if (series->pieces == nullptr) candidates.push_back(ref);
      piece->Unref();  // the list's
      piece->Unref();  // the token's
    }
  }
  {
    MutexLock lock(ranges_mutex_);
    for (auto& [start_ms, state] : ranges_) state.oldest_sealed.erase(token);
  }
  std::vector<RangeChange> list;
  for (const auto& [start_ms, change] : changes) list.push_back(change);
  CountRanges(list, Lsn());
  MutexLock admit(admit_mutex_);
  // Records that are still to be replayed name series without defining them again: EndReplay
  // buries those that stay empty.
  if (replaying_) return;
  Bury(std::move(candidates));
  CollectDead();
}

void MemoryHead::Unseal(uint64_t token) {
  MutexLock admit(admit_mutex_);
  const auto found = sealed_.find(token);
  if (found == sealed_.end()) return;
  {
    FairReadLock index(index_mutex_);
    for (const auto& [ref, piece] : found->second.entries) {
      MutexLock stripe(table_.StripeOf(ref));
      piece->token = 0;
      piece->Unref();
    }
  }
  sealed_.erase(found);
  MutexLock lock(ranges_mutex_);
  for (auto& [start_ms, state] : ranges_) {
    const auto oldest = state.oldest_sealed.find(token);
    if (oldest == state.oldest_sealed.end()) continue;
    state.oldest_live = std::min(state.oldest_live, oldest->second);
    state.oldest_sealed.erase(oldest);
  }
}

std::shared_ptr<const int> MemoryHead::ReaderMark() const {
  MutexLock lock(readers_mutex_);
  return reader_mark_;
}

void MemoryHead::Bury(std::vector<SeriesRef> candidates) {
  if (candidates.empty()) return;
  Grave grave;
  grave.round = ++death_round_;
  for (const SeriesRef ref : candidates) {
    if (Series* const series = table_.At(ref)) series->death_round = grave.round;
  }
  grave.candidates = std::move(candidates);
  auto next_mark = std::make_shared<const int>(0);
  {
    MutexLock lock(readers_mutex_);
    grave.readers = reader_mark_;
    reader_mark_.swap(next_mark);
  }
  graves_.push_back(std::move(grave));
}

void MemoryHead::CollectDead() {
  std::vector<SeriesRef> emptied;
  {
    MutexLock settle(settle_mutex_);
    emptied.swap(emptied_);
  }
  if (!emptied.empty()) {
    std::vector<SeriesRef> published;
    for (const SeriesRef ref : emptied) {
      Series* const series = table_.At(ref);
      if (series == nullptr) continue;
      MutexLock stripe(table_.StripeOf(ref));
      if (series->published && series->pieces == nullptr) published.push_back(ref);
    }
    Bury(std::move(published));
    RemoveSeries(std::move(emptied), 0);
  }
  // First come first served: a grave opens when its readers and all earlier ones are gone.
  while (!graves_.empty() && graves_.front().readers.expired()) {
    RemoveSeries(std::move(graves_.front().candidates), graves_.front().round);
    graves_.pop_front();
  }
}

// Round 0: series that came with no settled request, so that no reader can have listed them.
void MemoryHead::RemoveSeries(std::vector<SeriesRef> candidates, uint64_t round) {
  std::sort(candidates.begin(), candidates.end());
  candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
  std::erase_if(candidates, [&](SeriesRef ref) {
    const Series* const series = table_.At(ref);
    if (series == nullptr) return true;
    MutexLock stripe(table_.StripeOf(ref));
    if (series->pieces != nullptr) return true;
    return round == 0 ? series->published : series->death_round != round;
  });
  if (candidates.empty()) return;
  FairWriteLock index(index_mutex_);
  table_.Remove(candidates);
  for (const SeriesRef ref : candidates) unpublished_.erase(ref.number);
  counters_.removed->Add(static_cast<double>(candidates.size()));
}

Lsn MemoryHead::OldestSamples() const {
  Lsn oldest;
  {
    MutexLock settle(settle_mutex_);
    oldest = Lsn(last_lsn_.number + 1);
  }
  MutexLock lock(ranges_mutex_);
  for (const auto& [start_ms, state] : ranges_) {
    if (state.oldest_live.number != 0) oldest = std::min(oldest, state.oldest_live);
    for (const auto& [token, lsn] : state.oldest_sealed) oldest = std::min(oldest, lsn);
  }
  return oldest;
}

void MemoryHead::MetadataStored(std::span<const BatchMetadata> entries) {
  FairWriteLock index(index_mutex_);
  for (const BatchMetadata& entry : entries) {
    const auto known = metadata_.find(entry.family);
    if (known != metadata_.end() && known->second == entry) logged_families_.erase(entry.family);
  }
}

Result<Lsn> MemoryHead::OldestNeeded(const RecordSink& sink) {
  MutexLock admit(admit_mutex_);
  EndReplay();
  CollectDead();
  const Lsn oldest = OldestSamples();
  Lsn metadata;
  {
    FairWriteLock index(index_mutex_);
    if (logged_families_.empty()) metadata_lsn_ = Lsn();
    metadata = metadata_lsn_;
  }
  if (metadata.number == 0 || metadata >= oldest) return oldest;
  // The newest record: logging it again would let nothing else go.
  if (metadata.number + 1 == oldest.number) return metadata;
  RETURN_IF_ERROR(RelogMetadata(sink));
  return metadata;
}

// Until the new record is settled, the old ones are still needed.
Status MemoryHead::RelogMetadata(const RecordSink& sink) {
  {
    MutexLock settle(settle_mutex_);
    if (std::any_of(requests_.begin(), requests_.end(),
                    [](const Request& request) { return !request.metadata.empty(); })) {
      return Status::Ok();
    }
  }
  Request request;
  request.ticket = next_ticket_++;
  request.all_metadata = true;
  writer_.Clear();
  {
    FairReadLock index(index_mutex_);
    for (const std::string& family : logged_families_) {
      const BatchMetadata& entry = metadata_.find(family)->second;
      writer_.AddMetadata(entry);
      request.metadata.push_back(entry);
    }
  }
  Admission admission;
  return Enqueue(std::move(request), sink, &admission);
}

}  // namespace thermocline
