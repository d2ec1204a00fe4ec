#include "index/postings.h"

#include <algorithm>

#include "base/check.h"

namespace thermocline {
namespace {

constexpr size_t kMinSlots = 64;

size_t HashPair(SymbolId name, SymbolId value) {
  const uint64_t key = uint64_t{name.number} << 32 | value.number;
  uint64_t h = key * 0x9E3779B97F4A7C15ull;
  h ^= h >> 32;
  return static_cast<size_t>(h * 0xD6E8FEB86659FD93ull >> 16);
}

}  // namespace

void Postings::Add(SeriesRef series, LabelsView labels, std::vector<PairId>* pairs) {
  pairs->clear();
  for (const LabelPair& label : labels) {
    const PairId pair = FindOrAddPair(label.name, label.value);
    pairs_[pair.number].series.Insert(series);
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
  std::vector<SymbolId> names;
  for (const PairId pair : touched) {
    RefList& list = pairs_[pair.number].series;
    CHECK(!list.empty());
    const auto first = std::lower_bound(series.begin(), series.end(), list.view().front());
    const auto last = std::upper_bound(first, series.end(), list.view().back());
    list.Remove({first, last});
    if (!list.empty()) continue;
    names.push_back(pairs_[pair.number].name);
    FreePair(pair);
  }
  all_.Remove(series);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  for (const SymbolId name : names) {
    std::vector<PairId>& values = names_[name].pairs;
    std::erase_if(values, [this](PairId p) { return pairs_[p.number].name == kNoSymbol; });
    if (values.empty()) {
      names_.erase(name);
    } else if (values.size() < values.capacity() / 4) {
      values.shrink_to_fit();
    }
  }
  // The names' own numbers were held until here, so that none was reused in between.
  for (const PairId pair : touched) {
    Pair& freed = pairs_[pair.number];
    if (freed.name != kNoSymbol) continue;
    freed.value = SymbolId(first_free_);
    first_free_ = pair.number;
  }
  TrimFreePairs();
  symbols_.Compact();
  size_t slot_count = slots_.size();
  while (slot_count > kMinSlots && pair_count_ * 4 < slot_count) slot_count /= 2;
  if (slot_count < slots_.size()) Rehash(slot_count);
}

// A burst of series that is over must not keep its table: free numbers at the end go.
void Postings::TrimFreePairs() {
  const size_t before = pairs_.size();
  while (!pairs_.empty() && pairs_.back().name == kNoSymbol) pairs_.pop_back();
  if (pairs_.size() == before) return;
  // Those that went may be anywhere in the list of free numbers: it is made anew, lowest first.
  first_free_ = UINT32_MAX;
  for (size_t i = pairs_.size(); i-- > 0;) {
    if (pairs_[i].name != kNoSymbol) continue;
    pairs_[i].value = SymbolId(first_free_);
    first_free_ = static_cast<uint32_t>(i);
  }
  if (pairs_.size() < pairs_.capacity() / 4) pairs_.shrink_to_fit();
}

bool Postings::SameLabels(std::span<const PairId> pairs, LabelsView labels) const {
  size_t i = 0;
  for (const LabelPair& label : labels) {
    if (i == pairs.size() || NameOf(pairs[i]) != label.name || ValueOf(pairs[i]) != label.value) {
      return false;
    }
    ++i;
  }
  return i == pairs.size();
}

void Postings::AppendPacked(std::span<const PairId> pairs, std::string* packed) const {
  for (const PairId pair : pairs) AppendPackedLabel(packed, NameOf(pair), ValueOf(pair));
}

Labels Postings::LabelsOf(std::span<const PairId> pairs) const {
  std::string packed;
  AppendPacked(pairs, &packed);
  return Labels(LabelsView(packed));
}

// --- pairs ---

size_t Postings::Slot(SymbolId name, SymbolId value) const {
  const size_t mask = slots_.size() - 1;
  size_t slot = HashPair(name, value) & mask;
  while (slots_[slot] != 0) {
    const Pair& pair = pairs_[slots_[slot] - 1];
    if (pair.name == name && pair.value == value) break;
    slot = (slot + 1) & mask;
  }
  return slot;
}

PairId Postings::FindPair(SymbolId name, SymbolId value) const {
  if (slots_.empty() || name == kNoSymbol || value == kNoSymbol) return PairId(UINT32_MAX);
  return PairId(slots_[Slot(name, value)] - 1);  // an empty slot wraps to UINT32_MAX
}

PairId Postings::FindOrAddPair(std::string_view name, std::string_view value) {
  const PairId found = FindPair(symbols_.Find(name), symbols_.Find(value));
  if (found.number != UINT32_MAX) return found;
  if ((pair_count_ + 1) * 4 > slots_.size() * 3) Rehash(std::max(kMinSlots, slots_.size() * 2));
  uint32_t number = first_free_;
  if (number != UINT32_MAX) {
    first_free_ = pairs_[number].value.number;
  } else {
    number = static_cast<uint32_t>(pairs_.size());
    pairs_.emplace_back();
  }
  Pair& pair = pairs_[number];
  pair.name = symbols_.Acquire(name);
  pair.value = symbols_.Acquire(value);
  slots_[Slot(pair.name, pair.value)] = number + 1;
  names_[pair.name].pairs.emplace_back(number);
  ++pair_count_;
  return PairId(number);
}

// Takes the pair out of the hash table and gives its texts back; its number is reused later, by
// Remove.
void Postings::FreePair(PairId id) {
  Pair& pair = pairs_[id.number];
  EraseSlot(Slot(pair.name, pair.value));
  symbols_.Release(pair.name);
  symbols_.Release(pair.value);
  pair.name = kNoSymbol;
  --pair_count_;
}

void Postings::EraseSlot(size_t slot) {
  const size_t mask = slots_.size() - 1;
  size_t gap = slot;
  for (size_t next = (slot + 1) & mask; slots_[next] != 0; next = (next + 1) & mask) {
    const Pair& pair = pairs_[slots_[next] - 1];
    const size_t home = HashPair(pair.name, pair.value) & mask;
    if (((next - home) & mask) >= ((next - gap) & mask)) {
      slots_[gap] = slots_[next];
      gap = next;
    }
  }
  slots_[gap] = 0;
}

void Postings::Rehash(size_t slot_count) {
  std::vector<uint32_t>(slot_count, 0).swap(slots_);
  const size_t mask = slot_count - 1;
  for (size_t i = 0; i < pairs_.size(); ++i) {
    if (pairs_[i].name == kNoSymbol) continue;
    size_t slot = HashPair(pairs_[i].name, pairs_[i].value) & mask;
    while (slots_[slot] != 0) slot = (slot + 1) & mask;
    slots_[slot] = static_cast<uint32_t>(i) + 1;
  }
}

uint64_t Postings::memory_bytes() const {
  uint64_t bytes = symbols_.memory_bytes() + pairs_.capacity() * sizeof(Pair) +
                   slots_.capacity() * sizeof(uint32_t) + all_.heap_bytes();
  for (const Pair& pair : pairs_) bytes += pair.series.heap_bytes();
  for (const auto& [symbol, name] : names_) bytes += name.pairs.capacity() * sizeof(PairId);
  return bytes;
}

}  // namespace thermocline
