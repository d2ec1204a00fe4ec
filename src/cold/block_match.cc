// Which series of a block match: labels index, then label columns, then the rows' locators.
#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <optional>

#include "cold/block_reader.h"
#include "cold/series_file.h"
#include "cold/series_writer.h"

namespace thermocline {
namespace {

using columnar::ColumnVector;
using columnar::FetchColumn;
using columnar::FileIndex;
using columnar::FileReader;
using columnar::PageBatch;
using columnar::ReadStats;
using columnar::RowRange;

// Calls visit(row within the page, count) for the parts of the page that `rows` (ascending) covers.
// `next` is where to begin in `rows`; kept between pages.
template <typename Visit>
Status ForEachPart(const RowRange& page, std::span<const RowRange> rows, size_t* next,
                   Visit visit) {
  while (*next < rows.size() && rows[*next].end() <= page.first) ++*next;
  for (size_t i = *next; i < rows.size() && rows[i].first < page.end(); ++i) {
    const uint64_t begin = std::max(rows[i].first, page.first);
    const uint64_t end = std::min(rows[i].end(), page.end());
    RETURN_IF_ERROR(visit(begin - page.first, end - begin));
  }
  return Status::Ok();
}

// Series rows whose indexed label has one of `values`, by binary search in the page index of the
// `labels` file.
Result<std::vector<RowRange>> RowsFromLabels(const ColdBlock& block, std::string_view label,
                                             const std::vector<std::string>& values,
                                             const BlockSelect& select, ReadStats* stats) {
  ASSIGN_OR_RETURN(const FileReader reader, block.Open(BlockFileKind::kLabels, stats));
  const auto name = reader.index().schema().Find("name");
  const auto value = reader.index().schema().Find("value");
  const auto row = reader.index().schema().Find("series_row");
  if (!name || !value || !row) return Status::Corruption("labels file: a column is missing");
  const std::vector<RowRange> named = reader.index().RowsWhereString(*name, label, label);
  std::vector<RowRange> wanted;
  for (const std::string& v : values) {
    const std::vector<RowRange> pages = reader.index().RowsWhereString(*value, v, v);
    wanted.insert(wanted.end(), pages.begin(), pages.end());
  }
  wanted = columnar::IntersectRows(columnar::NormalizeRows(std::move(wanted)), named);
  const FetchColumn columns[] = {{*name}, {*value}, {*row}};
  std::vector<RowRange> rows;
  RETURN_IF_ERROR(ForEachPage(
      reader, columns, wanted, select.limit_bytes, select.budget, stats,
      [&](const PageBatch& page) -> Status {
        std::vector<uint8_t> keep(page.rows.count, 0);
        page.columns[0].ForEachString([&](uint64_t first, uint64_t count, std::string_view v) {
          if (v == label) std::fill_n(keep.begin() + static_cast<ptrdiff_t>(first), count, 1);
        });
        page.columns[1].ForEachString([&](uint64_t first, uint64_t count, std::string_view v) {
          if (std::binary_search(values.begin(), values.end(), v)) return;
          std::fill_n(keep.begin() + static_cast<ptrdiff_t>(first), count, 0);
        });
        for (size_t i = 0; i < keep.size(); ++i) {
          if (keep[i]) rows.push_back({static_cast<uint64_t>(page.columns[2].int64s[i]), 1});
        }
        return Status::Ok();
      }));
  return columnar::NormalizeRows(std::move(rows));
}

// Rows of the pages that may satisfy a matcher, from the page index alone. Every matcher that
// MatchesEmpty keeps all rows.
std::vector<RowRange> RowsFromIndex(const FileIndex& index, uint32_t column,
                                    const Matcher& matcher) {
  if (matcher.MatchesEmpty()) return AllRows(index);
  if (matcher.negative()) return index.RowsWherePresent(column);
  if (const auto literals = matcher.LiteralValues()) {
    std::vector<RowRange> rows;
    for (const std::string& value : *literals) {
      const std::vector<RowRange> pages = index.RowsWhereString(column, value, value);
      rows.insert(rows.end(), pages.begin(), pages.end());
    }
    return columnar::NormalizeRows(std::move(rows));
  }
  if (!matcher.prefix().empty()) return index.RowsWithPrefix(column, matcher.prefix());
  return index.RowsWherePresent(column);
}

// The matchers of one label column, evaluated once per distinct value as long as pages share their
// dictionary.
class ColumnMatchers {
 public:
  void Add(const Matcher* matcher) { matchers_.push_back(matcher); }

