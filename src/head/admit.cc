// Admission: decides every sample as Prometheus' head does (headAppender.Append and
// memSeries.appendable in tsdb/head_append.go), stages the accepted ones and logs the request as
// one record.
#include <algorithm>
#include <array>

#include "head/memory_head.h"

namespace thermocline {
namespace {

constexpr size_t kMaxListedRejects = 1000;
// How many series ahead of the one being staged memory is asked for.
constexpr size_t kSlotAhead = 24;
constexpr size_t kSeriesAhead = 16;
constexpr size_t kPairsAhead = 8;
constexpr size_t kStageAhead = 8;

int64_t SaturatingMinus(int64_t a, int64_t b) {
  int64_t out;
  return __builtin_sub_overflow(a, b, &out) ? kMinTimestampMs : out;
}

// Stale markers are all alike.
const Histogram* StaleHistogram(SampleKind kind) {
  static const std::array<Histogram, 2> kMarkers = [] {
    std::array<Histogram, 2> markers;
    markers[1].kind = SampleKind::kFloatHistogram;
    for (Histogram& marker : markers) marker.sum = StaleMarker();
    return markers;
  }();
  return &kMarkers[kind == SampleKind::kFloatHistogram ? 1 : 0];
}

}  // namespace

class MemoryHead::Admitter {
 public:
  Admitter(MemoryHead& head, const WriteBatch& batch, Ticket horizon, Newest newest, Ticket ticket,
           RecordWriter& writer)
      : head_(head),
        batch_(batch),
        horizon_(horizon),
        newest_(newest),
        writer_(writer),
        has_extras_(!batch.histograms.empty() || !batch.start_timestamps_ms.empty()) {
    request_.ticket = ticket;
    newest_allowed_ms_ = head.clock_.NowMs() + head.options_.max_future_ms;
    window_ms_ = head.options_.out_of_order_window_ms;
    // The lowest time whose range still has representable ends.
    lowest_ms_ = kMinTimestampMs / 2;
  }

  Status Run();
  Request& request() { return request_; }
  AppendSummary& summary() { return summary_; }
  // By kind: floats, histograms.
  const std::array<uint64_t, 2>& out_of_order_samples() const { return out_of_order_samples_; }

 private:
  enum class Decision { kInOrder, kOutOfOrder, kKnown, kReject };
  struct Resolved {
    Series* series = nullptr;
    SeriesRef ref;
  };

  void ResolveAll();
  Status StageSeries(size_t index);
  Status Create(const BatchSeries& entry, Resolved* resolved);
  Decision Decide(const Series* series, const Sample& sample, const SampleExtra& extra,
                  RejectReason* reason);
  Decision DecideWindow(TimestampMs time_ms, RejectReason* reason) const;
  bool KnownOutOfOrder(const Series& series, const Sample& sample, const SampleExtra& extra) const;
  SampleExtra ExtraOf(uint32_t sample_index) const {
    if (!has_extras_) [[likely]]
      return {};
    return {batch_.histogram(sample_index), batch_.start_ms(sample_index)};
  }
  void Stage(Series& series, SeriesRef ref, const Sample& sample, const SampleExtra& extra,
             bool in_order, uint32_t more);
  void Accept(Series& series, SeriesRef ref, const Sample& sample, SampleExtra extra, bool in_order,
              uint32_t more);
  void LogAccepted(const BatchSeries& entry, const Resolved& resolved);
  Piece& PieceFor(Series& series, SeriesRef ref, TimestampMs time_ms);
  RangeChange& ChangeOf(TimestampMs start_ms);
  void Reject(size_t series_index, uint32_t sample_index, RejectReason reason,
              const Series* series);

