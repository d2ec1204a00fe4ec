// From the bytes at a file's end to a PagedFileIndex. Everything here comes from disk: each number
// is checked before it is used, and what libparquet throws ends at the wall.
#include <arrow/memory_pool.h>
#include <arrow/util/key_value_metadata.h>
#include <fmt/core.h>
#include <parquet/metadata.h>
#include <parquet/page_index.h>
#include <parquet/properties.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <set>

#include "columnar/arrow_wall.h"
#include "columnar/bloom_filter.h"
#include "columnar/chunk_writer.h"
#include "columnar/decode_limits.h"
#include "columnar/file_index.h"
#include "columnar/file_tail.h"
#include "columnar/index_parser.h"
#include "columnar/parquet_schema.h"
#include "columnar/plain_pages.h"
#include "columnar/tail_check.h"

namespace thermocline::columnar {

namespace {

::parquet::ReaderProperties BoundedProperties() {
  ::parquet::ReaderProperties properties(::arrow::system_memory_pool());
  properties.set_thrift_string_size_limit(8 << 20);
  properties.set_thrift_container_size_limit(100 << 10);
  properties.set_page_checksum_verification(true);
  return properties;
}

// libparquet's enum has other numbers than the file format.
std::optional<PageCodec> CodecOf(::parquet::Compression::type codec) {
  switch (codec) {
    case ::parquet::Compression::UNCOMPRESSED: return PageCodec::kNone;
    case ::parquet::Compression::SNAPPY: return PageCodec::kSnappy;
    case ::parquet::Compression::GZIP: return PageCodec::kGzip;
    case ::parquet::Compression::BROTLI: return PageCodec::kBrotli;
    case ::parquet::Compression::ZSTD: return PageCodec::kZstd;
    case ::parquet::Compression::LZ4: return PageCodec::kLz4Raw;
    default: return std::nullopt;
  }
}

ColumnEncoding EncodingOf(PageEncoding encoding) {
  switch (encoding) {
    case PageEncoding::kRleDictionary:
    case PageEncoding::kPlainDictionary: return ColumnEncoding::kDictionary;
    case PageEncoding::kDeltaBinaryPacked: return ColumnEncoding::kDelta;
    case PageEncoding::kByteStreamSplit: return ColumnEncoding::kSplit;
    case PageEncoding::kDeltaByteArray: return ColumnEncoding::kDeltaStrings;
    case PageEncoding::kDeltaLengthByteArray: return ColumnEncoding::kDeltaLengths;
    default: return ColumnEncoding::kPlain;
  }
}

}  // namespace

class IndexParser {
 public:
  IndexParser(std::string_view tail, uint64_t file_size, const std::string& name)
      : tail_(tail), file_size_(file_size), index_(std::make_shared<PagedFileIndex>()) {
    index_->name_ = name;
    index_->file_size_bytes_ = file_size;
  }

  // Parses the footer only. *begin becomes the offset in the file where the indexes begin.
  Status ParseFooter(uint64_t* begin);
  Status ParseColumns();
  std::shared_ptr<const FileIndex> index() const { return index_; }

 private:
  // What the file says of itself (tail_check.h).
  Status CheckTail();
  Status TakeBloomChecks();
  Status Bad(const std::string& what) const {
    return Status::Corruption(index_->name_ + ": " + what);
  }
  // The bytes at `location`; they must lie in the tail.
  Result<std::string_view> BytesAt(const ::parquet::IndexLocation& location) const;
  Status ParseColumn(uint32_t column);
  Status ParseChunk(uint32_t column, uint32_t group, PageLayout* layout, ColumnEntry* entry);
  Status ParseBloom(const ::parquet::ColumnChunkMetaData& chunk, uint32_t group,
                    ColumnEntry* entry);
  Status ParseOffsets(const ::parquet::OffsetIndex& offsets, uint32_t group, PageLayout* layout,
                      ColumnEntry* entry);
  Status ParseBounds(uint32_t column, const ::parquet::ColumnIndex& from, size_t first_page,
                     const PageLayout& layout, ColumnEntry* entry);
  void ExpectEncodings(uint32_t column, uint32_t group, const ::parquet::ColumnChunkMetaData& chunk,
                       size_t first_page, ColumnEntry* entry);
  static void AddBounds(ColumnType type, size_t page, std::string_view min, std::string_view max,
                        ColumnBounds* bounds);
  void CountMemory();

