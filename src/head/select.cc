// The read contract over the head: every call sees the settled requests up to one epoch.
#include <algorithm>
#include <functional>

#include "base/asking_sort.h"
#include "head/head_series_set.h"
#include "head/memory_head.h"

namespace thermocline {
namespace {

// How many series are listed before writers of the index get a turn and the budget is checked.
constexpr size_t kListChunk = 1024;
constexpr size_t kPrefetchAhead = 12;

Status Ask(const QueryBudget* budget) { return budget == nullptr ? Status::Ok() : budget->Check(); }

}  // namespace

Result<std::unique_ptr<SeriesSet>> MemoryHead::Select(const SelectRequest& request) const {
  auto set = std::make_unique<HeadSeriesSet>(*this, request);
  if (!request.tenant.is_default() || request.range.empty()) {
    return std::unique_ptr<SeriesSet>(std::move(set));
  }
  const ListingEpoch epoch(*this);
  std::vector<SeriesRef> refs;
  {
    FairReadLock index(index_mutex_);
    ASSIGN_OR_RETURN(refs, table_.postings().Match(request.matchers, request.budget));
  }
  const bool cut = request.hints.limit > 0 && !request.hints.sorted;
  for (size_t i = 0; i < refs.size(); i += kListChunk) {
    if (request.budget != nullptr) RETURN_IF_ERROR(request.budget->Check());
    FairReadLock index(index_mutex_);
    for (size_t k = i; k < std::min(i + kListChunk, refs.size()); ++k) {
      if (cut && set->series_count() >= request.hints.limit) break;
      if (k + kPrefetchAhead < refs.size()) table_.Prefetch(refs[k + kPrefetchAhead]);
      set->List(refs[k], epoch.ticket());
    }
  }
  if (request.hints.sorted) {
    FairReadLock index(index_mutex_);
    RETURN_IF_ERROR(set->Sort());
  }
  return std::unique_ptr<SeriesSet>(std::move(set));
}

// The published series that a matcher set accepts and that hold settled samples of the range; or
// `*all` when that is every series of the index.
Result<std::vector<SeriesRef>> MemoryHead::MatchAny(const LabelRequest& request, Ticket epoch,
                                                    bool* all) const {
  std::vector<SeriesRef> refs;
  *all = false;
  TimeRange held;
  {
    MutexLock lock(ranges_mutex_);
    for (const auto& [start_ms, state] : ranges_) {
      held.Extend(start_ms);
      held.Extend(start_ms + options_.range_ms - 1);
    }
  }
  if (!request.tenant.is_default() || !held.Overlaps(request.range)) return refs;
  const bool covered =
      request.range.start_ms <= held.start_ms && held.end_ms <= request.range.end_ms;
  if (request.matcher_sets.empty()) {
    *all = covered && unpublished_.empty();
    if (*all) return refs;
    const auto every = table_.postings().All();
    refs.assign(every.begin(), every.end());
  }
  for (const auto& matchers : request.matcher_sets) {
    ASSIGN_OR_RETURN(const auto matched, table_.postings().Match(matchers, request.budget));
    refs.insert(refs.end(), matched.begin(), matched.end());
  }
  if (request.matcher_sets.size() > 1) {
    RETURN_IF_ERROR(SortAsking(&refs, std::less<>(), [&] { return Ask(request.budget); }));
    refs.erase(std::unique(refs.begin(), refs.end()), refs.end());
  }
  size_t kept = 0;
  for (size_t i = 0; i < refs.size(); ++i) {
    if (i % kListChunk == 0) RETURN_IF_ERROR(Ask(request.budget));
    if (HoldsSamples(refs[i], request.range, epoch)) refs[kept++] = refs[i];
  }
  refs.resize(kept);
  return refs;
}

// Whether the series has settled samples in pieces that meet the range.
bool MemoryHead::HoldsSamples(SeriesRef ref, TimeRange range, Ticket epoch) const {
  MutexLock stripe(table_.StripeOf(ref));
  for (const Piece* piece = table_.At(ref)->pieces; piece != nullptr; piece = piece->next) {
    const TimeRange own{piece->start_ms(), piece->start_ms() + options_.range_ms - 1};
    if (own.Overlaps(range) && !piece->ViewAt(epoch).empty()) return true;
  }
  return false;
}

Result<std::vector<std::string>> MemoryHead::LabelNames(const LabelRequest& request) const {
  const ListingEpoch epoch(*this);
  FairReadLock index(index_mutex_);
  bool all;
  ASSIGN_OR_RETURN(const std::vector<SeriesRef> refs, MatchAny(request, epoch.ticket(), &all));
  std::vector<std::string> names;
  if (all) {
    names = table_.postings().LabelNames();
  } else {
    ASSIGN_OR_RETURN(names, table_.postings().LabelNames(refs, request.budget));
  }
  if (request.limit > 0 && names.size() > request.limit) names.resize(request.limit);
  return names;
}

Result<std::vector<std::string>> MemoryHead::LabelValues(std::string_view name,
                                                         const LabelRequest& request) const {
  const ListingEpoch epoch(*this);
  FairReadLock index(index_mutex_);
  bool all;
  ASSIGN_OR_RETURN(const std::vector<SeriesRef> refs, MatchAny(request, epoch.ticket(), &all));
  const Postings& postings = table_.postings();
  ASSIGN_OR_RETURN(auto values, all ? postings.LabelValues(name, request.budget)
                                    : postings.LabelValues(name, refs, request.budget));
  if (request.limit > 0 && values.size() > request.limit) values.resize(request.limit);
  return values;
}

Result<std::vector<BatchMetadata>> MemoryHead::Metadata(const MetadataRequest& request) const {
  std::vector<BatchMetadata> out;
  if (!request.tenant.is_default()) return out;
  FairReadLock index(index_mutex_);
  if (!request.family.empty()) {
    const auto found = metadata_.find(request.family);
    if (found != metadata_.end()) out.push_back(found->second);
    return out;
  }
  for (const auto& [family, entry] : metadata_) {
    if (request.limit > 0 && out.size() >= request.limit) break;
    out.push_back(entry);
  }
  return out;
}

// True when the series has a sample in (at - lookback, at] and the newest of them is no stale
// marker. The index lock and the stripe are held.
bool MemoryHead::LiveAt(const Series& series, Ticket epoch, TimeRange window) const {
  const Piece* const newest = series.pieces;
  if (newest == nullptr) return false;
  // The series' newest sample decides alone when it is settled, in the newest piece, not after the
  // window, and no out-of-order sample could lie behind it.
  if (series.has_newest && series.newest_ms <= window.end_ms && !newest->has_out_of_order() &&
      !newest->HasPendingAfter(epoch) && RangeStart(series.newest_ms) == newest->start_ms()) {
    return series.newest_ms >= window.start_ms && !IsStale(series.newest_value);
  }
  std::vector<HeldPiece> held;
  for (Piece* piece = series.pieces; piece != nullptr; piece = piece->next) {
    const TimeRange own{piece->start_ms(), piece->start_ms() + options_.range_ms - 1};
    if (own.Overlaps(window)) held.push_back({piece, piece->ViewAt(epoch)});
  }
  SeriesBatch batch;
  AppendHeldSamples(held, window, &batch);
  return !batch.values.empty() && !IsStale(batch.values.back());
}

Result<std::optional<uint64_t>> MemoryHead::TryCount(const SelectRequest& request,
                                                     TimestampMs at_ms, int64_t lookback_ms) const {
  if (!request.tenant.is_default()) return std::optional<uint64_t>(0);
  TimestampMs start_ms;
  if (__builtin_sub_overflow(at_ms, lookback_ms - 1, &start_ms)) start_ms = kMinTimestampMs;
  const ListingEpoch epoch(*this);
  std::vector<SeriesRef> refs;
  {
    FairReadLock index(index_mutex_);
    ASSIGN_OR_RETURN(refs, table_.postings().Match(request.matchers, request.budget));
  }
  uint64_t count = 0;
  for (size_t i = 0; i < refs.size(); i += kListChunk) {
    if (request.budget != nullptr) RETURN_IF_ERROR(request.budget->Check());
    FairReadLock index(index_mutex_);
    for (size_t k = i; k < std::min(i + kListChunk, refs.size()); ++k) {
      if (k + kPrefetchAhead < refs.size()) table_.Prefetch(refs[k + kPrefetchAhead]);
      const Series* const series = table_.At(refs[k]);
      if (series == nullptr) continue;
      MutexLock stripe(table_.StripeOf(refs[k]));
      count += LiveAt(*series, epoch.ticket(), {start_ms, at_ms});
    }
  }
  if (request.counters != nullptr) {
    request.counters->head_series.fetch_add(refs.size(), std::memory_order_relaxed);
  }
  return std::optional<uint64_t>(count);
}

}  // namespace thermocline
