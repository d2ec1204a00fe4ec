// The Head: one series table, pieces by range, and the requests that are admitted and not settled.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/mutex.h"
#include "head/fair_shared_mutex.h"
#include "head/head.h"
#include "head/record.h"
#include "head/series_table.h"

namespace thermocline {

// Lock order: admit_mutex_, settle_mutex_, index_mutex_, a stripe of the table; ranges_mutex_ is a
// leaf. The sink is called under admit_mutex_ only (that makes decision order LSN order), so that
// the log's committer can settle meanwhile.
class MemoryHead final : public Head {
 public:
  MemoryHead(const HeadOptions& options, Env env);
  ~MemoryHead() override;

  // admit.cc
  Result<Admission> Admit(const WriteBatch& batch, const RecordSink& sink) override;
  // settle.cc
  void Settle(Lsn first, Lsn last, const Status& outcome) override;
  // replay.cc
  void SkipFlushed(std::vector<Flushed> flushed) override;
  Status Replay(Lsn lsn, uint8_t kind, std::string_view payload) override;
  // ranges.cc
  std::vector<HeadRange> Ranges() const override;
  // seal.cc
  Result<Sealed> Seal(const std::vector<TimeRange>& ranges) override;
  void Drop(uint64_t token) override;
  void Unseal(uint64_t token) override;
  void MetadataStored(std::span<const BatchMetadata> entries) override;
  Result<Lsn> OldestNeeded(const RecordSink& sink) override;
  // status.cc
  uint64_t memory_bytes() const override;
  uint64_t series_count() const override;
  HeadStatus GetStatus(uint64_t limit) const override;
  // select.cc
  Result<std::unique_ptr<SeriesSet>> Select(const SelectRequest& request) const override;
  Result<std::vector<std::string>> LabelNames(const LabelRequest& request) const override;
  Result<std::vector<std::string>> LabelValues(std::string_view name,
                                               const LabelRequest& request) const override;
  Result<std::vector<BatchMetadata>> Metadata(const MetadataRequest& request) const override;
  Result<std::optional<uint64_t>> TryCount(const SelectRequest& request, TimestampMs at_ms,
                                           int64_t lookback_ms) const override;

 private:
  friend class HeadSeriesSet;
  friend class SealedSeriesSet;
  friend class Replayer;

  // What one request added to one range.
  struct RangeChange {
    TimestampMs start_ms = 0;
    int64_t samples = 0;
    int64_t pieces = 0;
    int64_t bytes = 0;
    Lsn definition;  // in replay: the oldest definition that the samples rest on
  };
  // A request between its decision and the log's verdict.
  struct Request {
    struct Touched {
      SeriesRef ref;
      bool defines;  // its record defines the series for the piece
      TimestampMs start_ms;
    };
    Ticket ticket = 0;
    Lsn lsn;  // number 0 until the sink returned
    std::vector<Touched> touched;
    std::vector<SeriesRef> new_series;  // not published when it was admitted
    std::vector<BatchMetadata> metadata;
    std::vector<RangeChange> ranges;
    bool has_max = false;
    TimestampMs max_ms = 0;     // newest in-order time
    bool all_metadata = false;  // logged again so that older records can go
  };
  struct RangeState {
    int64_t samples = 0;
    int64_t pieces = 0;
    int64_t bytes = 0;
    Lsn oldest_live;                        // of samples that no Seal handed out; 0 = none
    std::map<uint64_t, Lsn> oldest_sealed;  // by token
  };
  struct SealedPieces {
    struct Entry {
      SeriesRef ref;
      Piece* piece;  // with a reference
    };
    std::vector<Entry> entries;  // ascending by ref
  };
  // The newest in-order time of settled and of admitted samples.
  struct Newest {
    bool known = false;
    TimestampMs time_ms = 0;
  };

  // State of one Admit; admit.cc.
  class Admitter;
  static Status CheckBatch(const WriteBatch& batch);
  void AddChangedMetadata(const WriteBatch& batch, Request* request) REQUIRES(admit_mutex_);
  Status Enqueue(Request request, const RecordSink& sink, Admission* admission)
      REQUIRES(admit_mutex_);

  // --- settling; settle.cc ---
  void Resolve() REQUIRES(settle_mutex_);
  void Publish(Request& request) REQUIRES(settle_mutex_);
  void MarkDefined(const Request& request);
  // Takes everything back that the request staged.
  void TakeBack(const Request& request) REQUIRES(settle_mutex_);
  Newest AdmittedNewest() const REQUIRES(settle_mutex_);

  // A reader's epoch while it lists: admissions keep telling requests after it apart.
  class ListingEpoch {
   public:
    explicit ListingEpoch(const MemoryHead& head) : head_(head) {
      MutexLock lock(head.epoch_mutex_);
      ticket_ = head.published_;
      head.listing_.insert(ticket_);
    }
    ~ListingEpoch() {
      MutexLock lock(head_.epoch_mutex_);
      head_.listing_.erase(head_.listing_.find(ticket_));
    }
    ListingEpoch(const ListingEpoch&) = delete;
    ListingEpoch& operator=(const ListingEpoch&) = delete;
    Ticket ticket() const { return ticket_; }

   private:
    const MemoryHead& head_;
    Ticket ticket_;
  };
  Ticket TrimHorizon() const;

  // --- ranges; ranges.cc ---
  void CountRanges(const std::vector<RangeChange>& changes, Lsn lsn);
  TimestampMs RangeStart(TimestampMs time_ms) const { return FloorTo(time_ms, options_.range_ms); }