  const std::string_view tail_;
  const uint64_t file_size_;
  const std::shared_ptr<PagedFileIndex> index_;
  std::shared_ptr<::parquet::FileMetaData> metadata_;
  std::vector<std::unique_ptr<::parquet::RowGroupMetaData>> groups_;
  std::vector<uint64_t> group_first_;  // per row group its first row
  PlainPages plain_pages_;
  uint64_t pages_end_ = 0;   // pages lie before this offset
  uint64_t tail_begin_ = 0;  // where the page indexes begin, or the footer where there are none
};

Status IndexParser::ParseFooter(uint64_t* begin) {
  ASSIGN_OR_RETURN(const uint64_t bytes, FooterBytes(tail_, file_size_, index_->name_));
  if (bytes + kTrailerBytes > tail_.size()) return Bad("the footer is not in the bytes read");
  const char* at = tail_.data() + tail_.size() - kTrailerBytes - bytes;
  metadata_ = ::parquet::FileMetaData::Make(at, static_cast<int64_t>(bytes), BoundedProperties());
  if (metadata_->is_encryption_algorithm_set()) {
    return Status::Unimplemented(index_->name_ + ": encrypted columns are not supported");
  }
  ASSIGN_OR_RETURN(index_->schema_, FromParquet(*metadata_->schema()));
  index_->created_by_ = metadata_->created_by();
  if (const auto& pairs = metadata_->key_value_metadata(); pairs != nullptr) {
    for (int64_t i = 0; i < pairs->size(); ++i) {
      index_->key_values_.emplace_back(pairs->key(i), pairs->value(i));
    }
  }
  pages_end_ = file_size_ - kTrailerBytes - bytes;
  index_->footer_offset_ = pages_end_;
  *begin = pages_end_;
  uint64_t rows = 0;
  for (int g = 0; g < metadata_->num_row_groups(); ++g) {
    groups_.push_back(metadata_->RowGroup(g));
    const int64_t group_rows = groups_.back()->num_rows();
    if (group_rows <= 0 || groups_.back()->num_columns() != metadata_->num_columns()) {
      return Bad(fmt::format("row group {} has {} rows in {} columns", g, group_rows,
                             groups_.back()->num_columns()));
    }
    group_first_.push_back(rows);
    rows += static_cast<uint64_t>(group_rows);
    for (int c = 0; c < metadata_->num_columns(); ++c) {
      const auto chunk = groups_.back()->ColumnChunk(c);
      for (const auto& place : {chunk->GetColumnIndexLocation(), chunk->GetOffsetIndexLocation()}) {
        if (place && place->offset > 0) {
          *begin = std::min(*begin, static_cast<uint64_t>(place->offset));
        }
      }
    }
  }
  if (static_cast<int64_t>(rows) != metadata_->num_rows()) {
    return Bad(fmt::format("row groups have {} rows, the file {}", rows, metadata_->num_rows()));
  }
  tail_begin_ = *begin;
  index_->rows_ = rows;
  index_->row_groups_ = static_cast<uint32_t>(groups_.size());
  return Status::Ok();
}

Result<std::string_view> IndexParser::BytesAt(const ::parquet::IndexLocation& location) const {
  const uint64_t tail_begin = file_size_ - tail_.size();
  const uint64_t offset = static_cast<uint64_t>(location.offset);
  const uint64_t length = static_cast<uint64_t>(std::max(location.length, 0));
  if (location.offset < 0 || length == 0 || offset < tail_begin || offset >= file_size_ ||
      length > file_size_ - offset) {
    return Bad(fmt::format("page index at offset {} of {} bytes is not in the last {} bytes",
                           location.offset, location.length, tail_.size()));
  }
  return tail_.substr(offset - tail_begin, length);
}

Status IndexParser::CheckTail() {
  const uint64_t begin = file_size_ - tail_.size();
  if (tail_begin_ < begin) return Bad("page indexes begin before the bytes read");
  const std::string_view footer =
      tail_.substr(pages_end_ - begin, file_size_ - kTrailerBytes - pages_end_);
  const auto digits = FindTailDigits(footer);
  if (!digits) return Status::Ok();
  const std::string_view indexes = tail_.substr(tail_begin_ - begin, pages_end_ - tail_begin_);
  const std::string expected = TailDigits(indexes, footer, *digits);
  const std::string_view found = footer.substr(*digits, kTailDigits);
  if (found != expected) {
    return Bad(fmt::format("page indexes and footer from offset {} hash to {}, the footer says {}",
                           tail_begin_, expected, found));
  }
  index_->tail_checked_ = true;
  return Status::Ok();
}

Status IndexParser::TakeBloomChecks() {
  const std::string* checks = index_->FindKey(kBloomCheckKey);
  if (checks == nullptr || !index_->tail_checked_) return Status::Ok();
  size_t next = 0;
  for (uint32_t group = 0; group < groups_.size(); ++group) {
    for (ColumnEntry& entry : index_->columns_) {
      if (entry.blooms.empty() || entry.blooms[group].offset == 0) continue;
      uint32_t check = 0;
      const char* const at = checks->data() + next;
      if (checks->size() - next < kBloomDigits ||
          std::from_chars(at, at + kBloomDigits, check, 16).ptr != at + kBloomDigits) {
        return Bad("malformed checks of bloom filters");
      }
      next += kBloomDigits;
      entry.blooms[group].crc = check;
    }
  }
  return next == checks->size() ? Status::Ok() : Bad("more checks than bloom filters");
}

Status IndexParser::ParseColumns() {
  RETURN_IF_ERROR(CheckTail());
  for (const auto& [key, value] : index_->key_values_) {
    if (key != kPlainPagesKey) continue;
    auto parsed = ParsePlainPages(value);
    if (!parsed) return Bad("malformed footer key " + key);
    plain_pages_ = std::move(*parsed);
  }
  index_->columns_.resize(index_->schema_.columns.size());
  for (uint32_t column = 0; column < index_->columns_.size(); ++column) {
    RETURN_IF_ERROR(
        ParseColumn(column).WithContext("column '" + index_->schema_.columns[column].path() + "'"));
  }
  for (const ColumnEntry& entry : index_->columns_) {
    index_->aligned_ &= entry.layout == index_->columns_[0].layout;
  }
  RETURN_IF_ERROR(TakeBloomChecks());
  CountMemory();
  return Status::Ok();
}

Status IndexParser::ParseColumn(uint32_t column) {
  ColumnEntry entry;
  PageLayout layout;
  for (uint32_t group = 0; group < groups_.size(); ++group) {
    RETURN_IF_ERROR(ParseChunk(column, group, &layout, &entry));
  }
  layout.group_begin.push_back(static_cast<uint32_t>(entry.pages.size()));
  layout.first_row.push_back(index_->rows_);
  // Few layouts in a file, shared by neighbours: the first column's, or the one before's.
  for (const uint32_t known : {0u, column - 1}) {
    if (column == 0 || entry.layout != nullptr) break;
    if (*index_->columns_[known].layout == layout) entry.layout = index_->columns_[known].layout;
  }
  if (entry.layout == nullptr) entry.layout = std::make_shared<PageLayout>(std::move(layout));
  if (!entry.encodings.empty()) {
    index_->schema_.columns[column].encoding =
        EncodingOf(static_cast<PageEncoding>(entry.encodings[0]));
  }
  index_->columns_[column] = std::move(entry);
  return Status::Ok();
}

Status IndexParser::ParseChunk(uint32_t column, uint32_t group, PageLayout* layout,
                               ColumnEntry* entry) {
  const auto chunk = groups_[group]->ColumnChunk(static_cast<int>(column));
  const auto place = chunk->GetOffsetIndexLocation();
  if (!place) return Status::Unimplemented(index_->name_ + ": no page index");
  ASSIGN_OR_RETURN(const std::string_view offset_bytes, BytesAt(*place));
  entry->offset_index_bytes += offset_bytes.size();
  const size_t first_page = entry->pages.size();
  layout->group_begin.push_back(static_cast<uint32_t>(first_page));
  const auto offsets = ::parquet::OffsetIndex::Make(
      offset_bytes.data(), static_cast<int64_t>(offset_bytes.size()), BoundedProperties());
  RETURN_IF_ERROR(ParseOffsets(*offsets, group, layout, entry));

  ChunkEntry stored;
  const auto codec = CodecOf(chunk->compression());
  if (!codec) return Status::Unimplemented(index_->name_ + ": a codec that is not supported");
  stored.codec = *codec;
  if (chunk->has_dictionary_page()) {
    const int64_t begin = chunk->dictionary_page_offset();
    const int64_t end = static_cast<int64_t>(entry->pages[first_page].offset);
    if (begin < 4 || begin >= end || end - begin > static_cast<int64_t>(kMaxPageBytes)) {
      return Bad(
          fmt::format("row group {}: dictionary page at {} before data at {}", group, begin, end));
    }
    stored.dictionary_offset = static_cast<uint64_t>(begin);
    stored.dictionary_bytes = static_cast<uint32_t>(end - begin);
  }
  entry->chunks.push_back(stored);
  RETURN_IF_ERROR(ParseBloom(*chunk, group, entry));
  ExpectEncodings(column, group, *chunk, first_page, entry);

  const auto bounds_place = chunk->GetColumnIndexLocation();
  entry->bounds.known.resize(entry->pages.size(), 0);
  if (!bounds_place) return Status::Ok();
  ASSIGN_OR_RETURN(const std::string_view bounds_bytes, BytesAt(*bounds_place));
  entry->column_index_bytes += bounds_bytes.size();
  const auto bounds = ::parquet::ColumnIndex::Make(
      *metadata_->schema()->Column(static_cast<int>(column)), bounds_bytes.data(),
      static_cast<int64_t>(bounds_bytes.size()), BoundedProperties());
  return ParseBounds(column, *bounds, first_page, *layout, entry);
}

Status IndexParser::ParseBloom(const ::parquet::ColumnChunkMetaData& chunk, uint32_t group,
                               ColumnEntry* entry) {
  const int64_t offset = chunk.bloom_filter_offset().value_or(0);
  const int64_t size = chunk.bloom_filter_length().value_or(0);
  if (offset == 0) return Status::Ok();
  const auto limit = static_cast<int64_t>(kMaxBloomBytes + kMaxBloomHeaderBytes);
  const auto end = static_cast<int64_t>(pages_end_);
  if (offset < 4 || offset >= end || size < 0 || size > limit || size > end - offset) {
    return Bad(fmt::format("row group {}: bloom filter of {} bytes at {}", group, size, offset));
  }
  entry->blooms.resize(groups_.size());
  entry->blooms[group] = {static_cast<uint64_t>(offset), static_cast<uint32_t>(size), {}};
  return Status::Ok();
}

Status IndexParser::ParseOffsets(const ::parquet::OffsetIndex& offsets, uint32_t group,
                                 PageLayout* layout, ColumnEntry* entry) {
  const uint64_t group_rows = static_cast<uint64_t>(groups_[group]->num_rows());
  const auto& pages = offsets.page_locations();
  if (pages.empty()) return Bad(fmt::format("row group {} has no pages", group));
  for (size_t i = 0; i < pages.size(); ++i) {
    const auto& page = pages[i];
    const int64_t end =
        i + 1 < pages.size() ? pages[i + 1].first_row_index : static_cast<int64_t>(group_rows);
    const bool rows_fit = (i != 0 || page.first_row_index == 0) && page.first_row_index >= 0 &&
                          page.first_row_index < end && end <= static_cast<int64_t>(group_rows) &&
                          end - page.first_row_index <= static_cast<int64_t>(kMaxPageRows);
    const bool bytes_fit =
        page.offset >= 4 && page.compressed_page_size > 0 &&
        static_cast<uint64_t>(page.offset) < pages_end_ &&
        static_cast<uint64_t>(page.compressed_page_size) <=
            pages_end_ - static_cast<uint64_t>(page.offset) &&
        static_cast<uint64_t>(page.compressed_page_size) <= kMaxPageBytes + (64 << 10);
    if (!rows_fit || !bytes_fit) {
      return Bad(fmt::format("row group {} page {}: offset {}, {} bytes, rows {} to {} of {}",
                             group, i, page.offset, page.compressed_page_size, page.first_row_index,
                             end, group_rows));
    }
    entry->pages.push_back({static_cast<uint64_t>(page.offset),
                            static_cast<uint32_t>(page.compressed_page_size), kUnknownNulls});
    layout->first_row.push_back(group_first_[group] + static_cast<uint64_t>(page.first_row_index));
  }
  return Status::Ok();
}

Status IndexParser::ParseBounds(uint32_t column, const ::parquet::ColumnIndex& from,
                                size_t first_page, const PageLayout& layout, ColumnEntry* entry) {
  const size_t count = entry->pages.size() - first_page;
  const auto& null_pages = from.null_pages();
  const auto& mins = from.encoded_min_values();
  const auto& maxs = from.encoded_max_values();
  if (null_pages.size() != count || mins.size() != count || maxs.size() != count ||
      (from.has_null_counts() && from.null_counts().size() != count)) {
    return Bad(fmt::format("column index has {} pages, offset index {}", null_pages.size(), count));
  }
  const uint64_t group_end =
      group_first_[layout.group_begin.size() - 1] +
      static_cast<uint64_t>(groups_[layout.group_begin.size() - 1]->num_rows());
  const ColumnType type = index_->schema_.columns[column].type;
  for (size_t i = 0; i < count; ++i) {
    const size_t page = first_page + i;
    const uint64_t end = i + 1 < count ? layout.first_row[page + 1] : group_end;
    const uint64_t rows = end - layout.first_row[page];
    const int64_t nulls = from.has_null_counts() ? from.null_counts()[i] : -1;
    if (nulls > static_cast<int64_t>(rows) ||
        (null_pages[i] && nulls >= 0 && nulls != static_cast<int64_t>(rows))) {
      return Bad(fmt::format("page {} has {} nulls in {} rows", page, nulls, rows));
    }
    if (nulls >= 0) entry->pages[page].nulls = static_cast<uint32_t>(nulls);
    if (null_pages[i]) {
      entry->pages[page].nulls = static_cast<uint32_t>(rows);
      continue;
    }
    AddBounds(type, page, mins[i], maxs[i], &entry->bounds);
    if (entry->bounds.known[page] != 0 || !mins[i].empty()) ++entry->bounded_pages;
  }
  return Status::Ok();
}

// Keeps the bounds of one page; those of earlier pages without any become empty.
void IndexParser::AddBounds(ColumnType type, size_t page, std::string_view min,
                            std::string_view max, ColumnBounds* bounds) {
  if (IsInt64(type) && min.size() == 8 && max.size() == 8) {
    bounds->int64s.resize(2 * page, 0);
    for (const std::string_view bound : {min, max}) {
      int64_t value = 0;
      std::memcpy(&value, bound.data(), 8);
      bounds->int64s.push_back(value);
    }
    bounds->known[page] = 1;
  } else if (IsByteArray(type)) {
    bounds->string_ends.resize(2 * page, static_cast<uint32_t>(bounds->text.size()));
    for (const std::string_view bound : {min, max}) {
      bounds->text.append(bound);
      bounds->string_ends.push_back(static_cast<uint32_t>(bounds->text.size()));
    }
    bounds->known[page] = 1;
  }
}

void IndexParser::ExpectEncodings(uint32_t column, uint32_t group,
                                  const ::parquet::ColumnChunkMetaData& chunk, size_t first_page,
                                  ColumnEntry* entry) {
  std::vector<int8_t> found;
  for (const auto& stats : chunk.encoding_stats()) {
    const bool data = stats.page_type == ::parquet::PageType::DATA_PAGE ||
                      stats.page_type == ::parquet::PageType::DATA_PAGE_V2;
    const int8_t encoding = static_cast<int8_t>(stats.encoding);
    if (data && std::find(found.begin(), found.end(), encoding) == found.end()) {
      found.push_back(encoding);
    }
  }
  const int8_t plain = static_cast<int8_t>(PageEncoding::kPlain);
  const auto noted = plain_pages_.find({group, column});
  const size_t count = entry->pages.size() - first_page;
  entry->encodings.resize(entry->pages.size(), found.size() == 1 ? found[0] : kUnknownEncoding);
  if (found.size() != 2 || noted == plain_pages_.end() || noted->second.size() != count ||
      std::find(found.begin(), found.end(), plain) == found.end()) {
    return;
  }
  const int8_t other = found[0] == plain ? found[1] : found[0];
  for (size_t i = 0; i < count; ++i) {
    entry->encodings[first_page + i] = noted->second[i] ? plain : other;
  }
}

void IndexParser::CountMemory() {
  uint64_t bytes = sizeof(PagedFileIndex) + index_->name_.size();
  for (const auto& [key, value] : index_->key_values_) bytes += key.size() + value.size() + 64;
  for (const ColumnSpec& column : index_->schema_.columns) {
    bytes += sizeof(ColumnSpec) + column.name.size() + column.list.size();
    for (const std::string& group : column.groups) bytes += sizeof(std::string) + group.size();
  }
  std::set<const PageLayout*> layouts;
  for (const ColumnEntry& entry : index_->columns_) {
    bytes += sizeof(ColumnEntry) + entry.pages.capacity() * sizeof(PageEntry) +
             entry.encodings.capacity() + entry.chunks.capacity() * sizeof(ChunkEntry) +
             entry.blooms.capacity() * sizeof(BloomEntry) + entry.bounds.known.capacity() +
             8 * entry.bounds.int64s.capacity() + 4 * entry.bounds.string_ends.capacity() +
             entry.bounds.text.capacity();
    const bool own = layouts.insert(entry.layout.get()).second;
    if (own) bytes += 8 * entry.layout->first_row.size() + 4 * entry.layout->group_begin.size();
  }
  index_->memory_bytes_ = bytes;
}

Result<std::shared_ptr<const FileIndex>> FileReader::ParseIndex(std::string_view tail_bytes,
                                                                uint64_t file_size_bytes,
                                                                const std::string& name) {
  std::shared_ptr<const FileIndex> index;
  const Status status = AtWall(Code::kCorruption, name, [&]() -> Status {
    IndexParser parser(tail_bytes, file_size_bytes, name);
    uint64_t begin = 0;
    RETURN_IF_ERROR(parser.ParseFooter(&begin));
    RETURN_IF_ERROR(parser.ParseColumns());
    index = parser.index();
    return Status::Ok();
  });
  RETURN_IF_ERROR(status);
  return index;
}

Result<uint64_t> IndexBegin(std::string_view tail_bytes, uint64_t file_size_bytes,
                            const std::string& name) {
  uint64_t begin = 0;
  const Status status = AtWall(Code::kCorruption, name, [&]() -> Status {
    IndexParser parser(tail_bytes, file_size_bytes, name);
    return parser.ParseFooter(&begin);
  });
  RETURN_IF_ERROR(status);
  return begin;
}

}  // namespace thermocline::columnar
