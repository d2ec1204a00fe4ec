#include "columnar/chunk_writer.h"

#include <arrow/buffer.h>
#include <arrow/memory_pool.h>
#include <arrow/util/compression.h>
#include <fmt/core.h>
#include <parquet/column_page.h>
#include <parquet/statistics.h>

namespace thermocline::columnar {

namespace {

// Trying costs a zstd context and wins a few bytes at most below this.
constexpr size_t kMinCompressBytes = 128;

::parquet::EncodedStatistics ToStatistics(const std::optional<PageBounds>& bounds, uint64_t nulls,
                                          bool all_null) {
  ::parquet::EncodedStatistics statistics;
  statistics.set_null_count(static_cast<int64_t>(nulls));
  statistics.all_null_value = all_null;
  if (bounds && !all_null) {
    statistics.set_min(bounds->min);
    statistics.set_max(bounds->max);
    statistics.is_min_value_exact = bounds->exact_min;
    statistics.is_max_value_exact = bounds->exact_max;
  }
  return statistics;
}

std::shared_ptr<::arrow::Buffer> Borrow(std::span<const uint8_t> bytes) {
  return std::make_shared<::arrow::Buffer>(bytes.data(), static_cast<int64_t>(bytes.size()));
}

}  // namespace

Status ChunkWriter::WriteDictionary(std::span<const uint8_t> values, uint64_t count) {
  if (values.size() > kMaxPageBytes) {
    return Status::InvalidArgument(
        fmt::format("dictionary of {} bytes, limit {}", values.size(), kMaxPageBytes));
  }
  chunk_->has_dictionary = true;
  chunk_->dictionary_values = count;
  chunk_->dictionary.Append(values);
  return Status::Ok();
}

Status ChunkWriter::WritePage(const PageBody& body) {
  const size_t full = body.levels.size() + body.values.size();
  if (full > kMaxPageBytes) {
    return Status::InvalidArgument(fmt::format("page of {} bytes, limit {}", full, kMaxPageBytes));
  }
  ByteBuffer& bodies = chunk_->bodies;
  EncodedPage& page = chunk_->pages.emplace_back();
  page.offset = bodies.size();
  bodies.Append(body.levels);
  const size_t values_at = bodies.size();
  if (!body.compressed.empty()) {
    page.compressed = body.compressed.size() < body.values.size();
    if (page.compressed) bodies.Append(body.compressed);
  } else if (body.values.size() >= kMinCompressBytes) {
    ASSIGN_OR_RETURN(const size_t size, compressor_->Compress(body.values, &bodies));
    page.compressed = size < body.values.size();
  }
  if (!page.compressed) {
    bodies.Resize(values_at);
    bodies.Append(body.values);
  }
  page.encoding = body.encoding;
  page.rows = body.rows;
  page.nulls = body.nulls;
  page.level_bytes = static_cast<uint32_t>(body.levels.size());
  page.repetition_bytes = body.repetition_bytes;
  page.list_entries = body.list_entries;
  page.full_bytes = full;
  page.stored_bytes = bodies.size() - page.offset;
  page.bounds = body.bounds;
  page.string_bytes = body.string_bytes;
  chunk_->rows += body.rows;
  chunk_->nulls += body.nulls;
  return Status::Ok();
}

Status ChunkWriter::Close(const ChunkBounds& bounds) {
  chunk_->bounds = bounds.bounds;
  chunk_->distinct = bounds.distinct;
  return Status::Ok();
}

uint64_t StoreChunk(const EncodedChunk& chunk, const ChunkPlace& place) {
  const std::unique_ptr<::parquet::PageWriter> writer = ::parquet::PageWriter::Open(
      place.sink, ::parquet::Compression::ZSTD, place.metadata, place.row_group, place.column,
      ::arrow::system_memory_pool(), false, nullptr, nullptr, true, place.column_index,
      place.offset_index, ::arrow::util::CodecOptions(place.zstd_level));
  uint64_t full_bytes = 0;
  if (chunk.has_dictionary) {
    const ::parquet::DictionaryPage page(Borrow(chunk.dictionary.bytes()),
                                         static_cast<int32_t>(chunk.dictionary_values),
                                         ::parquet::Encoding::PLAIN);
    full_bytes += static_cast<uint64_t>(writer->WriteDictionaryPage(page));
  }
  uint64_t first_row = 0;
  for (const EncodedPage& page : chunk.pages) {
    ::parquet::SizeStatistics sizes;
    if (page.string_bytes) {
      sizes.unencoded_byte_array_data_bytes = static_cast<int64_t>(*page.string_bytes);
    }
    const int32_t rows = static_cast<int32_t>(page.rows);
    // A list has at least one entry: 0 of them are no lists.
    const int32_t entries = page.list_entries == 0 ? rows : static_cast<int32_t>(page.list_entries);
    const ::parquet::DataPageV2 data(
        Borrow(chunk.bodies.bytes().subspan(page.offset, page.stored_bytes)), entries,
        static_cast<int32_t>(page.nulls), rows,
        static_cast<::parquet::Encoding::type>(page.encoding),
        static_cast<int32_t>(page.level_bytes - page.repetition_bytes),
        static_cast<int32_t>(page.repetition_bytes), static_cast<int64_t>(page.full_bytes),
        page.compressed, ToStatistics(page.bounds, page.nulls, page.nulls == page.rows),
        static_cast<int64_t>(first_row), sizes);
    full_bytes += static_cast<uint64_t>(writer->WriteDataPage(data));
    first_row += page.rows;
  }
  ::parquet::EncodedStatistics statistics =
      ToStatistics(chunk.bounds, chunk.nulls, chunk.nulls == chunk.rows);
  if (chunk.distinct) statistics.set_distinct_count(static_cast<int64_t>(*chunk.distinct));
  place.metadata->SetStatistics(statistics);
  writer->Close(chunk.has_dictionary, false);
  return full_bytes;
}

}  // namespace thermocline::columnar
