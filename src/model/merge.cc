// Several sources as one series set: a join of the listings by id, then a merge of columns by time.
#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "base/reuse_pool.h"
#include "model/queryable.h"

namespace thermocline {
namespace {

using Sources = std::vector<std::unique_ptr<SeriesSet>>;

constexpr size_t kCheckEvery = 4096;

// Where a part of a merged series lies.
struct Part {
  uint32_t source = 0;
  uint32_t index = 0;
};

// The merged listing: series i has the parts [first_part[i], first_part[i + 1]), in source order.
struct Listing {
  std::vector<SeriesId> ids;
  std::vector<uint32_t> first_part = {0};
  std::vector<Part> parts;

  void Add(SeriesId id, std::span<const Part> series_parts) {
    ids.push_back(id);
    parts.insert(parts.end(), series_parts.begin(), series_parts.end());
    first_part.push_back(static_cast<uint32_t>(parts.size()));
  }
  std::span<const Part> of(size_t series) const {
    return std::span(parts).subspan(first_part[series],
                                    first_part[series + 1] - first_part[series]);
  }
};

Status CheckBudget(const SelectRequest& request, size_t step) {
  if (request.budget == nullptr || step % kCheckEvery != 0) return Status::Ok();
  return request.budget->Check();
}

// Joins by id. A series whose id collided somewhere stands under one of the next ids (that is how
// ids are given), so equal labels are looked for in the run of neighbouring ids.
class HashJoin {
 public:
  explicit HashJoin(const Sources& sources) : sources_(sources) {}

  Result<Listing> Run(const SelectRequest& request) {
    size_t total = 0;
    for (const auto& source : sources_) total = std::max(total, source->series_count());
    by_id_.reserve(total);
    size_t step = 0;
    for (uint32_t s = 0; s < sources_.size(); ++s) {
      const size_t count = sources_[s]->series_count();
      for (uint32_t i = 0; i < count; ++i) {
        RETURN_IF_ERROR(CheckBudget(request, ++step));
        Place({s, i}, request.hints.limit);
      }
    }
    Listing listing;
    for (size_t i = 0; i < ids_.size(); ++i) {
      run_.clear();
      for (uint32_t link = heads_[i]; link != kEnd; link = links_[link].next) {
        run_.push_back(links_[link].part);
      }
      listing.Add(ids_[i], run_);
    }
    return listing;
  }

 private:
  static constexpr uint32_t kEnd = UINT32_MAX;
  struct Link {
    Part part;
    uint32_t next = kEnd;
  };

  void Place(Part part, uint64_t limit) {
    SeriesId id = sources_[part.source]->id(part.index);
    const auto link = static_cast<uint32_t>(links_.size());
    if (part.source > 0) {
      if (const uint32_t series = FindEqual(id, part); series != kEnd) {
        links_.push_back({part});
        links_[tails_[series]].next = link;
        tails_[series] = link;
        return;
      }
    }
    if (limit != 0 && ids_.size() >= limit) return;
    while (by_id_.contains(id)) ++id.number;
    by_id_.emplace(id, static_cast<uint32_t>(ids_.size()));
    ids_.push_back(id);
    links_.push_back({part});
    heads_.push_back(link);
    tails_.push_back(link);
  }

  uint32_t FindEqual(SeriesId id, Part part) const {
    Labels labels;
    bool have_labels = false;
    for (const uint64_t direction : {uint64_t{1}, ~uint64_t{0}}) {
      // Backwards starts one before: `id` itself belongs to the forward run.
      SeriesId probe(direction == 1 ? id.number : id.number - 1);
      for (auto it = by_id_.find(probe); it != by_id_.end(); it = by_id_.find(probe)) {
        if (!have_labels) labels = sources_[part.source]->labels(part.index);
        have_labels = true;
        const Part& other = links_[heads_[it->second]].part;
        if (sources_[other.source]->labels(other.index) == labels) return it->second;
        probe.number += direction;
      }
    }
    return kEnd;
  }

  const Sources& sources_;
  std::unordered_map<SeriesId, uint32_t> by_id_;
  std::vector<SeriesId> ids_;
  std::vector<uint32_t> heads_, tails_;  // first and last link of each series
  std::vector<Link> links_;
  std::vector<Part> run_;
};

// Merges listings that are each in label order.
class SortedJoin {
 public:
  explicit SortedJoin(const Sources& sources) : sources_(sources) {}