  // --- sealing and dead series; seal.cc ---
  Result<std::set<TimestampMs>> SealRanges(const std::vector<TimeRange>& asked, uint64_t token,
                                           Lsn through);
  void FreezePieces(SeriesRef ref, const std::set<TimestampMs>& starts, Ticket epoch,
                    uint64_t token, SealedPieces* out, std::set<TimestampMs>* split)
      REQUIRES_SHARED(index_mutex_);
  void KeepDefinitions(const std::set<TimestampMs>& split, uint64_t token);
  // Removes the series that hold nothing and that no reader can name.
  void CollectDead() REQUIRES(admit_mutex_);
  void RemoveSeries(std::vector<SeriesRef> candidates, uint64_t round) REQUIRES(admit_mutex_);
  // Ends a round of readers: `candidates` go once all earlier readers are gone.
  void Bury(std::vector<SeriesRef> candidates) REQUIRES(admit_mutex_);
  std::shared_ptr<const int> ReaderMark() const;
  Lsn OldestSamples() const REQUIRES(admit_mutex_);
  Status RelogMetadata(const RecordSink& sink) REQUIRES(admit_mutex_);
  void EndReplay() REQUIRES(admit_mutex_);

  // --- reading; select.cc ---
  Result<std::vector<SeriesRef>> MatchAny(const LabelRequest& request, Ticket epoch,
                                          bool* all) const REQUIRES_SHARED(index_mutex_);
  bool HoldsSamples(SeriesRef ref, TimeRange range, Ticket epoch) const
      REQUIRES_SHARED(index_mutex_);
  bool LiveAt(const Series& series, Ticket epoch, TimeRange window) const
      REQUIRES_SHARED(index_mutex_);

  void RegisterMetrics(Metrics& metrics);

  const HeadOptions options_;
  Clock& clock_;
  Metrics& metrics_;

  // Decides, stages and logs; changes the set of series together with index_mutex_.
  mutable Mutex admit_mutex_;
  // The table's set of series, its postings, unpublished_ and metadata_. Readers name series under
  // it; Admit, the only writer, reads without it.
  mutable FairSharedMutex index_mutex_;
  SeriesTable table_;
  std::unordered_set<uint32_t> unpublished_ GUARDED_BY(index_mutex_);  // no verdict was OK yet
  std::map<std::string, BatchMetadata, std::less<>> metadata_ GUARDED_BY(index_mutex_);
  std::set<std::string, std::less<>> logged_families_ GUARDED_BY(index_mutex_);  // in no file
  Lsn metadata_lsn_ GUARDED_BY(index_mutex_);  // of the oldest record that they need, or 0

  Ticket next_ticket_ GUARDED_BY(admit_mutex_) = 1;
  RecordWriter writer_ GUARDED_BY(admit_mutex_);
  std::vector<SeriesRef> emptied_ GUARDED_BY(settle_mutex_);  // series by requests taken back
  bool replaying_ GUARDED_BY(admit_mutex_) = true;
  std::vector<Flushed> flushed_ GUARDED_BY(admit_mutex_);
  // Numbers in the log whose label set has another number by now.
  std::unordered_map<uint32_t, SeriesRef> replay_aliases_ GUARDED_BY(admit_mutex_);

  // Requests in flight and the verdicts that arrived before their LSN was known here.
  struct Verdict {
    Lsn first;
    Lsn last;
    Status outcome;
  };
  mutable Mutex settle_mutex_;
  std::deque<Request> requests_ GUARDED_BY(settle_mutex_);
  std::vector<Verdict> verdicts_ GUARDED_BY(settle_mutex_);
  Newest settled_newest_ GUARDED_BY(settle_mutex_);
  Lsn published_lsn_ GUARDED_BY(settle_mutex_);
  Lsn last_lsn_ GUARDED_BY(settle_mutex_);

  // Every request up to this ticket is settled.
  mutable Mutex epoch_mutex_;  // a leaf
  Ticket published_ GUARDED_BY(epoch_mutex_) = 0;
  mutable std::multiset<Ticket> listing_ GUARDED_BY(epoch_mutex_);

  mutable Mutex ranges_mutex_;
  std::map<TimestampMs, RangeState> ranges_ GUARDED_BY(ranges_mutex_);

  std::map<uint64_t, SealedPieces> sealed_ GUARDED_BY(admit_mutex_);
  uint64_t next_token_ GUARDED_BY(admit_mutex_) = 1;

  // Series sets hold the mark of the round they were made in.
  struct Grave {
    std::weak_ptr<const int> readers;
    uint32_t round = 0;
    std::vector<SeriesRef> candidates;
  };
  mutable Mutex readers_mutex_;  // a leaf
  std::shared_ptr<const int> reader_mark_ GUARDED_BY(readers_mutex_);
  std::deque<Grave> graves_ GUARDED_BY(admit_mutex_);
  uint32_t death_round_ GUARDED_BY(admit_mutex_) = 0;

  struct {
    // By kind: floats, histograms.
    std::array<Counter*, 2> appended{};
    std::array<Counter*, 2> out_of_order_appended{};
    std::array<Counter*, 2> out_of_order{};
    std::array<Counter*, 2> too_old{};
    std::array<Counter*, 2> out_of_bounds{};
    Counter* duplicate = nullptr;
    Counter* too_far = nullptr;
    Counter* created = nullptr;
    Counter* removed = nullptr;
    Counter* rolled_back = nullptr;
    Counter* orphans = nullptr;
  } counters_;
};

}  // namespace thermocline
