// What a Prometheus head holds after its logs were replayed: series, chunks, deletions.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/ids.h"
#include "blocks/block_damage.h"
#include "blocks/head_chunks.h"
#include "blocks/wal_records.h"
#include "index/postings.h"
#include "model/queryable.h"

namespace thermocline {

// Memory: the encoded chunks, each distinct label pair once, some hundred bytes a series. Immutable
// once built; threads: safe. Select keeps it alive by the shared_ptr it was called through.
class WalHead {
 public:
  struct Chunk {
    ChunkEncoding encoding = ChunkEncoding::kNone;
    TimestampMs min_ms = 0;
    TimestampMs max_ms = 0;
    size_t offset = 0;  // into the series' data
    size_t size = 0;
    uint64_t position = 0;  // as in HeadChunk; 0 for what was encoded from the logs
  };
  struct Series {
    std::vector<PairId> pairs;  // the label set (see Postings)
    SeriesId id;
    std::string data;
    std::vector<Chunk> in_order;      // ascending, disjoint
    std::vector<Chunk> out_of_order;  // in any order
    std::vector<TimeRange> deleted;   // ascending, disjoint

    std::string_view bytes(const Chunk& chunk) const {
      return std::string_view(data).substr(chunk.offset, chunk.size);
    }
  };
  struct Exemplar {
    uint32_t series = 0;
    TimestampMs t_ms = 0;
    double value = 0;
    Labels labels;
  };
  // What did not fit together; none of it is an error to Prometheus.
  struct Counts {
    uint64_t records = 0;
    uint64_t unknown_series = 0;  // entries for a series that no record describes
    uint64_t bad_histograms = 0;  // left out: unknown schema, or buckets unlike their spans
    uint64_t bad_chunks = 0;      // left out: unknown encoding, or out of sequence
    uint64_t overlapping = 0;     // samples that were in a chunk already, or not in order
  };

  const std::vector<Series>& series() const { return series_; }  // in label order
  Labels labels(size_t series) const { return index_->LabelsOf(series_[series].pairs); }
  const std::vector<Exemplar>& exemplars() const { return exemplars_; }
  const std::vector<BatchMetadata>& metadata() const { return metadata_; }  // by family
  const Counts& counts() const { return counts_; }
  const BlockDamage& damage() const { return damage_; }

  static Result<std::unique_ptr<SeriesSet>> Select(std::shared_ptr<const WalHead> head,
                                                   const SelectRequest& request);
  // Those that every matcher accepts, as places in series(); ascending.
  std::vector<uint32_t> Match(const std::vector<Matcher>& matchers) const;
  // Calls `visit` with each distinct label pair of the series that have a sample's chunk in range
  // and that a matcher set accepts; in no order.
  Status VisitPairs(const LabelRequest& request,
                    const std::function<void(const LabelPair&)>& visit) const;
  // OK when the fault of the chunk was counted instead (BlockOptions::skip_damaged).
  Status Fault(size_t series, const Chunk& chunk, const Status& status) const;

 private:
  friend class WalHeadBuilder;
  std::vector<Series> series_;
  std::unique_ptr<const Postings> index_;  // of series by the number of their coming
  std::vector<uint32_t> places_;           // in series_, by that number
  bool skip_damaged_ = false;
  mutable BlockDamage damage_;
  std::vector<Exemplar> exemplars_;
  std::vector<BatchMetadata> metadata_;
  Counts counts_;
};

// Follows Prometheus' replay: first the head chunks, then checkpoint and log, then the
// out-of-order log.
class WalHeadBuilder {
 public:
  // In-order samples before `min_valid_ms` are in blocks. With `skip_damaged`, chunks that turn out
  // not to decode are left out of answers and counted.
  explicit WalHeadBuilder(TimestampMs min_valid_ms, bool skip_damaged = false)
      : min_valid_ms_(min_valid_ms), skip_damaged_(skip_damaged) {}

  void Take(const HeadChunk& chunk);
  void Replay(WalRecord* record);
  void ReplayOutOfOrder(WalRecord* record);
  Result<std::shared_ptr<const WalHead>> Finish();

 private:
  struct Pending {
    std::string data;
    std::vector<WalHead::Chunk> in_order;
    std::vector<WalHead::Chunk> out_of_order;
  };
  // Samples that are not yet a chunk.
  struct Open {
    SeriesBatch samples;
    size_t count() const { return samples.timestamps_ms.size(); }
  };
  struct State {
    WalHead::Series series;
    WalRef loaded_ref = 0;  // whose head chunks it has
    size_t loaded_in = 0;   // how many of its chunks those are
    size_t loaded_out = 0;
    TimestampMs last_ms = kMinTimestampMs;
    SampleKind last_kind = SampleKind::kFloat;
    bool dead = false;
    std::unique_ptr<Open> in;
    std::unique_ptr<Open> out;
    std::unique_ptr<WalMetadata> metadata;
  };

  void AddSeries(const WalSeries& entry);
  uint32_t FindOrAddState(const Labels& labels);
  // Gives the series the head chunks of `ref` and forgets what was replayed for it.
  void Reset(State* state, WalRef ref);
  State* Find(WalRef ref);
  void AddFloat(State* state, TimestampMs t, TimestampMs start, double value);
  void AddHistogram(State* state, TimestampMs t, TimestampMs start, Histogram* h);
  bool Accepts(State* state, TimestampMs t);
  void AddOutOfOrder(State* state, TimestampMs t, TimestampMs start, double value, Histogram* h);
  void AddTombstone(const WalTombstone& tombstone);
  void Push(std::unique_ptr<Open>* open, TimestampMs t, TimestampMs start, double value,
            Histogram* h);
  // Turns the open samples into chunks.
  void Seal(State* state, Open* open, std::vector<WalHead::Chunk>* chunks);
  std::vector<uint32_t> LabelOrder() const;
  void FinishSeries(WalHead* head);
  void FinishMetadata(WalHead* head);

  const TimestampMs min_valid_ms_;
  const bool skip_damaged_;
  uint64_t last_position_ = 0;
  std::unordered_map<WalRef, Pending> pending_;
  std::vector<State> states_;
  std::unordered_map<WalRef, uint32_t> by_ref_;
  std::unique_ptr<Postings> index_ = std::make_unique<Postings>();  // numbers: places in states_
  std::unordered_multimap<uint64_t, uint32_t> by_hash_;             // of the label sets
  std::vector<WalHead::Exemplar> exemplars_;
  WalHead::Counts counts_;
  Status status_;
};

}  // namespace thermocline
