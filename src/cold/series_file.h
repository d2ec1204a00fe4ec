// The `series` file of a block while a query works on it, and walking its pages.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "cold/block_reader.h"
#include "columnar/file_reader.h"

namespace thermocline {

struct SeriesFile {
  columnar::FileReader reader;
  std::shared_ptr<const BlockFooter> footer;

  static Result<SeriesFile> Open(const ColdBlock& block, columnar::ReadStats* stats);

  const columnar::FileIndex& index() const { return reader.index(); }
  // The column of a label; nullopt when the file has none.
  std::optional<uint32_t> ColumnOf(std::string_view label) const;
  // Whether some series have labels without a column.
  bool HasOtherLabels() const;
  // Whether `label` may be one of those.
  bool IsOther(std::string_view label) const;
};

// All rows of a file as ranges.
std::vector<columnar::RowRange> AllRows(const columnar::FileIndex& index);

// Fetches the whole pages that hold `rows` and hands each, decoded, to `visit`.
template <typename Visit>
Status ForEachPage(const columnar::FileReader& reader,
                   std::span<const columnar::FetchColumn> columns,
                   std::span<const columnar::RowRange> rows, uint64_t limit_bytes,
                   QueryBudget* budget, columnar::ReadStats* stats, Visit visit) {
  if (rows.empty()) return Status::Ok();
  columnar::FetchOptions options;
  options.limit_bytes = limit_bytes;
  ASSIGN_OR_RETURN(const columnar::FetchPlan plan, reader.Plan(columns, rows, options));
  ASSIGN_OR_RETURN(const std::unique_ptr<columnar::PageSet> pages, reader.Fetch(plan, stats));
  columnar::PageDecoder decoder;
  columnar::PageBatch batch;
  for (size_t i = 0; i < pages->page_count(); ++i) {
    if (budget != nullptr) RETURN_IF_ERROR(budget->Check());
    RETURN_IF_ERROR(pages->Decode(i, decoder, &batch));
    stats->rows_decoded += batch.rows.count;
    RETURN_IF_ERROR(visit(batch));
  }
  return Status::Ok();
}

}  // namespace thermocline
