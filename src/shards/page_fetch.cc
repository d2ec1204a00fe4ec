#include "shards/page_fetch.h"

#include <fmt/core.h>

#include <algorithm>

namespace thermocline::shards {

using columnar::ColumnEntry;
using columnar::FileIndex;
using columnar::PagedFileIndex;

namespace {

// Equal bounds are the one value of a page: a maximum that was cut is above its value, and so above
// the minimum. But the Go library leaves one of 16 bytes 0xff as it is.
constexpr size_t kWholeBoundBytes = 16;

// The pages' own byte ranges, and the dictionaries' of the row groups they lie in.
void AddRanges(const ColumnEntry& entry, std::span<const uint32_t> pages,
               std::vector<ByteRange>* ranges) {
  uint32_t last_group = UINT32_MAX;
  for (const uint32_t page : pages) {
    ranges->push_back({entry.pages[page].offset, entry.pages[page].size_bytes});
    const uint32_t group = entry.layout->row_group(page);
    const columnar::ChunkEntry& chunk = entry.chunks[group];
    if (group != last_group && chunk.dictionary_bytes > 0) {
      ranges->push_back({chunk.dictionary_offset, chunk.dictionary_bytes});
    }
    last_group = group;
  }
}

std::vector<ByteRange> Merge(std::vector<ByteRange> ranges, const FetchLimits& limits) {
  std::sort(ranges.begin(), ranges.end(),
            [](const ByteRange& a, const ByteRange& b) { return a.offset < b.offset; });
  std::vector<ByteRange> merged;
  uint64_t wanted = 0;  // bytes of the last merged range
  uint64_t gaps = 0;    // bytes of it that nobody asked for
  for (const ByteRange& range : ranges) {
    const uint64_t end = range.offset + range.size_bytes;
    if (!merged.empty()) {
      ByteRange& last = merged.back();
      const uint64_t last_end = last.offset + last.size_bytes;
      const uint64_t joined = std::max(last_end, end) - last.offset;
      const uint64_t gap = range.offset - std::min(range.offset, last_end);
      const uint64_t most_gaps =
          std::max(limits.free_gap_bytes, (wanted + range.size_bytes) / limits.gap_share);
      // Overlapping ranges (a damaged index) are always joined: a page lies in one request.
      if (range.offset < last_end || (gap <= limits.merge_gap_bytes && gaps + gap <= most_gaps &&
                                      joined <= limits.max_request_bytes)) {
        last.size_bytes = joined;
        wanted += range.size_bytes;
        gaps += gap;
        continue;
      }
    }
    wanted = range.size_bytes;
    gaps = 0;
    merged.push_back(range);
  }
  return merged;
}

}  // namespace

Result<std::shared_ptr<const PageFetch>> PageFetch::Run(const Object& object,
                                                        std::shared_ptr<const FileIndex> index,
                                                        std::span<const ColumnRows> columns,
                                                        const FetchLimits& limits,
                                                        columnar::ReadStats* stats) {
  const auto& paged = static_cast<const PagedFileIndex&>(*index);
  auto fetch = std::make_shared<PageFetch>();
  std::vector<columnar::ColumnPages> wanted;
  std::vector<ByteRange> ranges;
  for (const ColumnRows& column : columns) {
    const ColumnEntry& entry = paged.entry(column.column);
    ASSIGN_OR_RETURN(auto pages, columnar::PagesOfRows(*entry.layout, column.rows));
    AddRanges(entry, pages, &ranges);
    fetch->pages_.push_back(pages);
    wanted.push_back({{column.column, 0}, std::move(pages)});
  }
  ranges = Merge(std::move(ranges), limits);
  uint64_t bytes = 0;
  for (const ByteRange& range : ranges) bytes += range.size_bytes;
  if (bytes > limits.max_fetch_bytes) {
    return Status::ResourceExhausted(fmt::format("{}: a read of {} bytes, limit {}", paged.name(),
                                                 bytes, limits.max_fetch_bytes));
  }
  ASSIGN_OR_RETURN(fetch->fetched_,
                   columnar::FetchedPages::Fetch(object, std::move(index), std::move(wanted),
                                                 std::move(ranges), stats));
  return std::shared_ptr<const PageFetch>(std::move(fetch));
}

PageValues ValuesOf(const ColumnEntry& entry, uint32_t page) {
  PageValues values;
  const uint32_t nulls = entry.pages[page].nulls;
  if (nulls == entry.layout->rows(page)) {
    values.constant = true;
    return values;
  }
  values.may_hold_null = nulls != 0;
  const columnar::ColumnBounds& bounds = entry.bounds;
  values.bounded = !bounds.string_ends.empty() && bounds.known[page] != 0;
  if (!values.bounded) return values;
  values.min = bounds.String(2 * size_t{page});
  values.max = bounds.String(2 * size_t{page} + 1);
  values.constant = nulls == 0 && values.min == values.max && !values.min.empty() &&
                    values.min.size() < kWholeBoundBytes;
  return values;
}

uint64_t FetchBytes(const FileIndex& index, const ColumnRows& column) {
  const ColumnEntry& entry = static_cast<const PagedFileIndex&>(index).entry(column.column);
  const auto pages = columnar::PagesOfRows(*entry.layout, column.rows);
  if (!pages.ok()) return 0;
  std::vector<ByteRange> ranges;
  AddRanges(entry, *pages, &ranges);
  uint64_t bytes = 0;
  for (const ByteRange& range : ranges) bytes += range.size_bytes;
  return bytes;
}

std::vector<RowRange> RangesOf(std::span<const uint64_t> rows) {
  std::vector<RowRange> ranges;
  for (const uint64_t row : rows) {
    if (!ranges.empty() && ranges.back().end() == row) {
      ++ranges.back().count;
    } else {
      ranges.push_back({row, 1});
    }
  }
  return ranges;
}

std::vector<uint64_t> RowsOf(std::span<const RowRange> ranges) {
  std::vector<uint64_t> rows;
  rows.reserve(CountRows(ranges));
  for (const RowRange& range : ranges) {
    for (uint64_t row = range.first; row < range.end(); ++row) rows.push_back(row);
  }
  return rows;
}

uint64_t CountRows(std::span<const RowRange> ranges) {
  uint64_t count = 0;
  for (const RowRange& range : ranges) count += range.count;
  return count;
}

}  // namespace thermocline::shards
