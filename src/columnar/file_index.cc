#include "columnar/file_index.h"

#include <algorithm>

namespace thermocline::columnar {

uint32_t PageLayout::row_group(size_t page) const {
  const auto after = std::upper_bound(group_begin.begin(), group_begin.end(), page);
  return static_cast<uint32_t>(after - group_begin.begin()) - 1;
}

void ReadStats::Add(const ReadStats& other) {
  pages_considered += other.pages_considered;
  pages_skipped += other.pages_skipped;
  pages_read += other.pages_read;
  requests += other.requests;
  bytes_read += other.bytes_read;
  rows_decoded += other.rows_decoded;
}

const std::string* FileIndex::FindKey(std::string_view key) const {
  for (const auto& [name, value] : key_values()) {
    if (name == key) return &value;
  }
  return nullptr;
}

PageInfo PagedFileIndex::page(uint32_t column, size_t i) const {
  const ColumnEntry& at = entry(column);
  PageInfo info;
  info.offset = at.pages[i].offset;
  info.size_bytes = at.pages[i].size_bytes;
  info.row_count = at.layout->rows(i);
  info.first_row = at.layout->first_row[i];
  info.row_group = at.layout->row_group(i);
  const uint32_t nulls = at.pages[i].nulls;
  info.null_count = nulls == kUnknownNulls ? 0 : nulls;
  info.all_null = nulls == info.row_count;
  return info;
}

uint64_t PagedFileIndex::column_bytes(uint32_t column) const {
  uint64_t bytes = 0;
  for (const PageEntry& page : entry(column).pages) bytes += page.size_bytes;
  for (const ChunkEntry& chunk : entry(column).chunks) bytes += chunk.dictionary_bytes;
  return bytes;
}

template <typename Keep>
std::vector<RowRange> PagedFileIndex::RowsOfPages(uint32_t column, const Keep& keep) const {
  const ColumnEntry& at = entry(column);
  std::vector<RowRange> ranges;
  for (size_t i = 0; i < at.pages.size(); ++i) {
    if (!keep(i, at.pages[i].nulls, at.layout->rows(i))) continue;
    const uint64_t first = at.layout->first_row[i];
    if (!ranges.empty() && ranges.back().end() == first) {
      ranges.back().count += at.layout->rows(i);
    } else {
      ranges.push_back({first, at.layout->rows(i)});
    }
  }
  return ranges;
}

std::vector<RowRange> PagedFileIndex::RowsWhereInt64(uint32_t column, int64_t min,
                                                     int64_t max) const {
  const ColumnBounds& bounds = entry(column).bounds;
  return RowsOfPages(column, [&](size_t i, uint32_t nulls, uint32_t rows) {
    if (nulls == rows) return false;
    if (bounds.int64s.empty() || bounds.known[i] == 0) return true;
    return bounds.int64s[2 * i] <= max && min <= bounds.int64s[2 * i + 1];
  });
}

std::vector<RowRange> PagedFileIndex::RowsWhereString(uint32_t column, std::string_view min,
                                                      std::string_view max) const {
  const ColumnBounds& bounds = entry(column).bounds;
  return RowsOfPages(column, [&](size_t i, uint32_t nulls, uint32_t rows) {
    if (nulls == rows) return false;
    if (bounds.string_ends.empty() || bounds.known[i] == 0) return true;
    return bounds.String(2 * i) <= max && min <= bounds.String(2 * i + 1);
  });
}

std::vector<RowRange> PagedFileIndex::RowsWithPrefix(uint32_t column,
                                                     std::string_view prefix) const {
  const ColumnBounds& bounds = entry(column).bounds;
  return RowsOfPages(column, [&](size_t i, uint32_t nulls, uint32_t rows) {
    if (nulls == rows) return false;
    if (bounds.string_ends.empty() || bounds.known[i] == 0) return true;
    return bounds.String(2 * i).substr(0, prefix.size()) <= prefix &&
           prefix <= bounds.String(2 * i + 1);
  });
}

std::vector<RowRange> PagedFileIndex::RowsWhereNull(uint32_t column) const {
  if (!schema_.columns[column].optional) return {};
  return RowsOfPages(column, [&](size_t, uint32_t nulls, uint32_t) { return nulls != 0; });
}

std::vector<RowRange> PagedFileIndex::RowsWherePresent(uint32_t column) const {
  return RowsOfPages(column, [&](size_t, uint32_t nulls, uint32_t rows) { return nulls != rows; });
}

std::vector<RowRange> IntersectRows(std::span<const RowRange> a, std::span<const RowRange> b) {
  std::vector<RowRange> both;
  for (size_t i = 0, k = 0; i < a.size() && k < b.size();) {
    const uint64_t first = std::max(a[i].first, b[k].first);
    const uint64_t end = std::min(a[i].end(), b[k].end());
    if (first < end) both.push_back({first, end - first});
    a[i].end() < b[k].end() ? ++i : ++k;
  }
  return both;
}

std::vector<RowRange> NormalizeRows(std::vector<RowRange> ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](const RowRange& a, const RowRange& b) { return a.first < b.first; });
  std::vector<RowRange> joined;
  for (const RowRange& range : ranges) {
    if (range.count == 0) continue;
    if (!joined.empty() && range.first <= joined.back().end()) {
      const uint64_t end = std::max(joined.back().end(), range.end());
      joined.back().count = end - joined.back().first;
    } else {
      joined.push_back(range);
    }
  }
  return joined;
}

}  // namespace thermocline::columnar
