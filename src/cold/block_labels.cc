// Label names and values of a block from its label columns, without looking at label sets.
#include <algorithm>

#include "cold/block_reader.h"
#include "cold/series_file.h"

namespace thermocline {
namespace {

using columnar::ColumnVector;
using columnar::FetchColumn;
using columnar::PageBatch;
using columnar::ReadStats;

// Fetches `columns` for all series and calls visit(page, keep), where keep[row] says whether the
// series has its samples around the scope's range. Without times to look at, `keep` is empty.
template <typename Visit>
Status ForEachPageInScope(const ColdBlock& block, const SeriesFile& file, const LabelScope& scope,
                          std::vector<FetchColumn> columns, ReadStats* stats, Visit visit) {
  const TimeRange& held = block.entry().range;
  const bool whole = scope.range.start_ms <= held.start_ms && held.end_ms <= scope.range.end_ms;
  const size_t times = columns.size();
  if (!whole) {
    const auto min_time = file.index().schema().Find("min_time");
    const auto max_time = file.index().schema().Find("max_time");
    if (!min_time || !max_time) return Status::Corruption("series file: no times");
    columns.push_back({*min_time});
    columns.push_back({*max_time});
  }
  std::vector<uint8_t> keep;
  return ForEachPage(file.reader, columns, AllRows(file.index()), scope.limit_bytes, nullptr, stats,
                     [&](const PageBatch& page) -> Status {
                       if (!whole) {
                         keep.resize(page.rows.count);
                         for (size_t row = 0; row < keep.size(); ++row) {
                           const TimeRange range{page.columns[times].int64s[row],
                                                 page.columns[times + 1].int64s[row]};
                           keep[row] = range.Overlaps(scope.range);
                         }
                       }
                       return visit(page, keep);
                     });
}

bool AnyKept(const std::vector<uint8_t>& keep, uint64_t first, uint64_t count) {
  if (keep.empty()) return true;
  const auto begin = keep.begin() + static_cast<ptrdiff_t>(first);
  const auto end = begin + static_cast<ptrdiff_t>(count);
  return std::find(begin, end, 1) != end;
}

// The values that kept rows of a page have, each once.
void AddDistinct(const ColumnVector& column, const std::vector<uint8_t>& keep,
                 std::vector<std::string>* values) {
  std::vector<uint8_t> seen(column.values.size(), 0);
  uint64_t row = 0;
  for (const columnar::CodeRun& run : column.runs) {
    if (run.code != columnar::kNullCode && !seen[run.code] && AnyKept(keep, row, run.count)) {
      seen[run.code] = 1;
      values->emplace_back(column.values[run.code]);
    }
    row += run.count;
  }
}

bool HasValue(const ColumnVector& column, const std::vector<uint8_t>& keep) {
  uint64_t row = 0;
  for (const columnar::CodeRun& run : column.runs) {
    if (run.code != columnar::kNullCode && AnyKept(keep, row, run.count)) return true;
    row += run.count;
  }
  return false;
}

// Labels without a column are found in the label sets.
template <typename Visit>
Status ForEachLabelSet(const ColdBlock& block, const LabelScope& scope, ReadStats* stats,
                       Visit visit) {
  const std::vector<Matcher> none;
  ASSIGN_OR_RETURN(const BlockSeries series,
                   MatchSeries(block, {none, scope.range, scope.limit_bytes}, stats));
  for (size_t i = 0; i < series.size(); ++i) visit(series.labels(i));
  return Status::Ok();
}

}  // namespace

Status CollectLabelValues(const ColdBlock& block, std::string_view label, const LabelScope& scope,
                          ReadStats* stats, std::vector<std::string>* values) {
  ASSIGN_OR_RETURN(const SeriesFile file, SeriesFile::Open(block, stats));
  if (const auto column = file.ColumnOf(label)) {
    return ForEachPageInScope(block, file, scope, {{*column}}, stats,
                              [&](const PageBatch& page, const std::vector<uint8_t>& keep) {
                                AddDistinct(page.columns[0], keep, values);
                                return Status::Ok();
                              });
  }
  if (!file.IsOther(label)) return Status::Ok();
  return ForEachLabelSet(block, scope, stats, [&](LabelsView labels) {
    const std::string_view value = labels.Get(label);
    if (!value.empty()) values->emplace_back(value);
  });
}

Status CollectLabelNames(const ColdBlock& block, const LabelScope& scope, ReadStats* stats,
                         std::vector<std::string>* names) {
  ASSIGN_OR_RETURN(const SeriesFile file, SeriesFile::Open(block, stats));
  std::vector<std::string_view> labels;
  std::vector<FetchColumn> columns;
  const auto add = [&](std::string_view label) {
    const auto column = file.ColumnOf(label);
    if (!column || file.index().RowsWherePresent(*column).empty()) return;
    labels.push_back(label);
    columns.push_back({*column});
  };
  add(kMetricNameLabel);
  for (const auto& [label, column] : file.footer->columns.pairs()) add(label);
  const TimeRange& held = block.entry().range;
  if (scope.range.start_ms <= held.start_ms && held.end_ms <= scope.range.end_ms) {
    names->insert(names->end(), labels.begin(), labels.end());  // the page index tells
  } else {
    std::vector<uint8_t> found(labels.size(), 0);
    RETURN_IF_ERROR(
        ForEachPageInScope(block, file, scope, columns, stats,
                           [&](const PageBatch& page, const std::vector<uint8_t>& keep) {
                             for (size_t i = 0; i < labels.size(); ++i) {
                               if (!found[i]) found[i] = HasValue(page.columns[i], keep);
                             }
                             return Status::Ok();
                           }));
    for (size_t i = 0; i < labels.size(); ++i) {
      if (found[i]) names->emplace_back(labels[i]);
    }
  }
  if (!file.HasOtherLabels()) return Status::Ok();
  return ForEachLabelSet(block, scope, stats, [&](LabelsView set) {
    for (const LabelPair& pair : set) {
      if (pair.name != kMetricNameLabel && !file.footer->columns.Find(pair.name)) {
        names->emplace_back(pair.name);
      }
    }
  });
}

}  // namespace thermocline
