// Selects from a replayed head.
#include <fmt/core.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "blocks/sample_columns.h"
#include "blocks/tombstones.h"
#include "blocks/wal_head.h"
#include "codec/chunk.h"

namespace thermocline {
namespace {

constexpr size_t kCheckEvery = 1024;
constexpr size_t kSamplesPerChunk = 120;

bool HasSamples(const WalHead::Series& series, TimeRange range) {
  const auto counts = [&](const WalHead::Chunk& chunk) {
    const TimeRange own{chunk.min_ms, chunk.max_ms};
    return own.Overlaps(range) && !CoveredBy(series.deleted, own);
  };
  return std::any_of(series.in_order.begin(), series.in_order.end(), counts) ||
         std::any_of(series.out_of_order.begin(), series.out_of_order.end(), counts);
}

class WalHeadSet : public SeriesSet {
 public:
  WalHeadSet(std::shared_ptr<const WalHead> head, const SelectRequest& request)
      : head_(std::move(head)), range_(request.range), budget_(request.budget) {}

  Status List(const SelectRequest& request) {
    const std::vector<uint32_t> matching = head_->Match(request.matchers);
    for (size_t i = 0; i < matching.size(); ++i) {
      if (budget_ != nullptr && i % kCheckEvery == 0) RETURN_IF_ERROR(budget_->Check());
      if (!HasSamples(head_->series()[matching[i]], range_)) continue;
      series_.push_back(matching[i]);
      if (series_.size() == request.hints.limit) break;
    }
    if (request.counters != nullptr) {
      request.counters->head_series.fetch_add(series_.size(), std::memory_order_relaxed);
    }
    return Status::Ok();
  }

  size_t series_count() const override { return series_.size(); }
  SeriesId id(size_t series) const override { return at(series).id; }
  Labels labels(size_t series) const override { return head_->labels(series_[series]); }
  const std::vector<std::string>& warnings() const override { return warnings_; }

  Status Read(std::span<const uint32_t> series, SeriesBatch* out) const override {
    out->Clear();
    for (const uint32_t i : series) {
      if (budget_ != nullptr) RETURN_IF_ERROR(budget_->Check());
      RETURN_IF_ERROR(AppendSamples(series_[i], out));
      out->offsets.push_back(static_cast<uint32_t>(out->timestamps_ms.size()));
    }
    return Status::Ok();
  }

  bool has_encoded() const override { return true; }
  Status ReadEncoded(std::span<const uint32_t> series, EncodedBatch* out) const override {
    out->Clear();
    out->owners.push_back(head_);
    for (const uint32_t i : series) {
      const WalHead::Series& one = at(i);
      if (one.out_of_order.empty()) {
        for (const WalHead::Chunk& chunk : one.in_order) {
          RETURN_IF_ERROR(Encoded(series_[i], chunk, out));
        }
      } else {
        // Chunks that overlap: merged here, so that equal times have one answer.
        SeriesBatch samples;
        RETURN_IF_ERROR(AppendSamples(series_[i], &samples));
        RETURN_IF_ERROR(Encode(samples, out));
      }
      out->offsets.push_back(static_cast<uint32_t>(out->chunks.size()));
    }
    return Status::Ok();
  }

 private:
  const WalHead::Series& at(size_t series) const { return head_->series()[series_[series]]; }