  Result<Listing> Run(const SelectRequest& request) {
    for (uint32_t s = 0; s < sources_.size(); ++s) {
      if (sources_[s]->series_count() > 0) heap_.push_back({{s, 0}, sources_[s]->labels(0)});
    }
    std::make_heap(heap_.begin(), heap_.end(), After);
    Listing listing;
    std::unordered_set<SeriesId> used;
    std::vector<Part> run;
    while (!heap_.empty()) {
      RETURN_IF_ERROR(CheckBudget(request, listing.ids.size() + 1));
      if (request.hints.limit != 0 && listing.ids.size() >= request.hints.limit) break;
      const Labels labels = heap_.front().labels;
      run.clear();
      while (!heap_.empty() && heap_.front().labels == labels) run.push_back(Advance());
      SeriesId id = sources_[run[0].source]->id(run[0].index);
      while (!used.insert(id).second) ++id.number;
      listing.Add(id, run);
    }
    return listing;
  }

 private:
  struct Cursor {
    Part part;
    Labels labels;
  };
  static bool After(const Cursor& a, const Cursor& b) {
    const auto order = a.labels <=> b.labels;
    return order != 0 ? order > 0 : a.part.source > b.part.source;
  }

  // Takes the smallest cursor's part and moves the cursor on.
  Part Advance() {
    std::pop_heap(heap_.begin(), heap_.end(), After);
    Cursor& cursor = heap_.back();
    const Part part = cursor.part;
    const SeriesSet& source = *sources_[part.source];
    if (++cursor.part.index < source.series_count()) {
      cursor.labels = source.labels(cursor.part.index);
      std::push_heap(heap_.begin(), heap_.end(), After);
    } else {
      heap_.pop_back();
    }
    return part;
  }

  const Sources& sources_;
  std::vector<Cursor> heap_;
};

// One series' columns within one source's batch.
struct Run {
  const SeriesBatch* batch = nullptr;
  uint32_t begin = 0;
  uint32_t end = 0;
  uint32_t index = 0;  // of the series in `batch`

  TimestampMs time() const { return batch->timestamps_ms[begin]; }
  TimestampMs last_time() const { return batch->timestamps_ms[end - 1]; }
};

// Which of the optional columns some batch has.
struct OptionalColumns {
  bool start_times = false;
  bool histograms = false;
};

void AppendHistograms(const Run& run, uint32_t end, SeriesBatch* out) {
  for (uint32_t i = run.begin; i < end; ++i) {
    const Histogram* histogram = run.batch->histogram(i);
    if (histogram == nullptr) {
      out->histogram_index.push_back(SeriesBatch::kNoHistogram);
    } else {
      out->histogram_index.push_back(static_cast<uint32_t>(out->histograms.size()));
      out->histograms.push_back(*histogram);
    }
  }
}

void AppendColumns(const Run& run, uint32_t end, const OptionalColumns& with, SeriesBatch* out) {
  const auto append = [&run, end](const auto& from, auto* to) {
    to->insert(to->end(), from.begin() + run.begin, from.begin() + end);
  };
  append(run.batch->timestamps_ms, &out->timestamps_ms);
  append(run.batch->values, &out->values);
  if (with.histograms) AppendHistograms(run, end, out);
  if (!with.start_times) return;
  if (run.batch->start_timestamps_ms.empty()) {
    out->start_timestamps_ms.resize(out->timestamps_ms.size(), 0);
  } else {
    append(run.batch->start_timestamps_ms, &out->start_timestamps_ms);
  }
}

// A source's hint speaks of the sample before it in that source (Prometheus' chainSampleIterator
// drops it likewise).
void ForgetReset(size_t sample, SeriesBatch* out) {
  if (out->histogram_index.empty()) return;
  const uint32_t index = out->histogram_index[sample];
  if (index == SeriesBatch::kNoHistogram) return;
  CounterResetHint& hint = out->histograms[index].reset_hint;
  if (hint != CounterResetHint::kGauge) hint = CounterResetHint::kUnknown;
}

// Merges by time; at equal times the later run wins. Works in stretches: as long as one run alone
// is ahead of all others, its samples go over in one piece (a cold part, then the head's part).
void MergeRuns(std::vector<Run>* runs, const OptionalColumns& with, SeriesBatch* out) {
  const bool several = runs->size() > 1;
  const SeriesBatch* last = nullptr;
  while (!runs->empty()) {
    size_t winner = 0;
    for (size_t i = 1; i < runs->size(); ++i) {
      if ((*runs)[i].time() <= (*runs)[winner].time()) winner = i;
    }
    Run& run = (*runs)[winner];
    const TimestampMs now = run.time();
    TimestampMs border = kMaxTimestampMs;  // the next time that another run has to say something
    for (size_t i = 0; i < runs->size(); ++i) {
      if (i == winner) continue;
      Run& other = (*runs)[i];
      if (other.time() == now) ++other.begin;  // overruled
      if (other.begin < other.end) border = std::min(border, other.time());
    }
    uint32_t end = run.begin + 1;
    if (run.last_time() < border) {
      end = run.end;
    } else {
      while (end < run.end && run.batch->timestamps_ms[end] < border) ++end;
    }
    const size_t first = out->timestamps_ms.size();
    AppendColumns(run, end, with, out);
    if (several && run.batch != last) ForgetReset(first, out);
    last = run.batch;
    run.begin = end;
    std::erase_if(*runs, [](const Run& r) { return r.begin == r.end; });
  }
}

class MergedSeriesSet : public SeriesSet {
 public:
  MergedSeriesSet(Sources sources, Listing listing, std::vector<std::string> warnings)
      : sources_(std::move(sources)),
        listing_(std::move(listing)),
        warnings_(std::move(warnings)) {}

