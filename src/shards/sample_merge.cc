#include "shards/sample_merge.h"

#include <algorithm>
#include <numeric>

#include "codec/chunk.h"

namespace thermocline::shards {

namespace {

// Ascending ranges that do not touch need no merge.
bool Disjoint(std::span<const EncodedChunk> chunks) {
  for (size_t i = 1; i < chunks.size(); ++i) {
    if (chunks[i].min_ms <= chunks[i - 1].max_ms) return false;
  }
  return true;
}

bool Ascends(const std::vector<TimestampMs>& times, size_t from) {
  for (size_t i = from + 1; i < times.size(); ++i) {
    if (times[i] <= times[i - 1]) return false;
  }
  return true;
}

// Removes the samples from `size` on.
void Shorten(size_t size, SeriesBatch* batch) {
  batch->timestamps_ms.resize(size);
  batch->values.resize(size);
  if (!batch->start_timestamps_ms.empty()) batch->start_timestamps_ms.resize(size);
  if (batch->histogram_index.empty()) return;
  for (size_t i = size; i < batch->histogram_index.size(); ++i) {
    if (batch->histogram_index[i] == SeriesBatch::kNoHistogram) continue;
    batch->histograms.resize(batch->histogram_index[i]);
    break;
  }
  batch->histogram_index.resize(size);
}

void ForgetReset(SeriesBatch* batch, size_t sample) {
  if (batch->histogram(sample) == nullptr) return;
  Histogram& h = batch->histograms[batch->histogram_index[sample]];
  if (h.reset_hint == CounterResetHint::kNotReset) {
    h.reset_hint = CounterResetHint::kUnknown;
  }
}

// Corruption when the chunks are not what they claim to be.
Status DecodeInOrder(std::span<const EncodedChunk> chunks, TimeRange range, SeriesBatch* out) {
  const size_t begin = out->timestamps_ms.size();
  for (const EncodedChunk& chunk : chunks) {
    RETURN_IF_ERROR(DecodeChunk(chunk.encoding, chunk.bytes, range, out));
  }
  EvenColumns(out);
  if (Ascends(out->timestamps_ms, begin)) return Status::Ok();
  return Status::Corruption("chunks whose samples lie outside the times they claim");
}

}  // namespace

void MoveSample(SeriesBatch* from, size_t i, SeriesBatch* out) {
  const size_t at = out->timestamps_ms.size();
  out->timestamps_ms.push_back(from->timestamps_ms[i]);
  out->values.push_back(from->values[i]);
  if (!from->start_timestamps_ms.empty() && from->start_timestamps_ms[i] != 0) {
    out->start_timestamps_ms.resize(at, 0);
    out->start_timestamps_ms.push_back(from->start_timestamps_ms[i]);
  }
  if (from->histogram_index.empty() || from->histogram_index[i] == SeriesBatch::kNoHistogram) {
    return;
  }
  out->histogram_index.resize(at, SeriesBatch::kNoHistogram);
  out->histogram_index.push_back(static_cast<uint32_t>(out->histograms.size()));
  out->histograms.push_back(std::move(from->histograms[from->histogram_index[i]]));
}

void EvenColumns(SeriesBatch* batch) {
  const size_t samples = batch->timestamps_ms.size();
  if (!batch->start_timestamps_ms.empty()) batch->start_timestamps_ms.resize(samples, 0);
  if (!batch->histogram_index.empty()) {
    batch->histogram_index.resize(samples, SeriesBatch::kNoHistogram);
  }
}

void MoveDistinct(std::span<const uint32_t> order, TimeRange range, SeriesBatch* from,
                  SeriesBatch* out) {
  EvenColumns(out);
  uint32_t before = UINT32_MAX;
  for (size_t i = 0; i < order.size(); ++i) {
    const TimestampMs t = from->timestamps_ms[order[i]];
    if (!range.Contains(t)) continue;
    if (i > 0 && t == from->timestamps_ms[order[i - 1]]) continue;
    // A hint speaks of the sample before it where it comes from.
    if (order[i] != before + 1) ForgetReset(from, order[i]);
    before = order[i];
    MoveSample(from, order[i], out);
  }
  EvenColumns(out);
}

Status AppendSamples(std::span<const EncodedChunk> chunks, TimeRange range, SeriesBatch* scratch,
                     SeriesBatch* out) {
  if (Disjoint(chunks)) {
    const size_t begin = out->timestamps_ms.size();
    if (DecodeInOrder(chunks, range, out).ok()) return Status::Ok();
    Shorten(begin, out);
  }
  scratch->Clear();
  std::vector<uint32_t> chunk_of;
  for (uint32_t i = 0; i < chunks.size(); ++i) {
    const Status ordered = DecodeChunk(chunks[i].encoding, chunks[i].bytes, range, scratch);
    if (!ordered.ok() && !DecodeUnordered(chunks[i].encoding, chunks[i].bytes, scratch).ok()) {
      return ordered;
    }
    chunk_of.resize(scratch->timestamps_ms.size(), i);
  }
  EvenColumns(scratch);
  std::vector<uint32_t> order(scratch->timestamps_ms.size());
  std::iota(order.begin(), order.end(), 0u);
  // The winner of a time comes first: of the higher rank, then of the later chunk, then the later.
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    const TimestampMs ta = scratch->timestamps_ms[a];
    const TimestampMs tb = scratch->timestamps_ms[b];
    if (ta != tb) return ta < tb;
    const uint32_t rank_a = chunks[chunk_of[a]].rank;
    const uint32_t rank_b = chunks[chunk_of[b]].rank;
    return rank_a != rank_b ? rank_a > rank_b : a > b;
  });
  MoveDistinct(order, range, scratch, out);
  return Status::Ok();
}

