// FileIndex as it is in memory: columns of small arrays instead of thrift structures.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "columnar/file_reader.h"
#include "columnar/page_codec.h"
#include "columnar/page_header.h"

namespace thermocline::columnar {

// Where a column's pages begin and which row group they are in; one object for all columns of an
// aligned file.
struct PageLayout {
  std::vector<uint64_t> first_row;    // per page, then the file's rows
  std::vector<uint32_t> group_begin;  // per row group its first page, then the page count
  size_t page_count() const { return first_row.size() - 1; }
  uint32_t rows(size_t page) const {
    return static_cast<uint32_t>(first_row[page + 1] - first_row[page]);
  }
  uint32_t row_group(size_t page) const;
  friend bool operator==(const PageLayout&, const PageLayout&) = default;
};

// A column chunk's dictionary and codec.
struct ChunkEntry {
  uint64_t dictionary_offset = 0;
  uint32_t dictionary_bytes = 0;  // 0 = none
  PageCodec codec = PageCodec::kNone;
};

struct PageEntry {
  uint64_t offset = 0;
  uint32_t size_bytes = 0;
  uint32_t nulls = 0;  // kUnknownNulls when the file does not say
};
inline constexpr uint32_t kUnknownNulls = UINT32_MAX;
inline constexpr int8_t kUnknownEncoding = -1;

// Bounds of all pages of a column, by its type; empty when the file has none.
struct ColumnBounds {
  std::vector<uint8_t> known;         // per page: min and max are there
  std::vector<int64_t> int64s;        // min, max, min, max ...
  std::vector<uint32_t> string_ends;  // end in `text` of min, max, min, max ...
  std::string text;
  std::string_view String(size_t i) const {
    const uint32_t begin = i == 0 ? 0 : string_ends[i - 1];
    return std::string_view(text).substr(begin, string_ends[i] - begin);
  }
};

// Where a column chunk's bloom filter is.
struct BloomEntry {
  uint64_t offset = 0;          // 0 = none
  uint32_t size_bytes = 0;      // header included; 0 = the file does not say
  std::optional<uint32_t> crc;  // CRC32C of it whole
};

struct ColumnEntry {
  std::shared_ptr<const PageLayout> layout;
  std::vector<PageEntry> pages;
  std::vector<int8_t> encodings;   // per page what its header must say, or kUnknownEncoding
  std::vector<ChunkEntry> chunks;  // per row group
  std::vector<BloomEntry> blooms;  // per row group, or empty
  ColumnBounds bounds;
  // What the indexes take in the file, and how many pages have a minimum and a maximum there, also
  // where `bounds` keeps none.
  uint64_t offset_index_bytes = 0;
  uint64_t column_index_bytes = 0;
  uint64_t bounded_pages = 0;
};

class PagedFileIndex : public FileIndex {
 public:
  uint64_t file_size_bytes() const override { return file_size_bytes_; }
  uint64_t rows() const override { return rows_; }
  uint32_t row_groups() const override { return row_groups_; }
  const FileSchema& schema() const override { return schema_; }
  const KeyValues& key_values() const override { return key_values_; }
  const std::string& created_by() const override { return created_by_; }
  bool aligned() const override { return aligned_; }
  bool CutAlike(uint32_t a, uint32_t b) const override {
    return *entry(a).layout == *entry(b).layout;
  }
  size_t page_count(uint32_t column) const override { return entry(column).pages.size(); }
  PageInfo page(uint32_t column, size_t i) const override;
  uint64_t memory_bytes() const override { return memory_bytes_; }
  uint64_t column_bytes(uint32_t column) const override;
  std::vector<RowRange> RowsWhereInt64(uint32_t column, int64_t min, int64_t max) const override;
  std::vector<RowRange> RowsWhereString(uint32_t column, std::string_view min,
                                        std::string_view max) const override;
  std::vector<RowRange> RowsWithPrefix(uint32_t column, std::string_view prefix) const override;
  std::vector<RowRange> RowsWhereNull(uint32_t column) const override;
  std::vector<RowRange> RowsWherePresent(uint32_t column) const override;

  const ColumnEntry& entry(uint32_t column) const { return columns_[column]; }
  const std::string& name() const { return name_; }
  // Null when there is none.
  const BloomEntry* bloom(uint32_t column, uint32_t row_group) const {
    const std::vector<BloomEntry>& blooms = entry(column).blooms;
    return blooms.empty() || blooms[row_group].offset == 0 ? nullptr : &blooms[row_group];
  }
  // The file's own check covers its page indexes and its footer (tail_check.h), and holds.
  bool tail_checked() const { return tail_checked_; }
  // Where everything but the footer ends.
  uint64_t footer_offset() const { return footer_offset_; }

 private:
  friend class IndexParser;
  template <typename Keep>
  std::vector<RowRange> RowsOfPages(uint32_t column, const Keep& keep) const;

  std::string name_;
  uint64_t file_size_bytes_ = 0;
  uint64_t footer_offset_ = 0;
  uint64_t rows_ = 0;
  uint32_t row_groups_ = 0;
  bool aligned_ = true;
  bool tail_checked_ = false;
  FileSchema schema_;
  KeyValues key_values_;
  std::string created_by_;
  std::vector<ColumnEntry> columns_;
  uint64_t memory_bytes_ = 0;
};

}  // namespace thermocline::columnar
