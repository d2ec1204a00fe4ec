// Rows to labels: which columns a row has (the column list, or every column's nulls), then those
// columns, in the order of label names.
#include <fmt/core.h>

#include <algorithm>

#include "shards/shard.h"

namespace thermocline::shards {

namespace {

// Below this share of a shard's rows, or with fewer label columns, the column list is not worth its
// round.
constexpr uint64_t kListWorthColumns = 8;
constexpr uint64_t kMostRowsShare = 4;
constexpr auto kDictionaryPages = static_cast<int8_t>(columnar::PageEncoding::kRleDictionary);

// Those of `rows` whose values the page index does not tell.
std::vector<RowRange> VaryingRows(const columnar::ColumnEntry& entry,
                                  std::span<const RowRange> rows) {
  std::vector<RowRange> pages;
  VisitPages(*entry.layout, rows, [&](uint32_t page, RowRange held) {
    if (!ValuesOf(entry, page).constant) pages.push_back(held);
  });
  return columnar::IntersectRows(rows, pages);
}

}  // namespace

Result<std::vector<ColumnRows>> Shard::PresentColumns(std::span<const uint64_t> rows,
                                                      ShardReads* reads,
                                                      std::vector<uint32_t>* counts) const {
  // Only a list tells of labels whose column's name was damaged where there are no hashes.
  const bool hashed = columns_.labels_hash || columns_.chunks_hash;
  const bool list_checks = counts != nullptr && !labels_.checked() && !hashed;
  if (counts != nullptr) counts->clear();
  std::vector<ColumnRows> present;
  const std::vector<RowRange> ranges = RangesOf(rows);
  if (!columns_.column_list || (!list_checks && (columns_.labels.size() <= kListWorthColumns ||
                                                 rows.size() * kMostRowsShare > this->rows()))) {
    for (const LabelColumn& label : columns_.labels) {
      auto held = columnar::IntersectRows(ranges, labels_.index->RowsWherePresent(label.leaf));
      if (!held.empty()) present.push_back({label.leaf, std::move(held)});
    }
    return present;
  }
  const uint32_t leaves = static_cast<uint32_t>(columns_.label_of_leaf.size());
  std::vector<std::vector<uint64_t>> rows_of(leaves);
  const ColumnRows list{*columns_.column_list, ranges};
  ++reads->rounds;
  ASSIGN_OR_RETURN(const auto fetch, labels_.Fetch({&list, 1}, options_.fetch, &reads->stats));
  columnar::PageDecoder decoder;
  columnar::ColumnVector page;
  std::vector<uint32_t> leaves_of_row;
  Status status;
  size_t next = 0;
  for (size_t i = 0; i < fetch->page_count(0); ++i) {
    RETURN_IF_ERROR(reads->Check());
    RETURN_IF_ERROR(fetch->Decode(0, i, decoder, &page));
    reads->stats.rows_decoded += page.rows;
    VisitRows(page, fetch->page_rows(0, i), rows, &next, [&](size_t at, std::string_view cell) {
      if (!status.ok()) return;
      status = ParseColumnList(cell, leaves, &leaves_of_row);
      if (!status.ok()) return;
      for (const uint32_t leaf : leaves_of_row) {
        rows_of[leaf].push_back(rows[at]);
        if (columns_.label_of_leaf[leaf] >= 0) continue;
        status = Status::Corruption(
            fmt::format("row {} has a label in column {}, which is no label's", rows[at], leaf));
      }
      if (counts != nullptr) counts->push_back(static_cast<uint32_t>(leaves_of_row.size()));
    });
    RETURN_IF_ERROR(status.WithContext(name_ + ", list of columns"));
  }
  for (const LabelColumn& label : columns_.labels) {
    if (!rows_of[label.leaf].empty()) {
      present.push_back({label.leaf, RangesOf(rows_of[label.leaf])});
    }
  }
  return present;
}

namespace {

// Label sets of several rows, put together label by label in ascending order of names.
class LabelSets {
 public:
  using Constants = std::vector<std::pair<std::string_view, std::string_view>>;
  LabelSets(std::span<const uint64_t> rows, Constants constants)
      : rows_(rows), constants_(std::move(constants)), list_(rows.size()) {}

