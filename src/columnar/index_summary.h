// What a file's footer and page indexes say about it, for people.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "columnar/file_reader.h"

namespace thermocline::columnar {

struct ColumnSummary {
  // How many data pages have which encoding (its name in parquet.thrift), by name. "unknown" where
  // neither the footer nor we say it and only the page's own header would.
  std::vector<std::pair<std::string_view, uint64_t>> encodings;
  uint64_t pages = 0;
  uint64_t null_pages = 0;     // all NULL
  uint64_t bounded_pages = 0;  // with minimum and maximum in the column index
  uint64_t nulls = 0;
  uint64_t page_bytes = 0;
  uint64_t dictionary_bytes = 0;
  uint64_t offset_index_bytes = 0;
  uint64_t column_index_bytes = 0;
  uint64_t bloom_filter_bytes = 0;
};

struct RowGroupSummary {
  uint64_t rows = 0;
  uint64_t bytes = 0;  // pages and dictionaries of all columns
};

ColumnSummary SummariseColumn(const FileIndex& index, uint32_t column);
std::vector<RowGroupSummary> SummariseRowGroups(const FileIndex& index);

}  // namespace thermocline::columnar
