// Pages of several columns of one file, each for its own rows, read in one round.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bucket/object.h"
#include "columnar/page_set.h"

namespace thermocline::shards {

using columnar::RowRange;

struct ColumnRows {
  uint32_t column = 0;
  std::vector<RowRange> rows;  // ascending, disjoint
};

struct FetchLimits {
  // Pages are read as one range when no gap between two of them is larger than the first, and all
  // its gaps together no larger than the second or than 1/gap_share of the pages' bytes.
  uint64_t merge_gap_bytes = 32 << 10;
  uint64_t free_gap_bytes = 1 << 10;
  uint64_t gap_share = 4;
  uint64_t max_request_bytes = 8 << 20;          // a range is not made longer by merging
  uint64_t max_fetch_bytes = uint64_t{1} << 30;  // ResourceExhausted above
};

// Immutable; pages may be decoded at once from several threads, each with its own PageDecoder.
class PageFetch {
 public:
  static Result<std::shared_ptr<const PageFetch>> Run(
      const Object& object, std::shared_ptr<const columnar::FileIndex> index,
      std::span<const ColumnRows> columns, const FetchLimits& limits, columnar::ReadStats* stats);

  size_t column_count() const { return pages_.size(); }
  size_t page_count(size_t slot) const { return pages_[slot].size(); }
  uint32_t page(size_t slot, size_t i) const { return pages_[slot][i]; }
  RowRange page_rows(size_t slot, size_t i) const { return fetched_->RowsOf(slot, i); }
  Status Decode(size_t slot, size_t i, columnar::PageDecoder& decoder,
                columnar::ColumnVector* out) const {
    return fetched_->DecodeColumn(slot, i, decoder, out);
  }
  uint64_t memory_bytes() const { return fetched_->memory_bytes(); }

 private:
  std::vector<std::vector<uint32_t>> pages_;
  std::unique_ptr<columnar::FetchedPages> fetched_;
};

// What the page index says of one page of a column of strings.
struct PageValues {
  // All rows hold `min`, "" standing for NULL.
  bool constant = false;
  bool bounded = false;  // present values lie within [min, max]
  bool may_hold_null = true;
  std::string_view min;
  std::string_view max;
};
PageValues ValuesOf(const columnar::ColumnEntry& entry, uint32_t page);

// Calls visit(page, rows) for every page that holds some of `rows` (ascending, disjoint), with the
// page's rows.
template <typename Visit>
void VisitPages(const columnar::PageLayout& layout, std::span<const RowRange> rows, Visit&& visit) {
  const std::vector<uint64_t>& first = layout.first_row;
  size_t page = 0;
  for (const RowRange& range : rows) {
    if (page + 1 < first.size() && first[page + 1] <= range.first) {
      page = static_cast<size_t>(std::upper_bound(first.begin() + static_cast<ptrdiff_t>(page),
                                                  first.end(), range.first) -
                                 first.begin()) -
             1;
    }
    for (; page + 1 < first.size() && first[page] < range.end(); ++page) {
      visit(static_cast<uint32_t>(page), RowRange{first[page], first[page + 1] - first[page]});
    }
  }
}

// Bytes of the pages and dictionaries that Run would want, before merging.
uint64_t FetchBytes(const columnar::FileIndex& index, const ColumnRows& column);

// Calls visit(i, value) for every `wanted[i]` (file rows, ascending) from `*next` on that lies in
// the page, with NULL as data() == nullptr, and moves *next past them.
template <typename Visit>
void VisitRows(const columnar::ColumnVector& page, RowRange held, std::span<const uint64_t> wanted,
               size_t* next, Visit&& visit) {
  size_t i = *next;
  uint64_t begin = held.first;
  for (const columnar::CodeRun& run : page.runs) {
    if (i == wanted.size() || wanted[i] >= held.end()) break;
    const uint64_t end = begin + run.count;
    while (i < wanted.size() && wanted[i] < end) {
      visit(i, run.code == columnar::kNullCode ? std::string_view() : page.values[run.code]);
      ++i;
    }
    begin = end;
  }
  *next = i;
}

// Ascending, distinct rows as ranges.
std::vector<RowRange> RangesOf(std::span<const uint64_t> rows);
std::vector<uint64_t> RowsOf(std::span<const RowRange> ranges);
uint64_t CountRows(std::span<const RowRange> ranges);

}  // namespace thermocline::shards