  // What every row has, of names below `name`, or all that is left.
  void AddConstants(const std::string_view* name) {
    for (; added_ < constants_.size(); ++added_) {
      if (name != nullptr && constants_[added_].first >= *name) break;
      list_.AddPair(constants_[added_].first, constants_[added_].second);
      for (size_t at = 0; at < rows_.size(); ++at) list_.AddTo(at);
    }
  }

  // Adds the values of `name`: those of constant pages as the index has them, those of the others
  // from column `slot` of `fetch`, whose pages they are.
  Status AddColumn(std::string_view name, const columnar::ColumnEntry& entry,
                   std::span<const RowRange> rows, const PageFetch* fetch, size_t slot,
                   ShardReads* reads) {
    AddConstants(&name);
    size_t next = 0;
    size_t fetched = 0;
    std::string_view last;  // of the pair that was added last
    const char* seen = nullptr;
    const auto add = [&](size_t at, std::string_view value) {
      if (value.empty()) return;  // NULL, and what means the same
      if (value.data() != seen) {
        list_.AddPair(name, value);
        seen = value.data();
      }
      list_.AddTo(at);
    };
    Status status;
    VisitPages(*entry.layout, rows, [&](uint32_t page, RowRange held) {
      if (!status.ok()) return;
      const PageValues values = ValuesOf(entry, page);
      while (next < rows_.size() && rows_[next] < held.first) ++next;
      if (values.constant) {
        // Neighbours often hold the same; the index outlives them all.
        if (values.min == last) seen = values.min.data();
        last = values.min;
        for (; next < rows_.size() && rows_[next] < held.end(); ++next) add(next, values.min);
        return;
      }
      status = reads->Check();
      if (!status.ok()) return;
      status = fetch->Decode(slot, fetched++, decoder_, &page_);
      if (!status.ok()) return;
      reads->stats.rows_decoded += held.count;
      seen = nullptr;
      VisitRows(page_, held, rows_, &next, add);
      seen = nullptr;  // the page's own values go away
      last = {};
    });
    RETURN_IF_ERROR(status);
    return list_.Check();
  }

  LabelList Finish() {
    AddConstants(nullptr);
    return list_.Build();
  }

