// Replay: puts logged requests back, settled at once.
#include <algorithm>

#include "head/memory_head.h"

namespace thermocline {

class Replayer final : public RecordVisitor {
 public:
  Replayer(MemoryHead& head, Lsn lsn) : head_(head), lsn_(lsn) {}

  Status OnDefinition(SeriesRef ref, uint64_t id_offset,
                      LabelsView labels) override NO_THREAD_SAFETY_ANALYSIS;
  Status OnMetadata(BatchMetadata metadata) override NO_THREAD_SAFETY_ANALYSIS;
  Status OnSample(SeriesRef ref, Sample sample,
                  const SampleExtra& extra) override NO_THREAD_SAFETY_ANALYSIS;

  // The ranges that the cold tier holds as far as this record.
  std::vector<TimeRange> skipped;
  std::vector<MemoryHead::RangeChange> changes;
  uint64_t orphans = 0;
  MemoryHead::Newest newest;

 private:
  void Stage(Series& series, const Sample& sample, const SampleExtra& extra);
  bool Skipped(TimestampMs time_ms);

  MemoryHead& head_;
  const Lsn lsn_;
  size_t last_skipped_ = 0;
};

Status Replayer::OnDefinition(SeriesRef ref, uint64_t id_offset, LabelsView labels) {
  Series* series = head_.table_.At(ref);
  if (series == nullptr) {
    if (id_offset > UINT8_MAX) return Status::Corruption("replaying: series id out of range");
    const uint64_t hash = labels.Hash();
    if (!head_.table_.AddAs(ref, hash, static_cast<uint8_t>(id_offset), labels).ok()) {
      // The series left the head and came back under this number: samples under either are its.
      SeriesRef known;
      series = head_.table_.Find(hash, labels, &known);
      head_.table_.SkipTo(ref);
      head_.replay_aliases_[ref.number] = known;
    } else {
      series = head_.table_.At(ref);
    }
  } else if (!head_.table_.postings().SameLabels(series->pair_ids(), labels)) {
    return Status::Corruption("replaying: series number " + std::to_string(ref.number) +
                              " is defined with two label sets");
  }
  series->published = true;
  series->replayed_lsn = lsn_.number;
  return Status::Ok();
}

Status Replayer::OnMetadata(BatchMetadata metadata) {
  std::string family = metadata.family;
  head_.logged_families_.insert(family);
  head_.metadata_.insert_or_assign(std::move(family), std::move(metadata));
  if (head_.metadata_lsn_.number == 0) head_.metadata_lsn_ = lsn_;
  return Status::Ok();
}

bool Replayer::Skipped(TimestampMs time_ms) {
  if (last_skipped_ < skipped.size() && skipped[last_skipped_].Contains(time_ms)) return true;
  for (size_t i = 0; i < skipped.size(); ++i) {
    if (!skipped[i].Contains(time_ms)) continue;
    last_skipped_ = i;
    return true;
  }
  return false;
}

Status Replayer::OnSample(SeriesRef ref, Sample sample, const SampleExtra& extra) {
  if (Skipped(sample.timestamp_ms)) return Status::Ok();
  if (sample.timestamp_ms < kMinTimestampMs / 2) {
    return Status::Corruption("replaying: a timestamp before all ranges");
  }
  Series* series = head_.table_.At(ref);
  if (series == nullptr) {
    const auto alias = head_.replay_aliases_.find(ref.number);
    if (alias != head_.replay_aliases_.end()) {
      ref = alias->second;
      series = head_.table_.At(ref);
    }
  }
  if (series == nullptr) {
    // Its definition was in a damaged part of the log.
    ++orphans;
    head_.table_.SkipTo(ref);
    return Status::Ok();
  }
  MutexLock stripe(head_.table_.StripeOf(ref));
  Stage(*series, sample, extra);
  return Status::Ok();
}

// The record holds accepted samples only: what is not newer than the newest came out of order.
void Replayer::Stage(Series& series, const Sample& sample, const SampleExtra& extra) {
  const bool in_order = !series.has_newest || sample.timestamp_ms > series.newest_ms;
  if (!in_order && sample.timestamp_ms == series.newest_ms &&
      RepeatsNewest(series, sample.value, extra)) {
    return;
  }
  bool made;
  // The piece stays undefined: its definition in the log may be under another number, so the first
  // record after the restart defines the series again.
  Piece& piece = OpenPiece(series, head_.RangeStart(sample.timestamp_ms), &made);
  if (!in_order && piece.HasSettledDuplicate(sample, extra.histogram, 0)) return;
  if (changes.empty() || changes.back().start_ms != piece.start_ms()) {
    changes.push_back({.start_ms = piece.start_ms()});
  }
  MemoryHead::RangeChange& change = changes.back();
  int64_t grown = made ? static_cast<int64_t>(sizeof(Piece)) : 0;
  if (in_order) {
    grown += piece.AppendInOrder(sample, extra, 0, 0);
    series.SetNewest({sample.timestamp_ms, sample.value, extra.kind()});
    if (!newest.known || sample.timestamp_ms > newest.time_ms) newest = {true, sample.timestamp_ms};
  } else {
    grown += piece.AppendOutOfOrder(sample, extra, 0);
  }
  change.samples += 1;
  change.pieces += made ? 1 : 0;
  change.bytes += grown;
  // The piece may rest on a definition from before a Seal that took its first samples.
  const Lsn definition(series.replayed_lsn);
  if (change.definition.number == 0 || definition < change.definition) {
    change.definition = definition;
  }
}

void MemoryHead::SkipFlushed(std::vector<Flushed> flushed) {
  MutexLock admit(admit_mutex_);
  flushed_ = std::move(flushed);
}

Status MemoryHead::Replay(Lsn lsn, uint8_t kind, std::string_view payload) {
  MutexLock admit(admit_mutex_);
  if (!replaying_) return Status::InvalidArgument("replaying a record: the head takes writes");
  if (kind != kSamplesRecord && kind != kSeriesRecord) return Status::Ok();
  Replayer replayer(*this, lsn);
  for (const Flushed& flushed : flushed_) {
    if (lsn <= flushed.through) replayer.skipped.push_back(flushed.range);
  }
  Status status;
  {
    FairWriteLock index(index_mutex_);
    status = ReadRecord(payload, replayer);
  }
  if (replayer.orphans > 0) counters_.orphans->Add(static_cast<double>(replayer.orphans));
  MutexLock settle(settle_mutex_);
  for (const RangeChange& change : replayer.changes) {
    CountRanges({change}, std::min(lsn, change.definition));
  }
  if (replayer.newest.known &&
      (!settled_newest_.known || replayer.newest.time_ms > settled_newest_.time_ms)) {
    settled_newest_ = replayer.newest;
  }
  published_lsn_ = last_lsn_ = std::max(last_lsn_, lsn);
  return status;
}

// Series whose samples are all in the cold tier came back by their definitions only.
void MemoryHead::EndReplay() {
  if (!replaying_) return;
  replaying_ = false;
  flushed_.clear();
  flushed_.shrink_to_fit();
  replay_aliases_.clear();
  std::vector<SeriesRef> candidates;
  {
    FairReadLock index(index_mutex_);
    for (const SeriesRef ref : table_.postings().All()) {
      Series& series = *table_.At(ref);
      series.piece_hint = nullptr;  // no longer replayed_lsn
      MutexLock stripe(table_.StripeOf(ref));
      if (series.pieces == nullptr) candidates.push_back(ref);
    }
  }
  Bury(std::move(candidates));
}

}  // namespace thermocline
