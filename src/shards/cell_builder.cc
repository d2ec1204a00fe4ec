#include "shards/cell_builder.h"

#include <fmt/core.h>

#include <algorithm>

#include "codec/chunk.h"

namespace thermocline::shards {

CellBuilder::CellBuilder(const ShardWriterOptions& options)
    : options_(options),
      first_column_ms_(options.layout == ShardLayout::kGateway
                           ? FloorTo(options.range.start_ms, kDayMs)
                           : options.range.start_ms),
      format_(options.layout == ShardLayout::kGateway ? CellFormat::kFixed : CellFormat::kVarint),
      cells_(options.data_columns()) {}

uint32_t CellBuilder::ColumnOf(TimestampMs t_ms) const {
  const int64_t width =
      options_.layout == ShardLayout::kGateway ? kGatewayColumnMs : options_.column_ms;
  const uint64_t since = static_cast<uint64_t>(t_ms) - static_cast<uint64_t>(first_column_ms_);
  return static_cast<uint32_t>(since / static_cast<uint64_t>(width));
}

bool CellBuilder::FitsColumn(TimestampMs min_ms, TimestampMs max_ms) const {
  // The gateway keeps a chunk whole where it begins.
  return options_.layout == ShardLayout::kGateway || ColumnOf(min_ms) == ColumnOf(max_ms);
}

bool CellBuilder::FitsAlone(const EncodedChunk& chunk) const {
  if (!options_.range.Contains(chunk.min_ms) || !options_.range.Contains(chunk.max_ms)) {
    return false;
  }
  if (chunk.encoding != ChunkEncoding::kXor && chunk.encoding != ChunkEncoding::kHistogram &&
      chunk.encoding != ChunkEncoding::kFloatHistogram) {
    return false;
  }
  const auto samples = ChunkSampleCount(chunk.encoding, chunk.bytes);
  const uint32_t most = (options_.cut_larger_chunks ? 1 : 2) * options_.samples_per_chunk;
  return samples.ok() && *samples <= most && FitsColumn(chunk.min_ms, chunk.max_ms);
}

Status CellBuilder::FromChunks(std::span<const EncodedChunk> chunks) {
  records_.clear();
  made_.clear();
  for (size_t begin = 0; begin < chunks.size();) {
    size_t end = begin + 1;
    TimestampMs last = chunks[begin].max_ms;
    while (end < chunks.size() && chunks[end].min_ms <= last) {
      last = std::max(last, chunks[end].max_ms);
      ++end;
    }
    const EncodedChunk& first = chunks[begin];
    if (!options_.range.Overlaps({first.min_ms, last})) {
      begin = end;
      continue;
    }
    if (end == begin + 1 && FitsAlone(first)) {
      ASSIGN_OR_RETURN(const uint32_t samples, ChunkSampleCount(first.encoding, first.bytes));
      if (samples > 0) {
        records_.push_back(
            {ColumnOf(first.min_ms), {first.encoding, first.min_ms, first.max_ms, first.bytes}});
        counts_.samples += samples;
        ++counts_.chunks_passed;
      }
    } else {
      RETURN_IF_ERROR(Merge(chunks.subspan(begin, end - begin)));
    }
    begin = end;
  }
  return Finish();
}

Status CellBuilder::Merge(std::span<const EncodedChunk> chunks) {
  merged_.Clear();
  RETURN_IF_ERROR(AppendSamples(chunks, options_.range, &scratch_, &merged_));
  DropStarts(&merged_);
  return Encode(merged_, 0, merged_.timestamps_ms.size());
}

Status CellBuilder::FromSamples(const SeriesBatch& batch, size_t begin, size_t end) {
  records_.clear();
  made_.clear();
  const auto times = std::span(batch.timestamps_ms);
  while (begin < end && times[begin] < options_.range.start_ms) ++begin;
  while (begin < end && times[end - 1] > options_.range.end_ms) --end;
  if (begin == end) return Finish();
  RETURN_IF_ERROR(Encode(batch, begin, end));
  return Finish();
}

void CellBuilder::DropStarts(SeriesBatch* batch) {
  for (const TimestampMs start : batch->start_timestamps_ms) {
    counts_.starts_dropped += start != 0 ? 1 : 0;
  }
  batch->start_timestamps_ms.clear();
}

Status CellBuilder::Encode(const SeriesBatch& batch, size_t begin, size_t end) {
  const auto times = std::span(batch.timestamps_ms);
  while (begin < end) {
    const uint32_t column = ColumnOf(times[begin]);
    size_t cut = begin + 1;
    while (cut < end && ColumnOf(times[cut]) == column) ++cut;
    std::vector<OwnedChunk>& made = made_.emplace_back();
    RETURN_IF_ERROR(EncodeSamples(batch, begin, cut, options_.samples_per_chunk, &made));
    for (const OwnedChunk& one : made) {
      records_.push_back(
          {column, {one.chunk.encoding, one.chunk.min_ms, one.chunk.max_ms, one.payload}});
    }
    counts_.samples += cut - begin;
    counts_.chunks_encoded += made.size();
    begin = cut;
  }
  return Status::Ok();
}

Status CellBuilder::Finish() {
  for (std::string& cell : cells_) cell.clear();
  empty_ = records_.empty();
  // parquet-common's writer has one appender per encoding and column, and stores them in the order
  // of their numbers; the gateway's order is time.
  if (options_.layout == ShardLayout::kParquetCommon) {
    const auto by_encoding = [](const Record& a, const Record& b) {
      return a.chunk.encoding < b.chunk.encoding;
    };
    if (!std::is_sorted(records_.begin(), records_.end(), by_encoding)) {
      std::stable_sort(records_.begin(), records_.end(), by_encoding);
    }
  }
  for (const Record& record : records_) {
    if (record.column >= cells_.size()) {
      return Status::Internal(fmt::format("a chunk at {} in column {} of {}", record.chunk.min_ms,
                                          record.column, cells_.size()));
    }
    AppendCellChunk(format_, record.chunk, &cells_[record.column]);
  }
  return Status::Ok();
}

}  // namespace thermocline::shards