 private:
  const std::span<const uint64_t> rows_;
  const Constants constants_;
  size_t added_ = 0;
  LabelListBuilder list_;
  columnar::PageDecoder decoder_;
  columnar::ColumnVector page_;
};

}  // namespace

Result<LabelList> Shard::ReadLabels(std::span<const uint64_t> rows,
                                    const std::vector<Matcher>& known, ShardReads* reads) const {
  if (rows.empty()) return LabelList();
  std::vector<uint32_t> counts;
  ASSIGN_OR_RETURN(std::vector<ColumnRows> present, PresentColumns(rows, reads, &counts));
  // What every row has: external labels, which win, and what an equality matcher asked for.
  LabelSets::Constants constants;
  for (const LabelPair& pair : external_) constants.emplace_back(pair.name, pair.value);
  for (const Matcher& matcher : known) {
    if (matcher.type() != MatchType::kEqual || matcher.value().empty() ||
        external_.Has(matcher.name()) || columns_.FindLabel(matcher.name()) == nullptr) {
      continue;
    }
    constants.emplace_back(matcher.name(), matcher.value());
  }
  std::sort(constants.begin(), constants.end());
  constants.erase(std::unique(constants.begin(), constants.end()), constants.end());
  const auto name_of = [&](const ColumnRows& column) -> std::string_view {
    return columns_.labels[static_cast<size_t>(columns_.label_of_leaf[column.column])].name;
  };
  std::erase_if(present, [&](const ColumnRows& column) {
    const auto at = std::lower_bound(constants.begin(), constants.end(), name_of(column),
                                     [](const auto& a, std::string_view b) { return a.first < b; });
    return at != constants.end() && at->first == name_of(column);
  });

  const auto& index = static_cast<const columnar::PagedFileIndex&>(*labels_.index);
  std::vector<ColumnRows> wanted;
  bool any = false;
  for (const ColumnRows& column : present) {
    wanted.push_back({column.column, VaryingRows(index.entry(column.column), column.rows)});
    any |= !wanted.back().rows.empty();
  }
  const bool check = HashesTell();
  if (check && columns_.labels_hash) {
    wanted.push_back({*columns_.labels_hash, RangesOf(rows)});
    any = true;
  }
  std::shared_ptr<const PageFetch> fetch;
  if (any) {
    ++reads->rounds;
    ASSIGN_OR_RETURN(fetch, labels_.Fetch(wanted, options_.fetch, &reads->stats));
  }
  LabelSets sets(rows, std::move(constants));
  for (size_t slot = 0; slot < present.size(); ++slot) {
    const columnar::ColumnEntry& entry = index.entry(present[slot].column);
    RETURN_IF_ERROR(sets.AddColumn(name_of(present[slot]), entry, present[slot].rows, fetch.get(),
                                   slot, reads));
  }
  RETURN_IF_ERROR(reads->Check());
  LabelList labels = sets.Finish();
  RETURN_IF_ERROR(CheckCounts(rows, labels, counts));
  if (!check) return labels;
  size_t slot = present.size();
  if (!columns_.labels_hash) {
    const ColumnRows hashes{*columns_.chunks_hash, RangesOf(rows)};
    ++reads->rounds;
    ASSIGN_OR_RETURN(fetch, chunks_.Fetch({&hashes, 1}, options_.fetch, &reads->stats));
    slot = 0;
  }
  RETURN_IF_ERROR(CheckHashes(rows, labels, *fetch, slot, reads));
  return labels;
}

bool Shard::HidesLabels() const {
  return std::any_of(external_.begin(), external_.end(), [&](const LabelPair& pair) {
    return columns_.FindLabel(pair.name) != nullptr;
  });
}

bool Shard::HashesTell() const {
  if (HidesLabels()) return false;
  return columns_.labels_hash ? !labels_.checked()
                              : columns_.chunks_hash && !(labels_.checked() && chunks_.checked());
}

Status Shard::CheckCounts(std::span<const uint64_t> rows, const LabelList& labels,
                          std::span<const uint32_t> counts) const {
  if (HidesLabels()) return Status::Ok();
  for (size_t at = 0; at < counts.size(); ++at) {
    const size_t found = labels[at].size() - external_.size();
    if (found == counts[at]) continue;
    return Status::Corruption(fmt::format("{}: row {} has {} labels, its list of columns {}: {}",
                                          name_, rows[at], found, counts[at],
                                          labels[at].ToString()));
  }
  return Status::Ok();
}

namespace {

// The hash of a row's own labels as either of the two builds of the gateway stores it.
bool IsGatewayHash(LabelsView labels, int64_t stored) {
  return static_cast<int64_t>(PackedHash(labels)) == stored ||
         static_cast<int64_t>(SeparatedHash(labels)) == stored;
}

}  // namespace

Status Shard::CheckHashes(std::span<const uint64_t> rows, const LabelList& labels,
                          const PageFetch& fetch, size_t slot, ShardReads* reads) const {
  columnar::PageDecoder decoder;
  columnar::ColumnVector page;
  size_t bad = rows.size();
  size_t next = 0;
  const auto own = [&](size_t at) {
    LabelsBuilder builder{Labels(labels[at])};
    for (const LabelPair& pair : external_) builder.Remove(pair.name);
    return builder.Build();
  };
  for (size_t i = 0; i < fetch.page_count(slot) && bad == rows.size(); ++i) {
    RETURN_IF_ERROR(reads->Check());
    RETURN_IF_ERROR(fetch.Decode(slot, i, decoder, &page));
    const RowRange held = fetch.page_rows(slot, i);
    reads->stats.rows_decoded += held.count;
    if (columns_.labels_hash) {
      VisitRows(page, held, rows, &next, [&](size_t at, std::string_view cell) {
        if (HashCell(SeparatedHash(labels[at])) != cell) bad = std::min(bad, at);
      });
      continue;
    }
    for (; next < rows.size() && rows[next] < held.end(); ++next) {
      const int64_t stored = page.int64s[rows[next] - held.first];
      const bool same = external_.empty() ? IsGatewayHash(labels[next], stored)
                                          : IsGatewayHash(own(next), stored);
      if (!same) bad = std::min(bad, next);
    }
  }
  if (bad == rows.size()) return Status::Ok();
  return Status::Corruption(fmt::format("{}: row {} does not have the hash of its labels {}", name_,
                                        rows[bad], labels[bad].ToString()));
}

Result<std::vector<std::string>> Shard::LabelNames(const std::vector<RowRange>* rows,
                                                   ShardReads* reads) const {
  std::vector<std::string> names;
  if (rows == nullptr) {
    for (const LabelColumn& label : columns_.labels) {
      if (!labels_.index->RowsWherePresent(label.leaf).empty()) names.push_back(label.name);
    }
    return names;
  }
  if (rows->empty()) return names;
  if (columns_.column_list) {
    const std::vector<uint64_t> wanted = RowsOf(*rows);
    ASSIGN_OR_RETURN(const auto present, PresentColumns(wanted, reads));
    const bool exact = columns_.labels.size() > kListWorthColumns &&
                       wanted.size() * kMostRowsShare <= this->rows();
    if (exact) {
      for (const ColumnRows& column : present) {
        names.push_back(
            columns_.labels[static_cast<size_t>(columns_.label_of_leaf[column.column])].name);
      }
      return names;
    }
  }
  for (const LabelColumn& label : columns_.labels) {
    ASSIGN_OR_RETURN(const auto values, LabelValues(label, rows, reads));
    if (!values.empty()) names.push_back(label.name);
  }
  return names;
}

Result<std::vector<std::string>> Shard::LabelValues(const LabelColumn& label,
                                                    const std::vector<RowRange>* rows,
                                                    ShardReads* reads) const {
  const columnar::FileIndex& index = *labels_.index;
  ColumnRows wanted{label.leaf, {}};
  if (rows != nullptr) {
    wanted.rows = columnar::IntersectRows(*rows, index.RowsWherePresent(label.leaf));
  } else {
    // A dictionary comes with any page of its row group: one is enough where the column has one.
    // (and says so of all its pages).
    const auto& entry = static_cast<const columnar::PagedFileIndex&>(index).entry(label.leaf);
    uint32_t last_group = UINT32_MAX;
    for (size_t i = 0; i < index.page_count(label.leaf); ++i) {
      const columnar::PageInfo page = index.page(label.leaf, i);
      const bool dictionary = entry.encodings[i] == kDictionaryPages;
      if (page.all_null || (dictionary && page.row_group == last_group)) continue;
      last_group = page.row_group;
      wanted.rows.push_back({page.first_row, page.row_count});
    }
  }
  std::vector<std::string> values;
  if (wanted.rows.empty()) return values;
  ++reads->rounds;
  ASSIGN_OR_RETURN(const auto fetch, labels_.Fetch({&wanted, 1}, options_.fetch, &reads->stats));
  columnar::PageDecoder decoder;
  columnar::ColumnVector page;
  std::vector<uint8_t> used;
  const std::string_view* last = nullptr;
  size_t next = 0;
  for (size_t i = 0; i < fetch->page_count(0); ++i) {
    RETURN_IF_ERROR(reads->Check());
    RETURN_IF_ERROR(fetch->Decode(0, i, decoder, &page));
    reads->stats.rows_decoded += page.rows;
    const RowRange held = fetch->page_rows(0, i);
    const bool dictionary = page.values.data() != page.own_values.data();
    if (!dictionary || page.values.data() != last) used.assign(page.values.size(), 0);
    last = page.values.data();
    if (rows == nullptr && dictionary) {
      for (const std::string_view value : page.values) values.emplace_back(value);
      continue;
    }
    uint64_t row = held.first;
    for (const columnar::CodeRun& run : page.runs) {
      const RowRange span{row, run.count};
      row += run.count;
      if (run.code == columnar::kNullCode || used[run.code] != 0) continue;
      while (next < wanted.rows.size() && wanted.rows[next].end() <= span.first) ++next;
      if (next == wanted.rows.size()) break;
      if (wanted.rows[next].first >= span.end()) continue;
      used[run.code] = 1;
      values.emplace_back(page.values[run.code]);
    }
  }
  std::erase(values, std::string());
  return values;
}

}  // namespace thermocline::shards
