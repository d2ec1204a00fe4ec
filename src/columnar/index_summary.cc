#include "columnar/index_summary.h"

#include <map>

#include "columnar/file_index.h"

namespace thermocline::columnar {
namespace {

std::string_view PageEncodingName(int8_t encoding) {
  if (encoding == kUnknownEncoding) return "unknown";
  switch (static_cast<PageEncoding>(encoding)) {
    case PageEncoding::kPlain: return "PLAIN";
    case PageEncoding::kPlainDictionary: return "PLAIN_DICTIONARY";
    case PageEncoding::kRle: return "RLE";
    case PageEncoding::kBitPacked: return "BIT_PACKED";
    case PageEncoding::kDeltaBinaryPacked: return "DELTA_BINARY_PACKED";
    case PageEncoding::kDeltaLengthByteArray: return "DELTA_LENGTH_BYTE_ARRAY";
    case PageEncoding::kDeltaByteArray: return "DELTA_BYTE_ARRAY";
    case PageEncoding::kRleDictionary: return "RLE_DICTIONARY";
    case PageEncoding::kByteStreamSplit: return "BYTE_STREAM_SPLIT";
  }
  return "unknown";
}

}  // namespace

ColumnSummary SummariseColumn(const FileIndex& file_index, uint32_t column) {
  const auto& index = static_cast<const PagedFileIndex&>(file_index);
  const ColumnEntry& entry = index.entry(column);
  ColumnSummary summary;
  std::map<std::string_view, uint64_t> encodings;
  for (size_t i = 0; i < entry.pages.size(); ++i) {
    const PageInfo page = index.page(column, i);
    summary.nulls += page.null_count;
    summary.null_pages += page.all_null ? 1 : 0;
    summary.page_bytes += page.size_bytes;
    ++encodings[PageEncodingName(entry.encodings[i])];
  }
  summary.encodings.assign(encodings.begin(), encodings.end());
  summary.pages = entry.pages.size();
  summary.bounded_pages = entry.bounded_pages;
  for (const ChunkEntry& chunk : entry.chunks) summary.dictionary_bytes += chunk.dictionary_bytes;
  for (const BloomEntry& bloom : entry.blooms) summary.bloom_filter_bytes += bloom.size_bytes;
  summary.offset_index_bytes = entry.offset_index_bytes;
  summary.column_index_bytes = entry.column_index_bytes;
  return summary;
}

std::vector<RowGroupSummary> SummariseRowGroups(const FileIndex& file_index) {
  const auto& index = static_cast<const PagedFileIndex&>(file_index);
  std::vector<RowGroupSummary> groups(index.row_groups());
  for (uint32_t column = 0; column < index.schema().columns.size(); ++column) {
    const ColumnEntry& entry = index.entry(column);
    for (size_t i = 0; i < entry.pages.size(); ++i) {
      const PageInfo page = index.page(column, i);
      groups[page.row_group].bytes += page.size_bytes;
      if (column == 0) groups[page.row_group].rows += page.row_count;
    }
    for (size_t g = 0; g < groups.size(); ++g) groups[g].bytes += entry.chunks[g].dictionary_bytes;
  }
  return groups;
}

}  // namespace thermocline::columnar
