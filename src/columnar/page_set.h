// Fetched pages and the plan they were fetched by.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "columnar/file_index.h"
#include "columnar/file_reader.h"
#include "columnar/page_decode.h"

namespace thermocline::columnar {

// Pages of one column, by ordinal, ascending.
struct ColumnPages {
  FetchColumn column;
  std::vector<uint32_t> pages;
};

// Ordinals of the pages of `layout` that hold rows of `rows` (ascending, disjoint).
// OutOfRange when rows lie beyond the file.
Result<std::vector<uint32_t>> PagesOfRows(const PageLayout& layout, std::span<const RowRange> rows);

// Byte ranges of the pages and of the dictionaries they need, merged where the gap allows.
std::vector<ByteRange> MergedRequests(const PagedFileIndex& index,
                                      std::span<const ColumnPages> columns,
                                      uint64_t merge_gap_bytes, uint64_t* page_bytes);

// The bytes, and their dictionaries decoded. Columns need not be aligned.
class FetchedPages : public PageSet {
 public:
  // Reads `requests`, which cover the pages.
  static Result<std::unique_ptr<FetchedPages>> Fetch(const Object& object,
                                                     std::shared_ptr<const FileIndex> index,
                                                     std::vector<ColumnPages> columns,
                                                     std::vector<ByteRange> requests,
                                                     ReadStats* stats);

  // PageSet: for columns that have the same pages.
  size_t page_count() const override { return columns_.empty() ? 0 : columns_[0].pages.size(); }
  RowRange page_rows(size_t i) const override { return RowsOf(0, i); }
  Status Decode(size_t i, PageDecoder& decoder, PageBatch* out) const override;
  uint64_t memory_bytes() const override;

  // Page `i` of the asked pages of column `slot`.
  RowRange RowsOf(size_t slot, size_t i) const;
  Status DecodeColumn(size_t slot, size_t i, PageDecoder& decoder, ColumnVector* out) const;

 private:
  FetchedPages() = default;
  std::string_view BytesAt(uint64_t offset, uint64_t size_bytes) const;
  Status DecodeDictionaries();

  std::shared_ptr<const FileIndex> owner_;
  const PagedFileIndex* index_ = nullptr;
  std::vector<ColumnPages> columns_;
  std::vector<ByteRange> requests_;
  std::vector<std::string> bytes_;
  std::map<std::pair<uint32_t, uint32_t>, Dictionary> dictionaries_;  // (column, row group)
};

}  // namespace thermocline::columnar
