// The label index of series in memory: label pair -> ascending series numbers.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/ids.h"
#include "index/ref_list.h"
#include "index/symbols.h"
#include "model/admin.h"
#include "model/labels.h"
#include "model/matcher.h"
#include "model/queryable.h"

namespace thermocline {

// Number of a label pair, which is the number of its packed text (LabelsView) among the symbols. A
// series keeps its label set as the pair ids that Add returned: four bytes a label. A number is
// reused once no series has the pair.
using PairId = TypedId<struct PairIdTag, uint32_t>;

struct DeadSeries {
  SeriesRef series;
  std::span<const PairId> pairs;
};

// Threads: one writer (Add, Remove) or many readers at a time, by the owner's lock. What readers
// get as spans or views is valid until the next Add or Remove.
// Memory: 4 to 8 bytes for each label of a series, and for each distinct pair about 40 bytes and
// the texts of name and value.
class Postings {
 public:
  Postings() = default;
  Postings(const Postings&) = delete;
  Postings& operator=(const Postings&) = delete;

  // Enters `series`, which must not be in the index, and puts its pairs into `pairs` (replaced), in
  // the order of `labels`. Ascending numbers append; a number below the newest costs a move of what
  // lies behind it.
  void Add(SeriesRef series, LabelsView labels, std::vector<PairId>* pairs);

  // Takes series out; `dead` ascending by number. Costs the length of every list that a dead series
  // is in, once: collect many. Pairs and texts that nobody has any more are freed.
  void Remove(std::span<const DeadSeries> dead);

  // --- label sets as pair ids ---
  // Compares whole texts, byte by byte. Of the hot path: once for every series of a request.
  bool SameLabels(std::span<const PairId> pairs, LabelsView labels) const;
  void AppendPacked(std::span<const PairId> pairs, std::string* packed) const;
  Labels LabelsOf(std::span<const PairId> pairs) const;
  std::string_view NameOf(PairId pair) const { return Unpacked(pair).name; }
  std::string_view ValueOf(PairId pair) const { return Unpacked(pair).value; }

  // --- series of labels; all results ascending and distinct ---
  std::span<const SeriesRef> All() const { return all_.view(); }
  // Empty when no series has the pair.
  std::span<const SeriesRef> Find(std::string_view name, std::string_view value) const;
  // The series that every matcher accepts, with Prometheus' meaning of an absent label (tsdb
  // PostingsForMatchers): exact, nothing left to check. No matchers: all series.
  std::vector<SeriesRef> Match(const std::vector<Matcher>& matchers) const {
    return Match(matchers, nullptr).value();
  }
  // The same, but asks `budget` (may be null) after every few thousand values looked at; its error.
  Result<std::vector<SeriesRef>> Match(const std::vector<Matcher>& matchers,
                                       const QueryBudget* budget) const;

  // --- names and values; ascending byte order, distinct ---
  std::vector<std::string> LabelNames() const;
  std::vector<std::string> LabelValues(std::string_view name) const {
    return LabelValues(name, static_cast<const QueryBudget*>(nullptr)).value();
  }
  // Of the given series only (ascending).
  std::vector<std::string> LabelNames(std::span<const SeriesRef> series) const {
    return LabelNames(series, nullptr).value();
  }
  std::vector<std::string> LabelValues(std::string_view name,
                                       std::span<const SeriesRef> series) const {
    return LabelValues(name, series, nullptr).value();
  }
  // The same, asking as Match does.
  Result<std::vector<std::string>> LabelValues(std::string_view name,
                                               const QueryBudget* budget) const;
  Result<std::vector<std::string>> LabelNames(std::span<const SeriesRef> series,
                                              const QueryBudget* budget) const;
  Result<std::vector<std::string>> LabelValues(std::string_view name,
                                               std::span<const SeriesRef> series,
                                               const QueryBudget* budget) const;

  size_t series_count() const { return all_.size(); }
  size_t pair_count() const { return symbols_.size(); }
  uint64_t memory_bytes() const;
  // Fills the counts by metric, label and pair of `status`, the largest `limit` of each.
  void FillStatus(uint64_t limit, HeadStatus* status) const;

 private:
  // The values of one label name, as pairs in no particular order.
  struct Name {
    std::vector<PairId> pairs;
  };
  struct NameHash {
    using is_transparent = void;
    size_t operator()(std::string_view name) const;
  };
  using Names = std::unordered_map<std::string, Name, NameHash, std::equal_to<>>;

  // One matcher's share of Match: the union of the lists whose value `keep` accepts.
  template <typename Keep>
  Result<std::vector<SeriesRef>> UnionOf(const Name& name, Keep keep,
                                         const QueryBudget* budget) const;
  Result<std::vector<SeriesRef>> Accepted(const Matcher& matcher, const QueryBudget* budget) const;
  Result<std::vector<SeriesRef>> Refused(const Matcher& matcher, const QueryBudget* budget) const;

  const Name* FindName(std::string_view name) const;
  std::string_view PackedOf(PairId pair) const { return symbols_.Text(SymbolId(pair.number)); }
  LabelPair Unpacked(PairId pair) const { return *LabelsView(PackedOf(pair)).begin(); }
  PairId FindOrAddPair(std::string_view packed, std::string_view name);
  void RemoveFromNames(const std::set<std::string, std::less<>>& names);

  SymbolTable symbols_;         // packed pairs, one reference each
  std::vector<RefList> lists_;  // by pair; empty: the number is free
  Names names_;
  RefList all_;
};

}  // namespace thermocline
