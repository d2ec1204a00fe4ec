#include "blocks/wal_head.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "blocks/sample_columns.h"
#include "codec/chunk.h"

namespace thermocline {
namespace {

constexpr size_t kSamplesPerChunk = 120;

SampleKind KindOf(ChunkEncoding encoding) {
  switch (encoding) {
    case ChunkEncoding::kHistogram:
    case ChunkEncoding::kHistogramSt: return SampleKind::kHistogram;
    case ChunkEncoding::kFloatHistogram:
    case ChunkEncoding::kFloatHistogramSt: return SampleKind::kFloatHistogram;
    default: return SampleKind::kFloat;
  }
}

void AddRange(TimeRange range, std::vector<TimeRange>* ranges) {
  ranges->push_back(range);
  std::sort(ranges->begin(), ranges->end(), [](const TimeRange& a, const TimeRange& b) {
    return a.start_ms != b.start_ms ? a.start_ms < b.start_ms : a.end_ms < b.end_ms;
  });
  size_t kept = 0;
  for (const TimeRange& next : *ranges) {
    if (kept > 0 && next.start_ms <= (*ranges)[kept - 1].end_ms) {
      (*ranges)[kept - 1].end_ms = std::max((*ranges)[kept - 1].end_ms, next.end_ms);
    } else {
      (*ranges)[kept++] = next;
    }
  }
  ranges->resize(kept);
}

}  // namespace

void WalHeadBuilder::Take(const HeadChunk& chunk) {
  last_position_ = std::max(last_position_, chunk.position);
  if (!chunk.out_of_order && chunk.max_ms < min_valid_ms_) return;
  Pending& pending = pending_[chunk.series];
  auto& chunks = chunk.out_of_order ? pending.out_of_order : pending.in_order;
  const bool known = ChunkSampleCount(chunk.encoding, chunk.bytes).ok();
  const bool follows = chunk.out_of_order || chunks.empty() || chunks.back().max_ms < chunk.min_ms;
  if (!known || !follows) {
    ++counts_.bad_chunks;
    return;
  }
  chunks.push_back({chunk.encoding, chunk.min_ms, chunk.max_ms, pending.data.size(),
                    chunk.bytes.size(), chunk.position});
  pending.data.append(chunk.bytes);
}

WalHeadBuilder::State* WalHeadBuilder::Find(WalRef ref) {
  const auto found = by_ref_.find(ref);
  if (found != by_ref_.end() && !states_[found->second].dead) return &states_[found->second];
  ++counts_.unknown_series;
  return nullptr;
}

uint32_t WalHeadBuilder::FindOrAddState(const Labels& labels) {
  const uint64_t hash = labels.Hash();
  const auto [first, last] = by_hash_.equal_range(hash);
  for (auto at = first; at != last; ++at) {
    if (index_->SameLabels(states_[at->second].series.pairs, labels)) return at->second;
  }
  const auto number = static_cast<uint32_t>(states_.size());
  WalHead::Series& series = states_.emplace_back().series;
  series.id = SeriesId(hash);
  index_->Add(SeriesRef(number), labels, &series.pairs);
  by_hash_.emplace(hash, number);
  return number;
}

void WalHeadBuilder::AddSeries(const WalSeries& entry) {
  const uint32_t number = FindOrAddState(entry.labels);
  by_ref_[entry.ref] = number;
  Reset(&states_[number], entry.ref);
}

void WalHeadBuilder::Reset(State* state, WalRef ref) {
  WalHead::Series& series = state->series;
  if (const auto found = pending_.find(ref); found != pending_.end()) {
    series.data = std::move(found->second.data);
    series.in_order = std::move(found->second.in_order);
    series.out_of_order = std::move(found->second.out_of_order);
    state->loaded_in = series.in_order.size();
    state->loaded_out = series.out_of_order.size();
    pending_.erase(found);
  } else if (state->loaded_ref == ref) {
    series.in_order.resize(state->loaded_in);
    series.out_of_order.resize(state->loaded_out);
  } else {
    series.data.clear();
    series.in_order.clear();
    series.out_of_order.clear();
    state->loaded_in = state->loaded_out = 0;
  }
  state->loaded_ref = ref;
  state->in.reset();
  state->out.reset();
  state->last_ms = series.in_order.empty() ? kMinTimestampMs : series.in_order.back().max_ms;
  if (!series.in_order.empty()) state->last_kind = KindOf(series.in_order.back().encoding);
}

void WalHeadBuilder::Push(std::unique_ptr<Open>* open, TimestampMs t, TimestampMs start,
                          double value, Histogram* h) {
  if (*open == nullptr) *open = std::make_unique<Open>();
  SeriesBatch& to = (*open)->samples;
  const size_t before = to.timestamps_ms.size();
  to.timestamps_ms.push_back(t);
  to.values.push_back(h == nullptr ? value : h->sum);
  if (start != 0 || !to.start_timestamps_ms.empty()) {
    to.start_timestamps_ms.resize(before);
    to.start_timestamps_ms.push_back(start);
  }
  if (h != nullptr || !to.histogram_index.empty()) {
    to.histogram_index.resize(before, SeriesBatch::kNoHistogram);
    to.histogram_index.push_back(h == nullptr ? SeriesBatch::kNoHistogram
                                              : static_cast<uint32_t>(to.histograms.size()));
  }
  if (h != nullptr) to.histograms.push_back(std::move(*h));
}

void WalHeadBuilder::Seal(State* state, Open* open, std::vector<WalHead::Chunk>* chunks) {
  const SeriesBatch& samples = open->samples;
  std::optional<CounterResetHint> header;
  for (size_t begin = 0; begin < open->count();) {
    std::optional<CounterResetHint> next;
    const size_t end = FirstChunkEnd(samples, begin, open->count(), kSamplesPerChunk, &next);
    const ChunkEncoding encoding = ChunkEncodingFor(samples, begin, end);
    const size_t offset = state->series.data.size();
    const Status encoded = EncodeChunk(encoding, samples, begin, end, &state->series.data, header);
    if (!encoded.ok() && status_.ok()) status_ = encoded.WithContext("replayed samples");
    chunks->push_back({encoding, samples.timestamps_ms[begin], samples.timestamps_ms[end - 1],
                       offset, state->series.data.size() - offset, 0});
    header = next;
    begin = end;
  }
  open->samples = SeriesBatch();
}

bool WalHeadBuilder::Accepts(State* state, TimestampMs t) {
  if (t <= state->last_ms) {
    ++counts_.overlapping;
    return false;
  }
  state->last_ms = t;
  return true;
}

void WalHeadBuilder::AddFloat(State* state, TimestampMs t, TimestampMs start, double value) {
  if (IsStale(value) && state->last_kind != SampleKind::kFloat) {
    // The end of a histogram series is logged as a float.
    Histogram h;
    h.kind = state->last_kind;
    h.sum = value;
    return AddHistogram(state, t, start, &h);
  }
  if (!Accepts(state, t)) return;
  state->last_kind = SampleKind::kFloat;
  Push(&state->in, t, start, value, nullptr);
  if (state->in->count() >= kSamplesPerChunk) {
    Seal(state, state->in.get(), &state->series.in_order);
  }
}

void WalHeadBuilder::AddHistogram(State* state, TimestampMs t, TimestampMs start, Histogram* h) {
  if (!Accepts(state, t)) return;
  state->last_kind = h->kind;
  Push(&state->in, t, start, 0, h);
  if (state->in->count() >= kSamplesPerChunk) {
    Seal(state, state->in.get(), &state->series.in_order);
  }
}

void WalHeadBuilder::AddTombstone(const WalTombstone& tombstone) {
  if (tombstone.range.end_ms < min_valid_ms_) return;
  State* const state = Find(tombstone.ref);
  if (state == nullptr) return;
  if (tombstone.range == TimeRange{kMinTimestampMs, kMaxTimestampMs}) {
    // The series as such was dropped; one with the same labels may come after.
    const uint32_t number = by_ref_[tombstone.ref];
    const auto [first, last] = by_hash_.equal_range(state->series.id.number);
    const auto entry =
        std::find_if(first, last, [&](const auto& one) { return one.second == number; });
    if (entry != last) by_hash_.erase(entry);
    // The index forgets all the dead at once, in the end.
    std::vector<PairId> pairs = std::move(state->series.pairs);
    *state = State();
    state->series.pairs = std::move(pairs);
    state->dead = true;
    return;
  }
  if (!tombstone.range.empty()) AddRange(tombstone.range, &state->series.deleted);
}

void WalHeadBuilder::Replay(WalRecord* record) {
  ++counts_.records;
  counts_.bad_histograms += record->skipped;
  for (const WalSeries& entry : record->series) AddSeries(entry);
  for (const WalSample& entry : record->samples) {
    if (entry.t_ms < min_valid_ms_) continue;
    if (State* const state = Find(entry.ref)) {
      AddFloat(state, entry.t_ms, entry.start_ms, entry.value);
    }
  }
  for (WalHistogram& entry : record->histograms) {
    if (entry.t_ms < min_valid_ms_) continue;
    if (State* const state = Find(entry.ref)) {
      AddHistogram(state, entry.t_ms, entry.start_ms, &entry.histogram);
    }
  }
  for (const WalTombstone& entry : record->tombstones) AddTombstone(entry);
  for (WalExemplar& entry : record->exemplars) {
    if (entry.t_ms < min_valid_ms_) continue;
    if (Find(entry.ref) == nullptr) continue;
    exemplars_.push_back({by_ref_[entry.ref], entry.t_ms, entry.value, std::move(entry.labels)});
  }
  for (WalMetadata& entry : record->metadata) {
    if (State* const state = Find(entry.ref)) {
      state->metadata = std::make_unique<WalMetadata>(std::move(entry));
    }
  }
}

void WalHeadBuilder::AddOutOfOrder(State* state, TimestampMs t, TimestampMs start, double value,
                                   Histogram* h) {
  if (state->out != nullptr) {
    // The first of several at one time stays.
    const auto& times = state->out->samples.timestamps_ms;
    if (std::find(times.begin(), times.end(), t) != times.end()) {
      ++counts_.overlapping;
      return;
    }
  }
  Push(&state->out, t, start, value, h);
  if (state->out->count() < kSamplesPerChunk) return;
  PutInOrder(0, &state->out->samples);
  Seal(state, state->out.get(), &state->series.out_of_order);
}

void WalHeadBuilder::ReplayOutOfOrder(WalRecord* record) {
  ++counts_.records;
  counts_.bad_histograms += record->skipped;
  for (const WalSample& entry : record->samples) {
    if (State* const state = Find(entry.ref)) {
      AddOutOfOrder(state, entry.t_ms, entry.start_ms, entry.value, nullptr);
    }
  }
  for (WalHistogram& entry : record->histograms) {
    if (State* const state = Find(entry.ref)) {
      AddOutOfOrder(state, entry.t_ms, entry.start_ms, 0, &entry.histogram);
    }
  }
  for (const WalChunkMarker& entry : record->markers) {
    if (entry.chunk > last_position_) continue;  // of a file that was not there
    if (State* const state = Find(entry.ref)) {
      state->out.reset();
      state->series.out_of_order.resize(state->loaded_out);
    }
  }
}

void WalHeadBuilder::FinishMetadata(WalHead* head) {
  std::map<std::string, BatchMetadata> by_family;
  for (const State& state : states_) {
    if (state.dead || state.metadata == nullptr) continue;
    std::string family;
    for (const PairId pair : state.series.pairs) {
      if (index_->NameOf(pair) == kMetricNameLabel) family = index_->ValueOf(pair);
    }
    BatchMetadata entry{family, state.metadata->type, state.metadata->help, state.metadata->unit};
    by_family.try_emplace(std::move(family), std::move(entry));
  }
  for (auto& [family, entry] : by_family) head->metadata_.push_back(std::move(entry));
}

// The living, ascending by labels: by the ranks of their pairs, which are far fewer than series.
std::vector<uint32_t> WalHeadBuilder::LabelOrder() const {
  std::vector<uint32_t> order;
  std::vector<PairId> pairs;
  std::vector<uint32_t> ranks;
  for (uint32_t i = 0; i < states_.size(); ++i) {
    if (states_[i].dead) continue;
    order.push_back(i);
    for (const PairId pair : states_[i].series.pairs) {
      if (pair.number >= ranks.size()) ranks.resize(size_t{pair.number} + 1, 0);
      if (std::exchange(ranks[pair.number], 1) == 0) pairs.push_back(pair);
    }
  }
  std::sort(pairs.begin(), pairs.end(), [&](PairId a, PairId b) {
    return std::pair(index_->NameOf(a), index_->ValueOf(a)) <
           std::pair(index_->NameOf(b), index_->ValueOf(b));
  });
  for (uint32_t rank = 0; rank < pairs.size(); ++rank) ranks[pairs[rank].number] = rank;
  const auto before = [&](PairId a, PairId b) { return ranks[a.number] < ranks[b.number]; };
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    const auto& left = states_[a].series.pairs;
    const auto& right = states_[b].series.pairs;
    return std::lexicographical_compare(left.begin(), left.end(), right.begin(), right.end(),
                                        before);
  });
  return order;
}