  MemoryHead& head_;
  const WriteBatch& batch_;
  const Ticket horizon_;
  // Frozen for the request, as Prometheus freezes them when the appender is made.
  Newest newest_;
  RecordWriter& writer_;
  TimestampMs floor_ms_ = 0;
  TimestampMs newest_allowed_ms_ = 0;
  TimestampMs lowest_ms_ = 0;
  int64_t window_ms_ = 0;
  Request request_;
  AppendSummary summary_;
  std::vector<Resolved> resolved_;
  const bool has_extras_;
  std::vector<Sample> accepted_;              // of the series at hand
  std::vector<SampleExtra> accepted_extras_;  // empty, or theirs up to the last that has one
  uint64_t last_defined_ = UINT64_MAX;
  bool undefined_ = false;  // one of its pieces needs a definition
  size_t last_change_ = 0;
  std::array<uint64_t, 2> out_of_order_samples_{};
};

void MemoryHead::Admitter::ResolveAll() {
  const size_t n = batch_.series.size();
  resolved_.resize(n);
  for (size_t i = 0; i < n; ++i) {
    if (i + kSlotAhead < n) head_.table_.PrefetchSlot(batch_.series[i + kSlotAhead].hash);
    if (i + kSeriesAhead < n) head_.table_.PrefetchSeries(batch_.series[i + kSeriesAhead].hash);
    if (i + kPairsAhead < n) head_.table_.PrefetchPairs(batch_.series[i + kPairsAhead].hash);
    const BatchSeries& entry = batch_.series[i];
    resolved_[i].series = head_.table_.Find(entry.hash, batch_.labels(entry), &resolved_[i].ref);
  }
}

Status MemoryHead::Admitter::Run() {
  if (!newest_.known && !batch_.samples.empty()) {
    newest_ = {true, batch_.samples[0].timestamp_ms};  // an empty head takes the first one's
  }
  floor_ms_ = SaturatingMinus(newest_.time_ms, head_.options_.range_ms / 2);
  ResolveAll();
  const size_t n = batch_.series.size();
  request_.touched.reserve(n);
  for (size_t i = 0; i < n; ++i) {
    if (i + kStageAhead < n && resolved_[i + kStageAhead].series != nullptr) {
      const Series& ahead = *resolved_[i + kStageAhead].series;
      __builtin_prefetch(ahead.piece_hint, 1);
      __builtin_prefetch(static_cast<const char*>(ahead.piece_hint) + 64, 1);
      __builtin_prefetch(ahead.sample_hint, 1);
    }
    RETURN_IF_ERROR(StageSeries(i));
    if (summary_.rejected_count > 0 && batch_.on_reject == RejectPolicy::kWholeBatch) break;
  }
  return Status::Ok();
}

MemoryHead::Admitter::Decision MemoryHead::Admitter::DecideWindow(TimestampMs time_ms,
                                                                  RejectReason* reason) const {
  if (window_ms_ > 0) {
    if (time_ms >= SaturatingMinus(newest_.time_ms, window_ms_)) return Decision::kOutOfOrder;
    *reason = RejectReason::kTooOld;
  } else {
    *reason = RejectReason::kOutOfOrder;
  }
  return Decision::kReject;
}

// `series` is null for one that does not exist yet.
MemoryHead::Admitter::Decision MemoryHead::Admitter::Decide(const Series* series,
                                                            const Sample& sample,
                                                            const SampleExtra& extra,
                                                            RejectReason* reason) {
  const TimestampMs time_ms = sample.timestamp_ms;
  if (time_ms > newest_allowed_ms_) {
    *reason = RejectReason::kTooFarInFuture;
    return Decision::kReject;
  }
  if ((window_ms_ == 0 && time_ms < floor_ms_) || time_ms < lowest_ms_) {
    *reason = RejectReason::kOutOfBounds;
    return Decision::kReject;
  }
  if (time_ms >= floor_ms_) {
    if (series == nullptr || !series->has_newest || time_ms > series->newest_ms) {
      return Decision::kInOrder;
    }
    if (time_ms == series->newest_ms) {
      if (!RepeatsNewest(*series, sample.value, extra)) {
        *reason = RejectReason::kDuplicate;
        return Decision::kReject;
      }
      // What it repeats may still be taken back; then this copy must be in the log.
      return series->pieces != nullptr && series->pieces->HasPendingAfter(horizon_)
                 ? Decision::kOutOfOrder
                 : Decision::kKnown;
    }
  }
  return DecideWindow(time_ms, reason);
}

bool MemoryHead::Admitter::KnownOutOfOrder(const Series& series, const Sample& sample,
                                           const SampleExtra& extra) const {
  const TimestampMs start_ms = head_.RangeStart(sample.timestamp_ms);
  for (const Piece* piece = series.pieces; piece != nullptr; piece = piece->next) {
    if (piece->start_ms() == start_ms &&
        piece->HasSettledDuplicate(sample, extra.histogram, horizon_)) {
      return true;
    }
  }
  return false;
}

MemoryHead::RangeChange& MemoryHead::Admitter::ChangeOf(TimestampMs start_ms) {
  auto& changes = request_.ranges;
  if (last_change_ < changes.size() && changes[last_change_].start_ms == start_ms) {
    return changes[last_change_];
  }
  for (last_change_ = 0; last_change_ < changes.size(); ++last_change_) {
    if (changes[last_change_].start_ms == start_ms) return changes[last_change_];
  }
  changes.push_back({.start_ms = start_ms});
  return changes.back();
}

Piece& MemoryHead::Admitter::PieceFor(Series& series, SeriesRef ref, TimestampMs time_ms) {
  const TimestampMs start_ms = head_.RangeStart(time_ms);
  bool made;
  Piece& piece = OpenPiece(series, start_ms, &made);
  if (made) {
    series.death_round = 0;  // alive again: no grave may take it
    RangeChange& change = ChangeOf(start_ms);
    change.pieces += 1;
    change.bytes += static_cast<int64_t>(sizeof(Piece));
  }
  if (piece.Begin(request_.ticket, horizon_)) {
    request_.touched.push_back({ref, !piece.defined, start_ms});
  }
  undefined_ |= !piece.defined;
  return piece;
}

void MemoryHead::Admitter::Stage(Series& series, SeriesRef ref, const Sample& sample,
                                 const SampleExtra& extra, bool in_order, uint32_t more) {
  Piece& piece = PieceFor(series, ref, sample.timestamp_ms);
  int64_t grown;
  if (in_order) {
    grown = piece.AppendInOrder(sample, extra, horizon_, more);
    series.SetNewest({sample.timestamp_ms, sample.value, extra.kind()});
    if (!request_.has_max || sample.timestamp_ms > request_.max_ms) {
      request_.has_max = true;
      request_.max_ms = sample.timestamp_ms;
    }
  } else {
    grown = piece.AppendOutOfOrder(sample, extra, horizon_);
    ++out_of_order_samples_[extra.histogram == nullptr ? 0 : 1];
  }
  series.piece_hint = &piece;
  series.sample_hint = piece.run().end_address();
  RangeChange& change = ChangeOf(piece.start_ms());
  change.samples += 1;
  change.bytes += grown;
}

Status MemoryHead::Admitter::Create(const BatchSeries& entry, Resolved* resolved) {
  // The same new label set may have come earlier in this batch.
  resolved->series = head_.table_.Find(entry.hash, batch_.labels(entry), &resolved->ref);
  if (resolved->series != nullptr) return Status::Ok();
  if (head_.options_.max_series > 0 && head_.table_.size() >= head_.options_.max_series) {
    return Status::ResourceExhausted("creating a series: the head holds its limit of " +
                                     std::to_string(head_.options_.max_series));
  }
  auto labels = Labels::FromPacked(std::string(batch_.labels(entry).packed()));
  if (!labels.ok() || labels->empty()) {
    return Status::InvalidArgument("creating a series: the label set is malformed or empty");
  }
  FairWriteLock index(head_.index_mutex_);
  resolved->series = head_.table_.Add(entry.hash, labels->view(), &resolved->ref);
  if (resolved->series == nullptr) {
    return Status::ResourceExhausted("creating a series: all series numbers are used up");
  }
  head_.unpublished_.insert(resolved->ref.number);
  ++summary_.created_series;
  return Status::Ok();
}

// `series` is null for one that does not exist yet.
void MemoryHead::Admitter::Reject(size_t series_index, uint32_t sample_index, RejectReason reason,
                                  const Series* series) {
  ++summary_.rejected_count;
  if (summary_.rejected.size() < kMaxListedRejects) {
    RejectedSample rejected{static_cast<uint32_t>(series_index), sample_index, reason};
    if (series != nullptr) {
      rejected.existing = series->newest_value;
      rejected.existing_is_histogram = series->kind() != SampleKind::kFloat;
    }
    summary_.rejected.push_back(rejected);
  }
  const size_t kind = batch_.histogram(sample_index) == nullptr ? 0 : 1;
  switch (reason) {
    case RejectReason::kOutOfOrder: head_.counters_.out_of_order[kind]->Increment(); break;
    case RejectReason::kTooOld: head_.counters_.too_old[kind]->Increment(); break;
    case RejectReason::kDuplicate: head_.counters_.duplicate->Increment(); break;
    case RejectReason::kOutOfBounds: head_.counters_.out_of_bounds[kind]->Increment(); break;
    case RejectReason::kTooFarInFuture: head_.counters_.too_far->Increment(); break;
  }
}

Status MemoryHead::Admitter::StageSeries(size_t index) {
  const BatchSeries& entry = batch_.series[index];
  Resolved& resolved = resolved_[index];
  accepted_.clear();
  accepted_extras_.clear();
  undefined_ = false;
  uint32_t i = 0;
  RejectReason reason = RejectReason::kOutOfOrder;
  while (resolved.series == nullptr && i < entry.sample_count) {
    // A series comes to be with its first acceptable sample.
    const Sample& sample = batch_.samples[entry.first_sample + i];
    if (Decide(nullptr, sample, {}, &reason) != Decision::kReject) {
      RETURN_IF_ERROR(Create(entry, &resolved));
      break;
    }
    Reject(index, entry.first_sample + i++, reason, nullptr);
  }
  if (resolved.series == nullptr || i == entry.sample_count) return Status::Ok();
  Series& series = *resolved.series;
  MutexLock stripe(head_.table_.StripeOf(resolved.ref));
  for (; i < entry.sample_count; ++i) {
    const uint32_t at = entry.first_sample + i;
    const Sample& sample = batch_.samples[at];
    const SampleExtra extra = ExtraOf(at);
    const Decision decision = Decide(&series, sample, extra, &reason);
    if (decision == Decision::kReject) {
      Reject(index, at, reason, &series);
      continue;
    }
    ++summary_.accepted_samples;
    if (extra.histogram != nullptr) ++summary_.accepted_histograms;
    if (decision == Decision::kKnown) continue;
    Accept(series, resolved.ref, sample, extra, decision == Decision::kInOrder,
           entry.sample_count - i - 1);
  }
  if (!accepted_.empty()) LogAccepted(entry, resolved);
  return Status::Ok();
}

void MemoryHead::Admitter::Accept(Series& series, SeriesRef ref, const Sample& sample,
                                  SampleExtra extra, bool in_order, uint32_t more) {
  // A marker that was sent as a float ends a series of histograms as one of them.
  if (series.kind() != SampleKind::kFloat && extra.histogram == nullptr && IsStale(sample.value)) {
    extra.histogram = StaleHistogram(series.kind());
  }
  if (!in_order && KnownOutOfOrder(series, sample, extra)) return;
  Stage(series, ref, sample, extra, in_order, more);
  if (extra.any()) {
    accepted_extras_.resize(accepted_.size());
    accepted_extras_.push_back(extra);
  }
  accepted_.push_back(sample);
}

void MemoryHead::Admitter::LogAccepted(const BatchSeries& entry, const Resolved& resolved) {
  if (undefined_ && last_defined_ != resolved.ref.number) {
    writer_.AddDefinition(resolved.ref, resolved.series->id_offset, batch_.labels(entry));
    last_defined_ = resolved.ref.number;
    if (!resolved.series->published) request_.new_series.push_back(resolved.ref);
  }
  if (accepted_extras_.empty()) return writer_.AddSamples(resolved.ref, accepted_);
  accepted_extras_.resize(accepted_.size());
  writer_.AddSamples(resolved.ref, accepted_, accepted_extras_);
}

Status MemoryHead::CheckBatch(const WriteBatch& batch) {
  if (!batch.tenant.is_default()) {
    return Status::Unimplemented("writing for tenant " + batch.tenant.name +
                                 ": this head holds the default tenant only");
  }
  for (const Histogram& h : batch.histograms) {
    const bool known = h.kind == SampleKind::kHistogram || h.kind == SampleKind::kFloatHistogram;
    if (!known || (!IsStale(h.sum) && !IsWellFormed(h))) {
      return Status::InvalidArgument("writing a histogram: its spans and buckets do not agree");
    }
  }
  return Status::Ok();
}

Result<Admission> MemoryHead::Admit(const WriteBatch& batch, const RecordSink& sink) {
  RETURN_IF_ERROR(CheckBatch(batch));
  MutexLock admit(admit_mutex_);
  EndReplay();
  CollectDead();
  Newest newest;
  {
    MutexLock settle(settle_mutex_);
    newest = AdmittedNewest();
  }
  const Ticket horizon = TrimHorizon();
  writer_.Clear();
  Admitter admitter(*this, batch, horizon, newest, next_ticket_++, writer_);
  Status status = admitter.Run();
  Request& request = admitter.request();
  Admission admission{{}, {}, std::move(admitter.summary())};
  AppendSummary& summary = admission.summary;
  const bool roll_back = summary.rejected_count > 0 && batch.on_reject == RejectPolicy::kWholeBatch;
  if (batch.on_reject == RejectPolicy::kDropSilently) summary.rejected.clear();
  if (status.ok() && !roll_back) {
    AddChangedMetadata(batch, &request);
    if (writer_.empty()) return admission;
    status = Enqueue(std::move(request), sink, &admission);
    if (status.ok()) {
      counters_.created->Add(static_cast<double>(summary.created_series));
      const auto histograms = static_cast<double>(summary.accepted_histograms);
      counters_.appended[0]->Add(static_cast<double>(summary.accepted_samples) - histograms);
      counters_.appended[1]->Add(histograms);
      for (size_t kind = 0; kind < 2; ++kind) {
        counters_.out_of_order_appended[kind]->Add(
            static_cast<double>(admitter.out_of_order_samples()[kind]));
      }
      return admission;
    }
  } else {
    MutexLock settle(settle_mutex_);
    TakeBack(request);
  }
  CollectDead();
  if (!status.ok()) return status;
  summary.accepted_samples = summary.accepted_histograms = summary.created_series = 0;
  summary.rolled_back = true;
  return admission;
}

void MemoryHead::AddChangedMetadata(const WriteBatch& batch, Request* request) {
  if (batch.metadata.empty()) return;
  FairReadLock index(index_mutex_);
  for (const BatchMetadata& entry : batch.metadata) {
    const auto known = metadata_.find(entry.family);
    if (known != metadata_.end() && known->second == entry) continue;
    writer_.AddMetadata(entry);
    request->metadata.push_back(entry);
  }
}

// Puts the request in line before the log can settle it, logs it, and gives it its LSN.
Status MemoryHead::Enqueue(Request request, const RecordSink& sink, Admission* admission) {
  const uint8_t kind = writer_.has_samples() ? kSamplesRecord : kSeriesRecord;
  std::vector<RangeChange> ranges = request.ranges;
  {
    MutexLock settle(settle_mutex_);
    requests_.push_back(std::move(request));
  }
  const Result<Lsn> lsn = sink(HeadRecord{kind, writer_.Finish()});
  MutexLock settle(settle_mutex_);
  if (!lsn.ok()) {
    Request failed = std::move(requests_.back());
    requests_.pop_back();
    TakeBack(failed);
    if (requests_.empty()) verdicts_.clear();
    return lsn.status();
  }
  CountRanges(ranges, *lsn);
  requests_.back().lsn = last_lsn_ = *lsn;
  admission->first_lsn = admission->last_lsn = *lsn;
  Resolve();
  return Status::Ok();
}

}  // namespace thermocline
