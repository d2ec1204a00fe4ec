// The label index of series in memory: label pair -> ascending series numbers.
#pragma once

#include <cstdint>
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

namespace thermocline {

// Number of a label pair. A series keeps its label set as the pair ids that Add returned: four
// bytes a label. A number is reused once no series has the pair.
using PairId = TypedId<struct PairIdTag, uint32_t>;

struct DeadSeries {
  SeriesRef series;
  std::span<const PairId> pairs;
};

// Threads: one writer (Add, Remove) or many readers at a time, by the owner's lock. What readers
// get as spans or views is valid until the next Add or Remove.
// Memory: 4 to 8 bytes for each label of a series, and for each distinct pair about 40 bytes, the
// value's text and 14 bytes if the text is new.
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
  bool SameLabels(std::span<const PairId> pairs, LabelsView labels) const;
  void AppendPacked(std::span<const PairId> pairs, std::string* packed) const;
  Labels LabelsOf(std::span<const PairId> pairs) const;
  std::string_view NameOf(PairId pair) const { return symbols_.Text(pairs_[pair.number].name); }
  std::string_view ValueOf(PairId pair) const { return symbols_.Text(pairs_[pair.number].value); }

  // --- series of labels; all results ascending and distinct ---
  std::span<const SeriesRef> All() const { return all_.view(); }
  // Empty when no series has the pair.
  std::span<const SeriesRef> Find(std::string_view name, std::string_view value) const;
  // The series that every matcher accepts, with Prometheus' meaning of an absent label (tsdb
  // PostingsForMatchers): exact, nothing left to check. No matchers: all series.
  std::vector<SeriesRef> Match(const std::vector<Matcher>& matchers) const;

  // --- names and values; ascending byte order, distinct ---
  std::vector<std::string> LabelNames() const;
  std::vector<std::string> LabelValues(std::string_view name) const;
  // Of the given series only (ascending).
  std::vector<std::string> LabelNames(std::span<const SeriesRef> series) const;
  std::vector<std::string> LabelValues(std::string_view name,
                                       std::span<const SeriesRef> series) const;

  size_t series_count() const { return all_.size(); }
  size_t pair_count() const { return pair_count_; }
  uint64_t memory_bytes() const;
  // Fills the counts by metric, label and pair of `status`, the largest `limit` of each.
  void FillStatus(uint64_t limit, HeadStatus* status) const;

 private:
  struct Pair {
    SymbolId name = kNoSymbol;  // kNoSymbol: free
    SymbolId value;             // or the next free number
    RefList series;
  };
  // The values of one label name, as pairs in no particular order.
  struct Name {
    std::vector<PairId> pairs;
  };

  // One matcher's share of Match: the union of the lists whose value `keep` accepts.
  template <typename Keep>
  std::vector<SeriesRef> UnionOf(const Name& name, Keep keep) const;
  std::vector<SeriesRef> Accepted(const Matcher& matcher) const;
  std::vector<SeriesRef> Refused(const Matcher& matcher) const;

  const Name* FindName(std::string_view name) const;
  PairId FindPair(SymbolId name, SymbolId value) const;
  PairId FindOrAddPair(std::string_view name, std::string_view value);
  void FreePair(PairId pair);
  void TrimFreePairs();
  size_t Slot(SymbolId name, SymbolId value) const;
  void Rehash(size_t slot_count);
  void EraseSlot(size_t slot);

  SymbolTable symbols_;
  std::vector<Pair> pairs_;
  uint32_t first_free_ = UINT32_MAX;
  size_t pair_count_ = 0;
  std::vector<uint32_t> slots_;  // pair number + 1, 0 = empty
  std::unordered_map<SymbolId, Name> names_;
  RefList all_;
};

}  // namespace thermocline