void WalHeadBuilder::FinishSeries(WalHead* head) {
  std::vector<DeadSeries> dead;
  for (uint32_t i = 0; i < states_.size(); ++i) {
    if (states_[i].dead) dead.push_back({SeriesRef(i), states_[i].series.pairs});
  }
  if (!dead.empty()) index_->Remove(dead);
  const std::vector<uint32_t> order = LabelOrder();
  head->places_.resize(states_.size());
  head->series_.reserve(order.size());
  std::unordered_set<SeriesId> used;
  used.reserve(order.size());
  for (const uint32_t i : order) {
    head->places_[i] = static_cast<uint32_t>(head->series_.size());
    WalHead::Series& series = head->series_.emplace_back(std::move(states_[i].series));
    while (!used.insert(series.id).second) ++series.id.number;
    series.data.shrink_to_fit();
  }
  head->index_ = std::move(index_);
}

Result<std::shared_ptr<const WalHead>> WalHeadBuilder::Finish() {
  auto head = std::make_shared<WalHead>();
  FinishMetadata(head.get());
  for (State& state : states_) {
    if (state.dead) continue;
    if (state.in != nullptr) Seal(&state, state.in.get(), &state.series.in_order);
    if (state.out != nullptr) {
      PutInOrder(0, &state.out->samples);
      Seal(&state, state.out.get(), &state.series.out_of_order);
    }
    state.in.reset();
    state.out.reset();
  }
  RETURN_IF_ERROR(status_);
  FinishSeries(head.get());
  for (WalHead::Exemplar& exemplar : exemplars_) {
    if (states_[exemplar.series].dead) continue;
    exemplar.series = head->places_[exemplar.series];
    head->exemplars_.push_back(std::move(exemplar));
  }
  head->counts_ = counts_;
  head->skip_damaged_ = skip_damaged_;
  return std::shared_ptr<const WalHead>(std::move(head));
}

}  // namespace thermocline
