#include "index/postings.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/hash.h"

namespace thermocline {
namespace {

// Label texts are mostly 8 to 64 bytes, for which a call costs as much as the work.
bool SameBytes(const char* a, const char* b, size_t size) {
  if (size < sizeof(uint64_t)) return std::memcmp(a, b, size) == 0;
  const auto differ = [&](size_t at) {
    uint64_t left;
    uint64_t right;
    std::memcpy(&left, a + at, sizeof(left));
    std::memcpy(&right, b + at, sizeof(right));
    return left ^ right;
  };
  uint64_t found = differ(size - sizeof(uint64_t));  // the last bytes, some of them twice
  for (size_t at = 0; at + sizeof(uint64_t) < size; at += sizeof(uint64_t)) found |= differ(at);
  return found == 0;
}

}  // namespace

size_t Postings::NameHash::operator()(std::string_view name) const {
  return static_cast<size_t>(Hash64(name));
}

void Postings::Add(SeriesRef series, LabelsView labels, std::vector<PairId>* pairs) {
  pairs->clear();
  const char* start = labels.packed().data();
  for (const LabelPair& label : labels) {
    const char* const end = label.value.data() + label.value.size();
    const PairId pair = FindOrAddPair({start, static_cast<size_t>(end - start)}, label.name);
    start = end;
    lists_[pair.number].Insert(series);
    pairs->push_back(pair);
  }
  all_.Insert(series);
}

void Postings::Remove(std::span<const DeadSeries> dead) {
  std::vector<SeriesRef> series;
  std::vector<PairId> touched;
  for (const DeadSeries& one : dead) {
    series.push_back(one.series);
    touched.insert(touched.end(), one.pairs.begin(), one.pairs.end());
  }
  CHECK(std::is_sorted(series.begin(), series.end()));
  // Grouped by pair, so that each list is walked once with just the dead that are in it.
  std::sort(touched.begin(), touched.end());
  touched.erase(std::unique(touched.begin(), touched.end()), touched.end());
  std::set<std::string, std::less<>> names;
  for (const PairId pair : touched) {
    RefList& list = lists_[pair.number];
    CHECK(!list.empty());
    const auto first = std::lower_bound(series.begin(), series.end(), list.view().front());
    const auto last = std::upper_bound(first, series.end(), list.view().back());
    list.Remove({first, last});
    if (!list.empty()) continue;
    const std::string_view name = NameOf(pair);
    if (!names.contains(name)) names.emplace(name);
    symbols_.Release(SymbolId(pair.number));
  }
  all_.Remove(series);
  RemoveFromNames(names);
  // A burst of series that is over must not keep its table: free numbers at the end go.
  symbols_.Compact();
  lists_.resize(symbols_.number_end());
  if (lists_.size() < lists_.capacity() / 4) lists_.shrink_to_fit();
}

// Takes the freed pairs of these names out of their lists.
void Postings::RemoveFromNames(const std::set<std::string, std::less<>>& names) {
  for (const std::string& name : names) {
    const auto found = names_.find(name);
    std::vector<PairId>& pairs = found->second.pairs;
    std::erase_if(pairs, [this](PairId pair) { return lists_[pair.number].empty(); });
    if (pairs.empty()) {
      names_.erase(found);
    } else if (pairs.size() < pairs.capacity() / 4) {
      pairs.shrink_to_fit();
    }
  }
}

bool Postings::SameLabels(std::span<const PairId> pairs, LabelsView labels) const {
  std::string_view rest = labels.packed();
  for (const PairId pair : pairs) {
    const std::string_view packed = PackedOf(pair);
    if (rest.size() < packed.size() || !SameBytes(rest.data(), packed.data(), packed.size())) {
      return false;
    }
    rest.remove_prefix(packed.size());
  }
  return rest.empty();
}

void Postings::AppendPacked(std::span<const PairId> pairs, std::string* packed) const {
  for (const PairId pair : pairs) *packed += PackedOf(pair);
}

Labels Postings::LabelsOf(std::span<const PairId> pairs) const {
  std::string packed;
  AppendPacked(pairs, &packed);
  return Labels(LabelsView(packed));
}

PairId Postings::FindOrAddPair(std::string_view packed, std::string_view name) {
  const SymbolId known = symbols_.Find(packed);
  if (known != kNoSymbol) return PairId(known.number);
  const PairId pair(symbols_.Acquire(packed).number);
  if (pair.number >= lists_.size()) lists_.resize(size_t{pair.number} + 1);
  auto found = names_.find(name);
  if (found == names_.end()) found = names_.emplace(name, Name()).first;
  found->second.pairs.push_back(pair);
  return pair;
}

uint64_t Postings::memory_bytes() const {
  uint64_t bytes =
      symbols_.memory_bytes() + lists_.capacity() * sizeof(RefList) + all_.heap_bytes();
  for (const RefList& list : lists_) bytes += list.heap_bytes();
  for (const auto& [text, name] : names_) bytes += name.pairs.capacity() * sizeof(PairId);
  return bytes;
}

}  // namespace thermocline