  size_t series_count() const override { return listing_.ids.size(); }
  SeriesId id(size_t series) const override { return listing_.ids[series]; }
  Labels labels(size_t series) const override {
    const Part& part = listing_.of(series).front();
    return sources_[part.source]->labels(part.index);
  }
  const std::vector<std::string>& warnings() const override { return warnings_; }
  bool has_encoded() const override {
    return std::all_of(sources_.begin(), sources_.end(),
                       [](const auto& source) { return source->has_encoded(); });
  }
  Status ReadEncoded(std::span<const uint32_t> series, EncodedBatch* out) const override;

  Status Read(std::span<const uint32_t> series, SeriesBatch* out) const override {
    const ReusePool<Scratch>::Lease scratch(scratch_);
    scratch->Begin(sources_.size(), series.size());
    std::vector<Wanted>& wanted = scratch->wanted;
    bool one_part_each = true;
    for (uint32_t position = 0; position < series.size(); ++position) {
      const auto parts = listing_.of(series[position]);
      one_part_each = one_part_each && parts.size() == 1;
      for (const Part& part : parts) wanted[part.source].emplace_back(part.index, position);
    }
    std::vector<SeriesBatch>& batches = scratch->batches;
    std::vector<std::vector<Run>>& runs = scratch->runs;
    for (size_t s = 0; s < sources_.size(); ++s) {
      if (wanted[s].empty()) continue;
      const bool ascending = std::is_sorted(wanted[s].begin(), wanted[s].end());
      if (!ascending) std::sort(wanted[s].begin(), wanted[s].end());
      std::vector<uint32_t>& indexes = scratch->indexes;
      indexes.clear();
      for (const auto& [index, position] : wanted[s]) indexes.push_back(index);
      if (one_part_each && ascending && indexes.size() == series.size()) {
        return sources_[s]->Read(indexes, out);
      }
      RETURN_IF_ERROR(sources_[s]->Read(indexes, &batches[s]));
      const SeriesBatch& batch = batches[s];
      for (uint32_t i = 0; i < indexes.size(); ++i) {
        if (batch.offsets[i] == batch.offsets[i + 1]) continue;
        runs[wanted[s][i].second].push_back({&batch, batch.offsets[i], batch.offsets[i + 1], i});
      }
    }
    Assemble(batches, &runs, out);
    return Status::Ok();
  }

 private:
  using Wanted =
      std::vector<std::pair<uint32_t, uint32_t>>;  // index in the source, position in out
  // Of one read; its memory serves the next.
  struct Scratch {
    std::vector<Wanted> wanted;        // by source
    std::vector<SeriesBatch> batches;  // by source
    // For each position, the runs that make it up, in source order.
    std::vector<std::vector<Run>> runs;
    std::vector<uint32_t> indexes;

