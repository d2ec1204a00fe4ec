#include "shards/shard_series.h"

#include <fmt/core.h>

#include <algorithm>
#include <numeric>

#include "codec/chunk.h"
#include "shards/sample_merge.h"

namespace thermocline::shards {

namespace {

// A chunk that a range cuts is encoded anew with as many samples as its samples need.
constexpr size_t kNoSampleLimit = SIZE_MAX;

// The converters' own encodings, whose samples may be out of order.
bool HoldsSamples(ChunkEncoding encoding) {
  return encoding == ChunkEncoding::kXor || encoding == ChunkEncoding::kHistogram ||
         encoding == ChunkEncoding::kFloatHistogram;
}

// Hashes looked for so many calls later are fetched into the cache.
constexpr size_t kPrefetched = 16;

// Of a series, beside its labels.
constexpr uint64_t kSeriesBytes = 32;

}  // namespace

ShardSeriesSet::~ShardSeriesSet() {
  if (budget_ != nullptr) budget_->Release(charged_bytes_);
}

std::vector<ColumnRows> ShardSeriesSet::ChunkColumns(std::span<const uint64_t> rows) const {
  std::vector<ColumnRows> wanted;
  const ShardColumns& columns = shard_->columns();
  const ShardColumns::Span span = columns.DataColumns(range_);
  const std::vector<RowRange> ranges = RangesOf(rows);
  for (uint32_t i = span.first; i < span.end; ++i) wanted.push_back({columns.data[i], ranges});
  return wanted;
}

Result<std::unique_ptr<ShardSeriesSet>> ShardSeriesSet::Select(std::shared_ptr<const Shard> shard,
                                                               const SelectRequest& request,
                                                               Executor* executor,
                                                               ShardReads* reads) {
  auto set = std::unique_ptr<ShardSeriesSet>(new ShardSeriesSet());
  set->shard_ = std::move(shard);
  set->range_ = request.range;
  set->counters_ = request.counters;
  const Shard& from = *set->shard_;
  const ShardColumns::Span span = from.columns().DataColumns(request.range);
  if (span.first == span.end) return set;
  ASSIGN_OR_RETURN(const auto ranges, from.Match(request.matchers, reads));
  std::vector<uint64_t> rows = RowsOf(ranges);
  // Without an order to keep, the first rows are as good as any.
  if (request.hints.limit != 0 && !request.hints.sorted && rows.size() > request.hints.limit) {
    rows.resize(request.hints.limit);
  }
  if (rows.empty()) return set;

  const std::vector<ColumnRows> chunks = set->ChunkColumns(rows);
  uint64_t chunk_bytes = 0;
  for (const ColumnRows& column : chunks) {
    if (chunk_bytes > from.options().prefetch_bytes) break;
    chunk_bytes += FetchBytes(*from.chunks().index, column);
  }
  LabelList labels;
  columnar::ReadStats chunk_stats;
  const auto read_labels = [&]() -> Status {
    ASSIGN_OR_RETURN(labels, from.ReadLabels(rows, request.matchers, reads));
    return Status::Ok();
  };
  const auto read_chunks = [&]() -> Status {
    ASSIGN_OR_RETURN(set->prefetched_,
                     from.chunks().Fetch(chunks, from.options().fetch, &chunk_stats));
    return Status::Ok();
  };
  const size_t work = chunk_bytes <= from.options().prefetch_bytes ? 2 : 1;
  if (work == 2 && executor != nullptr) {
    RETURN_IF_ERROR(ParallelFor(*executor, 2,
                                [&](size_t i) { return i == 0 ? read_labels() : read_chunks(); }));
  } else {
    RETURN_IF_ERROR(read_labels());
    if (work == 2) RETURN_IF_ERROR(read_chunks());
  }
  reads->stats.Add(chunk_stats);

  if (request.budget != nullptr) {
    uint64_t bytes = labels.memory_bytes() + labels.size() * kSeriesBytes;
    if (set->prefetched_ != nullptr) bytes += set->prefetched_->memory_bytes();
    RETURN_IF_ERROR(request.budget->Charge(bytes));
    set->budget_ = request.budget;
    set->charged_bytes_ = bytes;
  }
  set->List(std::move(labels), rows, request.hints);
  return set;
}

// In the order that was asked for, with ids; a label set that stands in several rows (a foreign
// file, or external labels laid over what told them apart) becomes one series.
void ShardSeriesSet::List(LabelList labels, std::span<const uint64_t> rows,
                          const SelectHints& hints) {
  labels_ = std::move(labels);
  std::vector<uint32_t> order(labels_.size());
  std::iota(order.begin(), order.end(), 0u);
  if (hints.sorted) {
    const auto before = [&](uint32_t a, uint32_t b) { return labels_[a] < labels_[b]; };
    if (!std::is_sorted(order.begin(), order.end(), before)) {
      std::stable_sort(order.begin(), order.end(), before);
    }
  }
  std::vector<uint64_t> hashes;
  hashes.reserve(order.size());
  for (const uint32_t place : order) hashes.push_back(labels_[place].Hash());
  LabelIds ids(order.size());
  rows_.reserve(order.size());
  places_.reserve(order.size());
  for (size_t i = 0; i < order.size(); ++i) {
    if (i + kPrefetched < order.size()) ids.Prefetch(hashes[i + kPrefetched]);
    const uint32_t place = order[i];
    const auto same_as = [&](uint32_t series) {
      return labels_[places_[series]] == labels_[place];
    };
    const auto [series, fresh] = ids.Find(hashes[i], same_as);
    if (fresh) {
      rows_.push_back(rows[place]);
      places_.push_back(place);
    } else {
      more_rows_[series].push_back(rows[place]);
    }
  }
  ids_ = ids.Take();
  if (hints.limit != 0 && rows_.size() > hints.limit) {
    rows_.resize(hints.limit);
    places_.resize(hints.limit);
    ids_.resize(hints.limit);
    std::erase_if(more_rows_, [&](const auto& more) { return more.first >= hints.limit; });
  }
}

namespace {

// What one call may hold of decoded pages and of their chunks: cells hardly shrink when they are
// stored, those of thousands of series that never change do.
constexpr uint64_t kHeldFloorBytes = uint64_t{32} << 20;
constexpr uint64_t kHeldPerByte = 64;

uint64_t BytesOf(const columnar::ColumnVector& page) {
  return page.arena.capacity() + 16 * page.own_values.capacity() + 8 * page.runs.capacity();
}

}  // namespace

Result<ShardSeriesSet::PagePtr> ShardSeriesSet::DecodePage(
    const std::shared_ptr<const PageFetch>& fetch, size_t slot, size_t i,
    columnar::PageDecoder& decoder) const {
  const uint32_t key = static_cast<uint32_t>(slot);
  {
    MutexLock lock(mutex_);
    const auto last = last_pages_.find(key);
    if (last != last_pages_.end() && last->second.page == fetch->page(slot, i)) {
      return last->second.rows;
    }
  }
  auto page = std::make_shared<Page>();
  RETURN_IF_ERROR(fetch->Decode(slot, i, decoder, &page->rows));
  if (page->rows.values.data() != page->rows.own_values.data()) page->fetch = fetch;
  if (i + 1 == fetch->page_count(slot)) {
    MutexLock lock(mutex_);
    last_pages_[key] = {fetch->page(slot, i), page};
  }
  return PagePtr(std::move(page));
}

Status ShardSeriesSet::DecodeCells(const std::shared_ptr<const PageFetch>& fetch,
                                   std::span<const uint64_t> rows, std::vector<Found>* found,
                                   Cells* out) const {
  columnar::PageDecoder decoder;
  std::vector<CellChunk> cell_chunks;
  Status status;
  const uint64_t most = kHeldFloorBytes + kHeldPerByte * fetch->memory_bytes();
  uint64_t pages_held = 0;
  const auto check_held = [&]() -> Status {
    const uint64_t chunks = found->size() + cell_chunks.size();
    const uint64_t held = pages_held + chunks * (sizeof(Found) + sizeof(EncodedChunk));
    if (held <= most) return Status::Ok();
    return Status::Corruption(
        fmt::format("{} stored bytes of pages decode to {} and more, limit {}",
                    fetch->memory_bytes(), held, most));
  };
  for (size_t slot = 0; slot < fetch->column_count(); ++slot) {
    size_t next = 0;
    for (size_t i = 0; i < fetch->page_count(slot); ++i) {
      const RowRange held = fetch->page_rows(slot, i);
      while (next < rows.size() && rows[next] < held.first) ++next;
      if (next == rows.size()) break;
      if (rows[next] >= held.end()) continue;
      if (budget_ != nullptr) RETURN_IF_ERROR(budget_->Check());
      ASSIGN_OR_RETURN(const PagePtr page, DecodePage(fetch, slot, i, decoder));
      out->owners.push_back(page);
      pages_held += BytesOf(page->rows);
      VisitRows(page->rows, held, rows, &next, [&](size_t at, std::string_view cell) {
        if (!status.ok()) return;
        cell_chunks.clear();
        status = ParseCell(shard_->columns().cells, cell, &cell_chunks);
        if (status.ok()) status = check_held();
        if (!status.ok()) return;
        for (const CellChunk& chunk : cell_chunks) {
          const TimeRange held_times{chunk.min_ms, chunk.max_ms};
          if (!held_times.Overlaps(range_)) continue;
          found->push_back({static_cast<uint32_t>(at),
                            {chunk.encoding, chunk.min_ms, chunk.max_ms, 0, chunk.bytes}});
        }
      });
      RETURN_IF_ERROR(status.WithContext(shard_->name() + ", its chunks"));
    }
  }
  return Status::Ok();
}

Status ShardSeriesSet::ReadCells(std::span<const uint32_t> series, Cells* out) const {
  // Rows, ascending, and whose they are.
  std::vector<std::pair<uint64_t, uint32_t>> owners;
  for (uint32_t i = 0; i < series.size(); ++i) {
    owners.emplace_back(rows_[series[i]], i);
    const auto more = more_rows_.find(series[i]);
    if (more == more_rows_.end()) continue;
    for (const uint64_t row : more->second) owners.emplace_back(row, i);
  }
  std::sort(owners.begin(), owners.end());
  std::vector<uint64_t> rows;
  for (const auto& [row, owner] : owners) rows.push_back(row);

  std::shared_ptr<const PageFetch> fetch = prefetched_;
  if (fetch == nullptr && !rows.empty()) {
    columnar::ReadStats stats;
    ASSIGN_OR_RETURN(fetch,
                     shard_->chunks().Fetch(ChunkColumns(rows), shard_->options().fetch, &stats));
    CountReads(stats, counters_);
  }
  std::vector<Found> found;
  if (fetch != nullptr) RETURN_IF_ERROR(DecodeCells(fetch, rows, &found, out));

  // By series, then by time.
  out->offsets.assign(series.size() + 1, 0);
  for (Found& one : found) {
    one.row = owners[one.row].second;
    ++out->offsets[one.row + 1];
  }
  std::partial_sum(out->offsets.begin(), out->offsets.end(), out->offsets.begin());
  std::vector<uint32_t> place(out->offsets.begin(), out->offsets.end() - 1);
  out->chunks.resize(found.size());
  for (const Found& one : found) out->chunks[place[one.row]++] = one.chunk;
  const auto by_time = [](const EncodedChunk& a, const EncodedChunk& b) {
    return a.min_ms < b.min_ms;
  };
  for (size_t i = 0; i < series.size(); ++i) {
    const auto begin = out->chunks.begin() + out->offsets[i];
    const auto end = out->chunks.begin() + out->offsets[i + 1];
    if (!std::is_sorted(begin, end, by_time)) std::stable_sort(begin, end, by_time);
  }
  return Status::Ok();
}

Status ShardSeriesSet::Read(std::span<const uint32_t> series, SeriesBatch* out) const {
  out->Clear();
  Cells cells;
  RETURN_IF_ERROR(ReadCells(series, &cells));
  SeriesBatch scratch;
  for (size_t i = 0; i < series.size(); ++i) {
    if (budget_ != nullptr) RETURN_IF_ERROR(budget_->Check());
    const auto chunks =
        std::span(cells.chunks).subspan(cells.offsets[i], cells.offsets[i + 1] - cells.offsets[i]);
    const Status status = AppendSamples(chunks, range_, &scratch, out);
    if (!status.ok()) {
      return status.WithContext(shard_->name() + " " + labels(series[i]).ToString());
    }
    out->offsets.push_back(static_cast<uint32_t>(out->timestamps_ms.size()));
  }
  EvenColumns(out);
  if (counters_ != nullptr) {
    counters_->cold_series += series.size();
    counters_->cold_samples += out->timestamps_ms.size();
  }
  return Status::Ok();
}

Status ShardSeriesSet::ReadEncoded(std::span<const uint32_t> series, EncodedBatch* out) const {
  out->Clear();
  Cells cells;
  RETURN_IF_ERROR(ReadCells(series, &cells));
  SeriesBatch cut;
  SeriesBatch scratch;
  for (size_t i = 0; i < series.size(); ++i) {
    for (uint32_t c = cells.offsets[i]; c < cells.offsets[i + 1]; ++c) {
      const EncodedChunk& chunk = cells.chunks[c];
      // parquet-common's writer starts the maximum at 0, which is all it says of negative times.
      const bool unknown_end = chunk.min_ms < 0 && chunk.max_ms == 0;
      bool whole = !unknown_end && range_.Contains(chunk.min_ms) && range_.Contains(chunk.max_ms);
      if (whole && !shard_->columns().ours && HoldsSamples(chunk.encoding)) {
        whole = IsInOrder(chunk, &cut);
      }
      if (whole) {
        out->chunks.push_back(chunk);
        continue;
      }
      cut.Clear();
      RETURN_IF_ERROR(AppendSamples({&chunk, 1}, range_, &scratch, &cut));
      std::vector<OwnedChunk> made;
      RETURN_IF_ERROR(EncodeSamples(cut, 0, cut.timestamps_ms.size(), kNoSampleLimit, &made));
      const auto kept = std::make_shared<std::vector<OwnedChunk>>(std::move(made));
      out->owners.push_back(kept);
      for (const OwnedChunk& one : *kept) {
        out->chunks.push_back(one.chunk);
        out->chunks.back().bytes = one.payload;
      }
    }
    out->offsets.push_back(static_cast<uint32_t>(out->chunks.size()));
  }
  out->owners.insert(out->owners.end(), cells.owners.begin(), cells.owners.end());
  return Status::Ok();
}

}  // namespace thermocline::shards