  // `series`: its place in the head.
  Status Decode(uint32_t series, const std::vector<WalHead::Chunk>& chunks,
                SeriesBatch* out) const {
    const WalHead::Series& one = head_->series()[series];
    for (const WalHead::Chunk& chunk : chunks) {
      if (!TimeRange{chunk.min_ms, chunk.max_ms}.Overlaps(range_)) continue;
      const ColumnMark mark = ColumnMark::Of(*out);
      const Status decoded = DecodeChunk(chunk.encoding, one.bytes(chunk), range_, out);
      if (decoded.ok()) continue;
      CutColumns(mark, out);
      RETURN_IF_ERROR(head_->Fault(series, chunk, decoded));
    }
    return Status::Ok();
  }
  // The chunk as it is, or what range and deletions leave of it.
  Status Encoded(uint32_t number, const WalHead::Chunk& chunk, EncodedBatch* out) const {
    const WalHead::Series& series = head_->series()[number];
    const TimeRange own{chunk.min_ms, chunk.max_ms};
    if (!own.Overlaps(range_) || CoveredBy(series.deleted, own)) return Status::Ok();
    if (range_.Contains(own.start_ms) && range_.Contains(own.end_ms) &&
        !TouchedBy(series.deleted, own)) {
      out->chunks.push_back({chunk.encoding, chunk.min_ms, chunk.max_ms, 0, series.bytes(chunk)});
      return Status::Ok();
    }
    SeriesBatch samples;
    RETURN_IF_ERROR(Decode(number, {chunk}, &samples));
    RemoveDeleted(series.deleted, 0, &samples);
    return Encode(samples, out);
  }
  Status Encode(const SeriesBatch& samples, EncodedBatch* out) const {
    const size_t count = samples.timestamps_ms.size();
    for (size_t begin = 0; begin < count;) {
      const size_t end = FirstChunkEnd(samples, begin, count, kSamplesPerChunk);
      const ChunkEncoding encoding = ChunkEncodingFor(samples, begin, end);
      auto bytes = std::make_shared<std::string>();
      RETURN_IF_ERROR(EncodeChunk(encoding, samples, begin, end, bytes.get()));
      out->chunks.push_back(
          {encoding, samples.timestamps_ms[begin], samples.timestamps_ms[end - 1], 0, *bytes});
      out->owners.push_back(std::move(bytes));
      begin = end;
    }
    return Status::Ok();
  }
  Status AppendSamples(uint32_t number, SeriesBatch* out) const {
    const WalHead::Series& series = head_->series()[number];
    const size_t begin = out->timestamps_ms.size();
    RETURN_IF_ERROR(Decode(number, series.in_order, out));
    RETURN_IF_ERROR(Decode(number, series.out_of_order, out));
    const size_t size = out->timestamps_ms.size();
    if (!out->start_timestamps_ms.empty()) out->start_timestamps_ms.resize(size, 0);
    if (!out->histogram_index.empty()) {
      out->histogram_index.resize(size, SeriesBatch::kNoHistogram);
    }
    if (!series.deleted.empty()) RemoveDeleted(series.deleted, begin, out);
    PutInOrder(begin, out);
    return Status::Ok();
  }

  const std::shared_ptr<const WalHead> head_;
  const TimeRange range_;
  QueryBudget* const budget_;
  std::vector<uint32_t> series_;
  std::vector<std::string> warnings_;
};

}  // namespace

Result<std::unique_ptr<SeriesSet>> WalHead::Select(std::shared_ptr<const WalHead> head,
                                                   const SelectRequest& request) {
  auto set = std::make_unique<WalHeadSet>(std::move(head), request);
  RETURN_IF_ERROR(set->List(request));
  return std::unique_ptr<SeriesSet>(std::move(set));
}

std::vector<uint32_t> WalHead::Match(const std::vector<Matcher>& matchers) const {
  std::vector<uint32_t> places;
  if (matchers.empty()) {
    places.resize(series_.size());
    std::iota(places.begin(), places.end(), 0u);
    return places;
  }
  const std::vector<SeriesRef> found = index_->Match(matchers);
  places.reserve(found.size());
  for (const SeriesRef series : found) places.push_back(places_[series.number]);
  std::sort(places.begin(), places.end());
  return places;
}

Status WalHead::VisitPairs(const LabelRequest& request,
                           const std::function<void(const LabelPair&)>& visit) const {
  static const std::vector<std::vector<Matcher>> kAll(1);
  std::vector<bool> seen;
  for (const auto& matchers : request.matcher_sets.empty() ? kAll : request.matcher_sets) {
    const std::vector<uint32_t> matching = Match(matchers);
    for (size_t i = 0; i < matching.size(); ++i) {
      if (request.budget != nullptr && i % kCheckEvery == 0) {
        RETURN_IF_ERROR(request.budget->Check());
      }
      const Series& series = series_[matching[i]];
      if (!HasSamples(series, request.range)) continue;
      for (const PairId pair : series.pairs) {
        if (pair.number >= seen.size()) seen.resize(size_t{pair.number} + 1);
        if (seen[pair.number]) continue;
        seen[pair.number] = true;
        visit({index_->NameOf(pair), index_->ValueOf(pair)});
      }
    }
  }
  return Status::Ok();
}

Status WalHead::Fault(size_t series, const Chunk& chunk, const Status& status) const {
  const std::string place = chunk.position == 0
                                ? "samples of the log"
                                : fmt::format("chunks_head/{:06}: offset {}", chunk.position >> 32,
                                              chunk.position & UINT32_MAX);
  const Status placed = status.WithContext(place + ": chunk of " + labels(series).ToString());
  if (!skip_damaged_ || status.code() != Code::kCorruption) return placed;
  damage_.AddChunk(placed);
  return Status::Ok();
}

}  // namespace thermocline