    void Begin(size_t sources, size_t series) {
      wanted.resize(sources);
      for (Wanted& one : wanted) one.clear();
      batches.resize(sources);
      for (SeriesBatch& one : batches) one.Clear();
      runs.resize(series);
      for (std::vector<Run>& one : runs) one.clear();
    }
  };

  static void Assemble(const std::vector<SeriesBatch>& batches, std::vector<std::vector<Run>>* runs,
                       SeriesBatch* out) {
    const auto any = [&batches](auto member) {
      return std::any_of(batches.begin(), batches.end(),
                         [member](const SeriesBatch& b) { return !(b.*member).empty(); });
    };
    const OptionalColumns with{.start_times = any(&SeriesBatch::start_timestamps_ms),
                               .histograms = any(&SeriesBatch::histograms)};
    out->Clear();
    for (std::vector<Run>& parts : *runs) {
      MergeRuns(&parts, with, out);
      out->offsets.push_back(static_cast<uint32_t>(out->timestamps_ms.size()));
    }
  }

  Sources sources_;
  Listing listing_;
  std::vector<std::string> warnings_;
  mutable ReusePool<Scratch> scratch_;
};

// Ranks keep the order of the sources, so that the later one wins as in Read.
Status MergedSeriesSet::ReadEncoded(std::span<const uint32_t> series, EncodedBatch* out) const {
  out->Clear();
  std::vector<Wanted> wanted(sources_.size());
  for (uint32_t position = 0; position < series.size(); ++position) {
    for (const Part& part : listing_.of(series[position])) {
      wanted[part.source].emplace_back(part.index, position);
    }
  }
  std::vector<std::vector<EncodedChunk>> chunks(series.size());
  uint32_t first_rank = 0;
  for (size_t s = 0; s < sources_.size(); ++s) {
    if (wanted[s].empty()) continue;
    std::sort(wanted[s].begin(), wanted[s].end());
    std::vector<uint32_t> indexes;
    indexes.reserve(wanted[s].size());
    for (const auto& [index, position] : wanted[s]) indexes.push_back(index);
    EncodedBatch batch;
    RETURN_IF_ERROR(sources_[s]->ReadEncoded(indexes, &batch));
    uint32_t highest = 0;
    for (EncodedChunk& chunk : batch.chunks) {
      chunk.rank += first_rank;
      highest = std::max(highest, chunk.rank);
    }
    first_rank = highest + 1;
    for (size_t i = 0; i < indexes.size(); ++i) {
      const auto of_series = batch.of(i);
      std::vector<EncodedChunk>& all = chunks[wanted[s][i].second];
      all.insert(all.end(), of_series.begin(), of_series.end());
    }
    out->owners.insert(out->owners.end(), batch.owners.begin(), batch.owners.end());
  }
  for (std::vector<EncodedChunk>& of_series : chunks) {
    std::stable_sort(
        of_series.begin(), of_series.end(),
        [](const EncodedChunk& a, const EncodedChunk& b) { return a.min_ms < b.min_ms; });
    out->chunks.insert(out->chunks.end(), of_series.begin(), of_series.end());
    out->offsets.push_back(static_cast<uint32_t>(out->chunks.size()));
  }
  return Status::Ok();
}

}  // namespace

Result<std::unique_ptr<SeriesSet>> MergeSeriesSets(std::vector<std::unique_ptr<SeriesSet>> sources,
                                                   const SelectRequest& request) {
  if (sources.size() == 1) return std::move(sources[0]);
  std::vector<std::string> warnings;
  for (const auto& source : sources) {
    for (const std::string& warning : source->warnings()) {
      if (std::find(warnings.begin(), warnings.end(), warning) == warnings.end()) {
        warnings.push_back(warning);
      }
    }
  }
  Listing listing;
  if (request.hints.sorted) {
    ASSIGN_OR_RETURN(listing, SortedJoin(sources).Run(request));
  } else {
    ASSIGN_OR_RETURN(listing, HashJoin(sources).Run(request));
  }
  return std::unique_ptr<SeriesSet>(std::make_unique<MergedSeriesSet>(
      std::move(sources), std::move(listing), std::move(warnings)));
}

}  // namespace thermocline