  // Clears `keep` where a matcher refuses the value.
  void Apply(const ColumnVector& column, std::vector<uint8_t>* keep) {
    const bool own = column.values.data() == column.own_values.data();
    if (own || column.values.data() != dictionary_ || column.values.size() != verdicts_.size()) {
      verdicts_.assign(column.values.size(), kUnknown);
      dictionary_ = own ? nullptr : column.values.data();
    }
    uint64_t row = 0;
    for (const columnar::CodeRun& run : column.runs) {
      if (!Accepts(column, run.code)) {
        std::fill_n(keep->begin() + static_cast<ptrdiff_t>(row), run.count, 0);
      }
      row += run.count;
    }
  }

 private:
  static constexpr uint8_t kUnknown = 2;

  bool Accepts(const ColumnVector& column, uint32_t code) {
    uint8_t& verdict = code == columnar::kNullCode ? null_verdict_ : verdicts_[code];
    if (verdict == kUnknown) {
      const std::string_view value =
          code == columnar::kNullCode ? std::string_view() : column.values[code];
      verdict = std::all_of(matchers_.begin(), matchers_.end(),
                            [&](const Matcher* m) { return m->Matches(value); });
    }
    return verdict != 0;
  }

  std::vector<const Matcher*> matchers_;
  const std::string_view* dictionary_ = nullptr;
  std::vector<uint8_t> verdicts_;
  uint8_t null_verdict_ = kUnknown;
};

// What is left of the matchers once the columns have spoken.
struct Candidates {
  std::vector<RowRange> rows;
  std::vector<const Matcher*> on_label_sets;  // labels without a column
};

// Narrows the rows by the labels index and the page index, without reading `series` pages.
Result<Candidates> Narrow(const ColdBlock& block, const SeriesFile& file, const BlockSelect& select,
                          std::map<uint32_t, ColumnMatchers>* columns, ReadStats* stats) {
  Candidates candidates;
  candidates.rows = AllRows(file.index());
  const std::vector<std::string>& indexed = file.footer->indexed_labels;
  for (const Matcher& matcher : select.matchers) {
    const auto column = file.ColumnOf(matcher.name());
    if (!column && file.IsOther(matcher.name())) {
      candidates.on_label_sets.push_back(&matcher);
      continue;
    }
    if (!column) {  // no series of the block has the label
      if (!matcher.MatchesEmpty()) candidates.rows.clear();
      continue;
    }
    const bool has_index =
        std::find(indexed.begin(), indexed.end(), matcher.name()) != indexed.end();
    const auto literals = matcher.negative() ? std::nullopt : matcher.LiteralValues();
    if (has_index && literals && !matcher.MatchesEmpty()) {
      ASSIGN_OR_RETURN(const std::vector<RowRange> rows,
                       RowsFromLabels(block, matcher.name(), *literals, select, stats));
      candidates.rows = columnar::IntersectRows(candidates.rows, rows);
      continue;  // exact: the column need not be read
    }
    candidates.rows =
        columnar::IntersectRows(candidates.rows, RowsFromIndex(file.index(), *column, matcher));
    (*columns)[*column].Add(&matcher);
  }
  return candidates;
}

// Reads the label columns that matchers name and keeps the rows that all accept.
Status FilterByColumns(const SeriesFile& file, const BlockSelect& select,
                       std::map<uint32_t, ColumnMatchers>* columns, std::vector<RowRange>* rows,
                       ReadStats* stats) {
  if (columns->empty() || rows->empty()) return Status::Ok();
  std::vector<FetchColumn> fetch;
  for (const auto& [column, matchers] : *columns) fetch.push_back({column});
  std::vector<RowRange> kept;
  RETURN_IF_ERROR(ForEachPage(file.reader, fetch, *rows, select.limit_bytes, select.budget, stats,
                              [&](const PageBatch& page) -> Status {
                                std::vector<uint8_t> keep(page.rows.count, 1);
                                size_t i = 0;
                                for (auto& [column, matchers] : *columns)
                                  matchers.Apply(page.columns[i++], &keep);
                                for (uint64_t row = 0; row < keep.size();) {
                                  if (!keep[row]) {
                                    ++row;
                                    continue;
                                  }
                                  uint64_t end = row + 1;
                                  while (end < keep.size() && keep[end]) ++end;
                                  kept.push_back({page.rows.first + row, end - row});
                                  row = end;
                                }
                                return Status::Ok();
                              }));
  *rows = columnar::IntersectRows(*rows, kept);
  return Status::Ok();
}

// Takes the locators of rows over into a BlockSeries.
class RowCollector {
 public:
  RowCollector(const ColdBlock& block, const BlockSelect& select,
               const std::vector<const Matcher*>& on_label_sets)
      : block_(block), select_(select), on_label_sets_(on_label_sets) {
    const auto rows_of = [&](BlockFileKind kind) {
      const BlockFile* const file = block.entry().Find(kind);
      return file == nullptr ? 0 : file->rows;
    };
    samples_.limit = rows_of(BlockFileKind::kSamples);
    histograms_.limit = rows_of(BlockFileKind::kHistograms);
  }

