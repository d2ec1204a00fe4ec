#include "columnar/file_reader.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>

#include "columnar/byte_buffer.h"
#include "columnar/page_set.h"

namespace thermocline::columnar {

namespace {

Status CheckColumns(const FileIndex& index, std::span<const FetchColumn> columns) {
  if (columns.empty()) return Status::InvalidArgument("a fetch of no columns");
  for (const FetchColumn& column : columns) {
    if (column.column < index.schema().columns.size()) continue;
    return Status::InvalidArgument(
        fmt::format("column {} of {}", column.column, index.schema().columns.size()));
  }
  return Status::Ok();
}

Status CheckLimit(uint64_t page_bytes, const FetchOptions& options) {
  if (page_bytes <= options.limit_bytes) return Status::Ok();
  return Status::ResourceExhausted(
      fmt::format("a fetch of {} bytes, limit {}", page_bytes, options.limit_bytes));
}

// Appends rows [begin, end) of a decoded page to the result; strings are copied.
class Gatherer {
 public:
  explicit Gatherer(ColumnVector* out) : out_(out) {}

  Status Append(const ColumnVector& page, uint64_t begin, uint64_t end) {
    out_->type = page.type;
    const uint64_t rows = end - begin;
    if (!page.offsets.empty()) {
      RETURN_IF_ERROR(AppendOffsets(page, begin, end));
      begin = page.offsets[begin];
      end = page.offsets[end];
    }
    if (page.type == ColumnType::kDouble) {
      out_->doubles.insert(out_->doubles.end(), page.doubles.begin() + Index(begin),
                           page.doubles.begin() + Index(end));
    } else if (IsInt64(page.type)) {
      out_->int64s.insert(out_->int64s.end(), page.int64s.begin() + Index(begin),
                          page.int64s.begin() + Index(end));
    } else {
      AppendStrings(page, begin, end);
    }
    out_->rows += rows;
    return Status::Ok();
  }

  // Views are made last: the arena moves while it grows.
  void Finish() {
    if (!IsByteArray(out_->type)) return;
    out_->arena.push_back('\0');
    size_t begin = 0;
    for (const size_t end : ends_) {
      out_->own_values.emplace_back(out_->arena.data() + begin, end - begin);
      begin = end;
    }
    out_->values = out_->own_values;
  }

 private:
  Status AppendOffsets(const ColumnVector& page, uint64_t begin, uint64_t end) {
    const uint32_t from = page.offsets[begin];
    const uint32_t base = out_->offsets.back();
    if (page.offsets[end] - from > UINT32_MAX - base) {
      return Status::ResourceExhausted("more than 4 Gi list elements in one read");
    }
    for (uint64_t row = begin; row < end; ++row) {
      out_->offsets.push_back(base + (page.offsets[row + 1] - from));
    }
    return Status::Ok();
  }

  static std::ptrdiff_t Index(uint64_t row) { return static_cast<std::ptrdiff_t>(row); }

  void AppendStrings(const ColumnVector& page, uint64_t begin, uint64_t end) {
    page.ForEachString([&](uint64_t row, uint64_t count, std::string_view value) {
      const uint64_t from = std::max(row, begin);
      const uint64_t to = std::min(row + count, end);
      if (from >= to) return;
      CodeRun run{kNullCode, static_cast<uint32_t>(to - from)};
      if (value.data() != nullptr) {
        run.code = static_cast<uint32_t>(ends_.size());
        out_->arena.insert(out_->arena.end(), value.begin(), value.end());
        ends_.push_back(out_->arena.size());
      }
      out_->runs.push_back(run);
    });
  }

  ColumnVector* const out_;
  std::vector<size_t> ends_;
};

}  // namespace

FileReader::FileReader(std::shared_ptr<const Object> object, std::shared_ptr<const FileIndex> index)
    : object_(std::move(object)), index_(std::move(index)) {}

Result<FileReader> FileReader::Open(std::shared_ptr<const Object> object,
                                    const OpenOptions& options, ReadStats* stats) {
  ASSIGN_OR_RETURN(auto index, ReadIndex(*object, options, stats));
  return FileReader(std::move(object), std::move(index));
}

Result<FetchPlan> FileReader::Plan(std::span<const FetchColumn> columns,
                                   std::span<const RowRange> rows,
                                   const FetchOptions& options) const {
  RETURN_IF_ERROR(CheckColumns(*index_, columns));
  const auto& index = static_cast<const PagedFileIndex&>(*index_);
  for (const FetchColumn& column : columns) {
    if (index.CutAlike(column.column, columns[0].column)) continue;
    return Status::Unimplemented(index.name() + ": pages are not cut at the same rows");
  }
  FetchPlan plan;
  plan.columns.assign(columns.begin(), columns.end());
  ASSIGN_OR_RETURN(plan.pages, PagesOfRows(*index.entry(columns[0].column).layout, rows));
  std::vector<ColumnPages> wanted;
  for (const FetchColumn& column : columns) wanted.push_back({column, plan.pages});
  plan.requests = MergedRequests(index, wanted, options.merge_gap_bytes, &plan.page_bytes);
  RETURN_IF_ERROR(CheckLimit(plan.page_bytes, options));
  return plan;
}

Result<std::unique_ptr<PageSet>> FileReader::Fetch(const FetchPlan& plan, ReadStats* stats) const {
  std::vector<ColumnPages> wanted;
  for (const FetchColumn& column : plan.columns) wanted.push_back({column, plan.pages});
  ASSIGN_OR_RETURN(auto fetched,
                   FetchedPages::Fetch(*object_, index_, std::move(wanted), plan.requests, stats));
  return std::unique_ptr<PageSet>(std::move(fetched));
}

Result<std::vector<ColumnVector>> FileReader::ReadRows(std::span<const FetchColumn> columns,
                                                       std::span<const RowRange> rows,
                                                       const FetchOptions& options,
                                                       ReadStats* stats) const {
  RETURN_IF_ERROR(CheckColumns(*index_, columns));
  const auto& index = static_cast<const PagedFileIndex&>(*index_);
  std::vector<ColumnPages> wanted;
  for (const FetchColumn& column : columns) {
    ASSIGN_OR_RETURN(auto pages, PagesOfRows(*index.entry(column.column).layout, rows));
    wanted.push_back({column, std::move(pages)});
  }
  uint64_t page_bytes = 0;
  auto requests = MergedRequests(index, wanted, options.merge_gap_bytes, &page_bytes);
  RETURN_IF_ERROR(CheckLimit(page_bytes, options));
  ASSIGN_OR_RETURN(const auto fetched,
                   FetchedPages::Fetch(*object_, index_, wanted, std::move(requests), stats));
  std::vector<ColumnVector> result(columns.size());
  PageDecoder decoder;
  ColumnVector page;
  for (size_t slot = 0; slot < columns.size(); ++slot) {
    const ColumnSpec& spec = index.schema().columns[columns[slot].column];
    result[slot].type = spec.type;
    if (!spec.list.empty()) result[slot].offsets.push_back(0);
    Gatherer gatherer(&result[slot]);
    for (size_t i = 0; i < wanted[slot].pages.size(); ++i) {
      RETURN_IF_ERROR(fetched->DecodeColumn(slot, i, decoder, &page));
      const RowRange held = fetched->RowsOf(slot, i);
      if (slot == 0) stats->rows_decoded += held.count;
      for (const RowRange& range : IntersectRows({&held, 1}, rows)) {
        RETURN_IF_ERROR(gatherer.Append(page, range.first - held.first, range.end() - held.first));
      }
    }
    gatherer.Finish();
  }
  return result;
}

}  // namespace thermocline::columnar
