// Samples and chunks of listed series.
#include <algorithm>
#include <utility>

#include "blocks/block_series.h"
#include "blocks/sample_columns.h"
#include "codec/chunk.h"

namespace thermocline {
namespace {

// So many chunks are held at once; at 120 samples each some megabytes.
constexpr size_t kChunksAtOnce = 4096;

bool IsKnown(ChunkEncoding encoding) {
  return encoding >= ChunkEncoding::kXor && encoding <= ChunkEncoding::kFloatHistogramSt;
}

Status CheckEncoding(ChunkEncoding encoding) {
  if (IsKnown(encoding)) return Status::Ok();
  const std::string number = std::to_string(static_cast<int>(encoding));
  if (encoding == ChunkEncoding::kAggregate) {
    return Status::Unimplemented("Thanos aggregate chunk (encoding " + number +
                                 ") is not read; take the raw block");
  }
  return Status::Corruption("unknown chunk encoding " + number);
}

// The optional columns are parallel or empty; a series without them adds to those that are there.
void FillOptional(SeriesBatch* out) {
  const size_t size = out->timestamps_ms.size();
  if (!out->start_timestamps_ms.empty()) out->start_timestamps_ms.resize(size, 0);
  if (!out->histogram_index.empty()) {
    out->histogram_index.resize(size, SeriesBatch::kNoHistogram);
  }
}

}  // namespace

Status TsdbSeriesSet::Plan(std::span<const uint32_t> series, size_t* next, SeriesScanner* scanner,
                           Wanted* wanted) const {
  *wanted = Wanted();
  std::vector<ChunkEntry> chunks;
  while (*next < series.size() && wanted->entries.size() < kChunksAtOnce) {
    const SeriesRef ref = series_[series[*next]];
    ++*next;
    chunks.clear();
    if (const Status read = scanner->Read(ref, nullptr, &chunks); !read.ok()) {
      if (!files_->options.skip_damaged || read.code() != Code::kCorruption) return read;
      files_->damage.AddSeries(read);
      chunks.clear();
    }
    const auto& deleted = files_->tombstones.of(ref);
    for (const ChunkEntry& chunk : chunks) {
      if (Wants(chunk, deleted)) wanted->entries.push_back(chunk);
    }
    wanted->series.push_back(ref);
    wanted->first.push_back(wanted->entries.size());
  }
  return Status::Ok();
}

Status TsdbSeriesSet::Load(const Wanted& wanted, Loaded* loaded) const {
  if (budget_ != nullptr) RETURN_IF_ERROR(budget_->Check());
  loaded->buffers.clear();
  uint64_t bytes_read = 0;
  RETURN_IF_ERROR(
      LoadChunks(files_->segments, wanted.entries, &loaded->buffers, &loaded->chunks, &bytes_read));
  if (counters_ != nullptr) {
    counters_->requests.fetch_add(loaded->buffers.size(), std::memory_order_relaxed);
    counters_->bytes_read.fetch_add(bytes_read, std::memory_order_relaxed);
  }
  return Status::Ok();
}

Status TsdbSeriesSet::Fault(const ChunkEntry& chunk, const Status& status) const {
  const Status placed = status.WithContext(ChunkPlace(files_->segments, chunk));
  if (!files_->options.skip_damaged || status.code() != Code::kCorruption) return placed;
  files_->damage.AddChunk(placed);
  return Status::Ok();
}

// Appends the chunk's samples in range, or nothing when its fault was counted.
Status TsdbSeriesSet::Decode(const ChunkEntry& entry, const LoadedChunk& chunk,
                             const TimeRange& range, SeriesBatch* out) const {
  if (!chunk.status.ok()) {
    if (!files_->options.skip_damaged) return chunk.status;
    files_->damage.AddChunk(chunk.status);
    return Status::Ok();
  }
  if (const Status known = CheckEncoding(chunk.encoding); !known.ok()) return Fault(entry, known);
  const ColumnMark mark = ColumnMark::Of(*out);
  const Status decoded = DecodeChunk(chunk.encoding, chunk.bytes, range, out);
  if (decoded.ok()) return decoded;
  CutColumns(mark, out);
  return Fault(entry, decoded);
}

Status TsdbSeriesSet::AppendSeries(const Wanted& wanted, const Loaded& loaded, size_t k,
                                   SeriesBatch* out) const {
  const std::vector<TimestampMs>& times = out->timestamps_ms;
  const size_t begin = times.size();
  bool in_order = true;  // within a chunk the decoder sees to it
  for (size_t c = wanted.first[k]; c < wanted.first[k + 1]; ++c) {
    const size_t border = times.size();
    RETURN_IF_ERROR(Decode(wanted.entries[c], loaded.chunks[c], range_, out));
    FillOptional(out);
    in_order = in_order &&
               (border == begin || border == times.size() || times[border - 1] < times[border]);
  }
  const auto& deleted = files_->tombstones.of(wanted.series[k]);
  if (!deleted.empty()) RemoveDeleted(deleted, begin, out);
  if (!in_order) PutInOrder(begin, out);
  if (out->timestamps_ms.size() > UINT32_MAX) {
    return Status::ResourceExhausted("more than 2^32 samples in one read: read fewer series");
  }
  out->offsets.push_back(static_cast<uint32_t>(out->timestamps_ms.size()));
  return Status::Ok();
}

Status TsdbSeriesSet::LoadInPieces(std::span<const uint32_t> series, const TakePiece& take) const {
  {
    MutexLock lock(labels_mutex_);
    RETURN_IF_ERROR(labels_status_);
  }
  SeriesScanner scanner = files_->index->NewScanner();
  Wanted wanted;
  Loaded loaded;
  for (size_t next = 0; next < series.size();) {
    RETURN_IF_ERROR(Plan(series, &next, &scanner, &wanted));
    RETURN_IF_ERROR(Load(wanted, &loaded));
    RETURN_IF_ERROR(take(wanted, &loaded));
  }
  return Status::Ok();
}

Status TsdbSeriesSet::Read(std::span<const uint32_t> series, SeriesBatch* out) const {
  out->Clear();
  RETURN_IF_ERROR(LoadInPieces(series, [&](const Wanted& wanted, Loaded* loaded) -> Status {
    for (size_t k = 0; k < wanted.series.size(); ++k) {
      RETURN_IF_ERROR(AppendSeries(wanted, *loaded, k, out));
    }
    return Status::Ok();
  }));
  if (counters_ != nullptr) {
    counters_->cold_samples.fetch_add(out->values.size(), std::memory_order_relaxed);
  }
  return Status::Ok();
}

// A chunk that the range or a deletion cuts: decoded, cut, and encoded as its writer would.
Status TsdbSeriesSet::Reencode(const ChunkEntry& entry, const LoadedChunk& chunk,
                               const std::vector<TimeRange>& deleted, EncodedBatch* out) const {
  SeriesBatch samples;
  RETURN_IF_ERROR(Decode(entry, chunk, range_, &samples));
  RemoveDeleted(deleted, 0, &samples);
  PutInOrder(0, &samples);
  const size_t count = samples.timestamps_ms.size();
  for (size_t begin = 0; begin < count;) {
    const size_t end = FirstChunkEnd(samples, begin, count, count);
    auto bytes = std::make_shared<std::string>();
    RETURN_IF_ERROR(EncodeChunk(chunk.encoding, samples, begin, end, bytes.get()));
    out->chunks.push_back(
        {chunk.encoding, samples.timestamps_ms[begin], samples.timestamps_ms[end - 1], 0, *bytes});
    out->owners.push_back(std::move(bytes));
    begin = end;
  }
  return Status::Ok();
}

Status TsdbSeriesSet::AppendEncoded(const Wanted& wanted, const Loaded& loaded, size_t k,
                                    EncodedBatch* out) const {
  const auto& deleted = files_->tombstones.of(wanted.series[k]);
  for (size_t c = wanted.first[k]; c < wanted.first[k + 1]; ++c) {
    const ChunkEntry& entry = wanted.entries[c];
    const LoadedChunk& chunk = loaded.chunks[c];
    const TimeRange own{entry.min_ms, entry.max_ms};
    const bool whole =
        range_.Contains(own.start_ms) && range_.Contains(own.end_ms) && !TouchedBy(deleted, own);
    if (!chunk.status.ok() || !IsKnown(chunk.encoding) || !whole) {
      RETURN_IF_ERROR(Reencode(entry, chunk, deleted, out));
    } else {
      out->chunks.push_back({chunk.encoding, entry.min_ms, entry.max_ms, 0, chunk.bytes});
    }
  }
  out->offsets.push_back(static_cast<uint32_t>(out->chunks.size()));
  return Status::Ok();
}

Status TsdbSeriesSet::ReadEncoded(std::span<const uint32_t> series, EncodedBatch* out) const {
  out->Clear();
  return LoadInPieces(series, [&](const Wanted& wanted, Loaded* loaded) -> Status {
    for (size_t k = 0; k < wanted.series.size(); ++k) {
      RETURN_IF_ERROR(AppendEncoded(wanted, *loaded, k, out));
    }
    for (auto& buffer : loaded->buffers) out->owners.push_back(std::move(buffer));
    return Status::Ok();
  });
}

}  // namespace thermocline