  // Finds the columns to fetch, in the order in which Page() has them.
  Result<std::vector<FetchColumn>> Columns(const FileIndex& index) {
    std::vector<FetchColumn> columns;
    const auto add = [&](std::string_view name) -> std::optional<size_t> {
      const auto column = index.schema().Find(name);
      if (!column) return std::nullopt;
      columns.push_back({*column});
      return columns.size() - 1;
    };
    for (const std::string_view name : {"label_set", "series_id", "min_time", "max_time"})
      add(name);
    samples_.first = add("first_row");
    samples_.count = add("row_count");
    samples_.more = add("more_rows");
    const bool complete = columns.size() >= 6 && samples_.count == 5;
    histograms_.first = add("histogram.first_row");
    histograms_.count = add("histogram.row_count");
    histograms_.more = add("histogram.more_rows");
    if (!complete || histograms_.first.has_value() != histograms_.count.has_value() ||
        (histograms_.limit > 0 && !histograms_.first)) {
      return Status::Corruption("series file of block " + block_.entry().id.ToString() +
                                ": a column is missing");
    }
    return columns;
  }

  Status Page(const PageBatch& page, std::span<const RowRange> rows, BlockSeries* out) {
    Spread(page.columns[0], &label_sets_);
    for (Locators* locators : {&samples_, &histograms_}) {
      if (locators->more) Spread(page.columns[*locators->more], &locators->more_rows);
    }
    if (histograms_.first && out->histogram_offsets.empty()) out->histogram_offsets = {0};
    return ForEachPart(page.rows, rows, &next_, [&](uint64_t first, uint64_t count) {
      for (uint64_t row = first; row < first + count; ++row) {
        RETURN_IF_ERROR(Row(page, row, out));
      }
      return Status::Ok();
    });
  }

 private:
  // Where a table's rows of a series are, and how many rows the table has.
  struct Locators {
    std::optional<size_t> first;
    std::optional<size_t> count;
    std::optional<size_t> more;
    uint64_t limit = 0;
    std::vector<std::string_view> more_rows;
  };

