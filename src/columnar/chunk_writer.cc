#include "columnar/chunk_writer.h"

#include <arrow/buffer.h>
#include <arrow/memory_pool.h>
#include <arrow/util/compression.h>
#include <fmt/core.h>
#include <parquet/column_page.h>
#include <parquet/statistics.h>

#include "columnar/arrow_wall.h"

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

ChunkWriter::ChunkWriter(const Place& place) : place_(place) {
  writer_ = ::parquet::PageWriter::Open(
      place.sink, ::parquet::Compression::ZSTD, place.metadata, place.row_group, place.column,
      ::arrow::system_memory_pool(), false, nullptr, nullptr, true, place.column_index,
      place.offset_index, ::arrow::util::CodecOptions(place.zstd_level));
}

Status ChunkWriter::WriteDictionary(std::span<const uint8_t> values, uint64_t count) {
  if (values.size() > kMaxPageBytes) {
    return Status::InvalidArgument(
        fmt::format("dictionary of {} bytes, limit {}", values.size(), kMaxPageBytes));
  }
  has_dictionary_ = true;
  const ::parquet::DictionaryPage page(Borrow(values), static_cast<int32_t>(count),
                                       ::parquet::Encoding::PLAIN);
  full_bytes_ += static_cast<uint64_t>(writer_->WriteDictionaryPage(page));
  return Status::Ok();
}

Status ChunkWriter::WritePage(const PageBody& page) {
  const size_t full = page.levels.size() + page.values.size();
  if (full > kMaxPageBytes) {
    return Status::InvalidArgument(fmt::format("page of {} bytes, limit {}", full, kMaxPageBytes));
  }
  body_.Clear();
  body_.Append(page.levels);
  bool compressed = false;
  if (!page.compressed.empty()) {
    compressed = page.compressed.size() < page.values.size();
    if (compressed) body_.Append(page.compressed);
  } else if (page.values.size() >= kMinCompressBytes) {
    ASSIGN_OR_RETURN(const size_t size, place_.compressor->Compress(page.values, &body_));
    compressed = size < page.values.size();
  }
  if (!compressed) {
    body_.Clear();
    body_.Append(page.levels);
    body_.Append(page.values);
  }
  ::parquet::SizeStatistics sizes;
  if (page.string_bytes) {
    sizes.unencoded_byte_array_data_bytes = static_cast<int64_t>(*page.string_bytes);
  }
  const int32_t rows = static_cast<int32_t>(page.rows);
  const ::parquet::DataPageV2 data(Borrow(body_.bytes()), rows, static_cast<int32_t>(page.nulls),
                                   rows, static_cast<::parquet::Encoding::type>(page.encoding),
                                   static_cast<int32_t>(page.levels.size()), 0,
                                   static_cast<int64_t>(full), compressed,
                                   ToStatistics(page.bounds, page.nulls, page.nulls == page.rows),
                                   static_cast<int64_t>(rows_), sizes);
  full_bytes_ += static_cast<uint64_t>(writer_->WriteDataPage(data));
  rows_ += page.rows;
  nulls_ += page.nulls;
  plain_pages_.push_back(page.encoding == PageEncoding::kPlain);
  return Status::Ok();
}

Status ChunkWriter::Close(const ChunkBounds& bounds) {
  ::parquet::EncodedStatistics statistics = ToStatistics(bounds.bounds, nulls_, nulls_ == rows_);
  if (bounds.distinct) statistics.set_distinct_count(static_cast<int64_t>(*bounds.distinct));
  place_.metadata->SetStatistics(statistics);
  writer_->Close(has_dictionary_, false);
  return Status::Ok();
}

}  // namespace thermocline::columnar