bool IsInOrder(const EncodedChunk& chunk, SeriesBatch* scratch) {
  constexpr TimeRange kAllTime{kMinTimestampMs, kMaxTimestampMs};
  scratch->Clear();
  if (!DecodeChunk(chunk.encoding, chunk.bytes, kAllTime, scratch).ok()) return false;
  const std::vector<TimestampMs>& times = scratch->timestamps_ms;
  return !times.empty() && times.front() == chunk.min_ms && times.back() == chunk.max_ms;
}

namespace {

ChunkEncoding EncodingFor(const SeriesBatch& batch, size_t begin, size_t end) {
  bool starts = false;
  if (!batch.start_timestamps_ms.empty()) {
    for (size_t i = begin; i < end; ++i) starts |= batch.start_timestamps_ms[i] != 0;
  }
  const Histogram* histogram = batch.histogram(begin);
  if (histogram == nullptr) return starts ? ChunkEncoding::kXor2 : ChunkEncoding::kXor;
  if (histogram->is_float()) {
    return starts ? ChunkEncoding::kFloatHistogramSt : ChunkEncoding::kFloatHistogram;
  }
  return starts ? ChunkEncoding::kHistogramSt : ChunkEncoding::kHistogram;
}

}  // namespace

Status EncodeSamples(const SeriesBatch& batch, size_t begin, size_t end, size_t max_samples,
                     std::vector<OwnedChunk>* out) {
  std::optional<CounterResetHint> header;
  while (begin < end) {
    std::optional<CounterResetHint> next_header;
    const size_t cut = FirstChunkEnd(batch, begin, end, max_samples, &next_header);
    OwnedChunk& made = out->emplace_back();
    made.chunk.encoding = EncodingFor(batch, begin, cut);
    made.chunk.min_ms = batch.timestamps_ms[begin];
    made.chunk.max_ms = batch.timestamps_ms[cut - 1];
    RETURN_IF_ERROR(EncodeChunk(made.chunk.encoding, batch, begin, cut, &made.payload, header));
    header = next_header;
    begin = cut;
  }
  return Status::Ok();
}

}  // namespace thermocline::shards