  static void Spread(const ColumnVector& column, std::vector<std::string_view>* values) {
    values->resize(column.rows);
    column.ForEachString([&](uint64_t first, uint64_t count, std::string_view value) {
      std::fill_n(values->begin() + static_cast<ptrdiff_t>(first), count, value);
    });
  }

  Status Row(const PageBatch& page, uint64_t row, BlockSeries* out) {
    const auto number = [&](size_t column) { return page.columns[column].int64s[row]; };
    const TimeRange range{number(2), number(3)};
    if (!range.Overlaps(select_.range)) return Status::Ok();
    const LabelsView labels(label_sets_[row]);
    for (const Matcher* matcher : on_label_sets_) {
      if (!matcher->Matches(labels.Get(matcher->name()))) return Status::Ok();
    }
    const size_t before = out->rows.size() + out->histogram_rows.size();
    RETURN_IF_ERROR(Locate(page, row, samples_, &out->rows));
    if (histograms_.first) RETURN_IF_ERROR(Locate(page, row, histograms_, &out->histogram_rows));
    if (out->rows.size() + out->histogram_rows.size() == before) {
      return Status::Corruption(fmt::format("series row {} of block {}: no samples",
                                            page.rows.first + row, block_.entry().id.ToString()));
    }
    out->row_offsets.push_back(static_cast<uint32_t>(out->rows.size()));
    if (histograms_.first) {
      out->histogram_offsets.push_back(static_cast<uint32_t>(out->histogram_rows.size()));
    }
    out->ids.emplace_back(static_cast<uint64_t>(number(1)));
    out->ranges.push_back(range);
    out->label_sets += label_sets_[row];
    out->label_offsets.push_back(out->label_sets.size());
    return Status::Ok();
  }

  Status Locate(const PageBatch& page, uint64_t row, const Locators& locators,
                std::vector<RowRange>* rows) const {
    const auto number = [&](size_t column) {
      return static_cast<uint64_t>(page.columns[column].int64s[row]);
    };
    const RowRange first{number(*locators.first), number(*locators.count)};
    if (first.count == 0) return Status::Ok();
    if (first.first > locators.limit || first.count > locators.limit - first.first) {
      return Status::Corruption(fmt::format("series row {} of block {}: rows {} + {} of {}",
                                            page.rows.first + row, block_.entry().id.ToString(),
                                            first.first, first.count, locators.limit));
    }
    rows->push_back(first);
    if (!locators.more || locators.more_rows[row].data() == nullptr) return Status::Ok();
    return DecodeMoreRows(locators.more_rows[row], locators.limit, rows);
  }

  const ColdBlock& block_;
  const BlockSelect& select_;
  const std::vector<const Matcher*>& on_label_sets_;
  Locators samples_;
  Locators histograms_;
  size_t next_ = 0;
  std::vector<std::string_view> label_sets_;
};

}  // namespace

Result<BlockSeries> MatchSeries(const ColdBlock& block, const BlockSelect& select,
                                ReadStats* stats) {
  ASSIGN_OR_RETURN(const SeriesFile file, SeriesFile::Open(block, stats));
  std::map<uint32_t, ColumnMatchers> columns;
  ASSIGN_OR_RETURN(Candidates candidates, Narrow(block, file, select, &columns, stats));
  RETURN_IF_ERROR(FilterByColumns(file, select, &columns, &candidates.rows, stats));
  BlockSeries out;
  RowCollector collector(block, select, candidates.on_label_sets);
  ASSIGN_OR_RETURN(const std::vector<FetchColumn> locators, collector.Columns(file.index()));
  RETURN_IF_ERROR(ForEachPage(
      file.reader, locators, candidates.rows, select.limit_bytes, select.budget, stats,
      [&](const PageBatch& page) { return collector.Page(page, candidates.rows, &out); }));
  return out;
}

}  // namespace thermocline
