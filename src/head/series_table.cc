#include "head/series_table.h"

#include <algorithm>
#include <bit>

#include "base/check.h"

namespace thermocline {
namespace {

constexpr uint64_t kHighHalf = 0xffffffff00000000ull;

}  // namespace

Piece& OpenPiece(Series& series, TimestampMs start_ms, bool* made) {
  Piece** at = &series.pieces;
  while (*at != nullptr && (*at)->start_ms() > start_ms) at = &(*at)->next;
  *made = *at == nullptr || (*at)->start_ms() != start_ms || (*at)->frozen;
  if (*made) *at = new Piece(start_ms, *at);
  return **at;
}

bool RepeatsNewest(const Series& series, double value, const SampleExtra& extra) {
  if (!SameBits(value, series.newest_value) || extra.kind() != series.kind()) return false;
  if (extra.histogram == nullptr) return true;
  for (const Piece* piece = series.pieces; piece != nullptr; piece = piece->next) {
    if (piece->start_ms() > series.newest_ms) continue;
    const auto repeated = piece->IsRepetition(series.newest_ms, *extra.histogram);
    if (repeated.has_value()) return *repeated;
  }
  return true;
}

SeriesTable::~SeriesTable() {
  for (const SeriesRef ref : postings_.All()) {
    for (Piece* piece = At(ref)->pieces; piece != nullptr;) {
      Piece* const next = piece->next;
      piece->Unref();
      piece = next;
    }
  }
}

Series* SeriesTable::At(SeriesRef ref) const {
  const size_t slab = ref.number >> kSlabBits;
  if (slab >= slabs_.size() || slabs_[slab].series == nullptr) return nullptr;
  Series* const series = &slabs_[slab].series[ref.number & (kSlabSize - 1)];
  return series->pairs == nullptr ? nullptr : series;
}

void SeriesTable::PrefetchSlot(uint64_t hash) const {
  __builtin_prefetch(&slots_[hash & (slots_.size() - 1)]);
}

const Series* SeriesTable::FirstCandidate(uint64_t hash) const {
  const Slot slot = slots_[hash & (slots_.size() - 1)];
  if (slot == 0) return nullptr;
  const auto ref = static_cast<uint32_t>(slot) - 1;
  return &slabs_[ref >> kSlabBits].series[ref & (kSlabSize - 1)];
}

void SeriesTable::PrefetchSeries(uint64_t hash) const { __builtin_prefetch(FirstCandidate(hash)); }

void SeriesTable::PrefetchPairs(uint64_t hash) const {
  const Series* const series = FirstCandidate(hash);
  if (series != nullptr) __builtin_prefetch(series->pairs.get());
}

Series* SeriesTable::Find(uint64_t hash, LabelsView labels, SeriesRef* ref) const {
  const size_t mask = slots_.size() - 1;
  for (size_t i = hash & mask; slots_[i] != 0; i = (i + 1) & mask) {
    if (((slots_[i] ^ hash) & kHighHalf) != 0) continue;
    const SeriesRef candidate(static_cast<uint32_t>(slots_[i]) - 1);
    Series* const series = At(candidate);
    if (series->hash() == hash && postings_.SameLabels(series->pair_ids(), labels)) {
      *ref = candidate;
      return series;
    }
  }
  return nullptr;
}

uint8_t SeriesTable::FreeIdOffset(uint64_t hash) const {
  // Ids taken by label sets of the same hash; sets of a neighbouring hash may collide with an
  // offset id, which the 2^64 space makes a theoretical case that readers resolve by labels.
  uint8_t offset = 0;
  const size_t mask = slots_.size() - 1;
  for (size_t i = hash & mask; slots_[i] != 0; i = (i + 1) & mask) {
    if (((slots_[i] ^ hash) & kHighHalf) != 0) continue;
    const Series* const series = At(SeriesRef(static_cast<uint32_t>(slots_[i]) - 1));
    if (series->hash() == hash) {
      offset = std::max<uint8_t>(offset, static_cast<uint8_t>(series->id_offset + 1));
    }
  }
  return offset;
}

Series* SeriesTable::Place(SeriesRef ref, uint64_t hash, uint8_t id_offset, LabelsView labels) {
  const size_t slab = ref.number >> kSlabBits;
  if (slab >= slabs_.size()) slabs_.resize(slab + 1);
  if (slabs_[slab].series == nullptr) {
    slabs_[slab].series = std::make_unique<Series[]>(kSlabSize);
    ++slab_count_;
  }
  postings_.Add(ref, labels, &scratch_pairs_);
  ++slabs_[slab].live;
  Series& series = slabs_[slab].series[ref.number & (kSlabSize - 1)];
  series.id = hash + id_offset;
  series.id_offset = id_offset;
  series.pair_count = static_cast<uint16_t>(scratch_pairs_.size());
  // One more so that a series without labels is in use, too.
  series.pairs = std::make_unique<PairId[]>(std::max<size_t>(1, scratch_pairs_.size()));
  std::copy(scratch_pairs_.begin(), scratch_pairs_.end(), series.pairs.get());
  InsertSlot(hash, ref);
  next_ref_ = std::max<uint64_t>(next_ref_, uint64_t{ref.number} + 1);
  return &series;
}

Series* SeriesTable::Add(uint64_t hash, LabelsView labels, SeriesRef* ref) {
  if (next_ref_ >= UINT32_MAX) return nullptr;
  *ref = SeriesRef(static_cast<uint32_t>(next_ref_));
  return Place(*ref, hash, FreeIdOffset(hash), labels);
}

Status SeriesTable::AddAs(SeriesRef ref, uint64_t hash, uint8_t id_offset, LabelsView labels) {
  SeriesRef known;
  if (At(ref) != nullptr || Find(hash, labels, &known) != nullptr) {
    return Status::AlreadyExists("adding series " + std::to_string(ref.number));
  }
  Place(ref, hash, id_offset, labels);
  return Status::Ok();
}

void SeriesTable::SkipTo(SeriesRef ref) {
  next_ref_ = std::max<uint64_t>(next_ref_, uint64_t{ref.number} + 1);
}

void SeriesTable::Remove(std::span<const SeriesRef> dead) {
  if (dead.empty()) return;
  std::vector<DeadSeries> entries;
  entries.reserve(dead.size());
  for (const SeriesRef ref : dead) {
    const Series* const series = At(ref);
    CHECK(series != nullptr && series->pieces == nullptr);
    EraseSlot(series->hash(), ref);
    entries.push_back({ref, series->pair_ids()});
  }
  postings_.Remove(entries);
  for (const SeriesRef ref : dead) {
    Slab& slab = slabs_[ref.number >> kSlabBits];
    slab.series[ref.number & (kSlabSize - 1)] = Series();
    if (--slab.live == 0) {
      slab.series.reset();
      --slab_count_;
    }
  }
  if (size() * 8 < slots_.size()) {
    Rehash(std::max<size_t>(64, std::bit_ceil(size() * 2)));
  }
}

void SeriesTable::InsertSlot(uint64_t hash, SeriesRef ref) {
  // `size()` counts this series already.
  if (size() * 4 > slots_.size() * 3) Rehash(slots_.size() * 2);
  const size_t mask = slots_.size() - 1;
  size_t i = hash & mask;
  while (slots_[i] != 0) i = (i + 1) & mask;
  slots_[i] = (hash & kHighHalf) | (uint64_t{ref.number} + 1);
}

void SeriesTable::EraseSlot(uint64_t hash, SeriesRef ref) {
  const size_t mask = slots_.size() - 1;
  size_t hole = hash & mask;
  while (static_cast<uint32_t>(slots_[hole]) != ref.number + 1) {
    CHECK(slots_[hole] != 0);
    hole = (hole + 1) & mask;
  }
  // Backward shift: what would no longer be found from its own first slot moves into the hole.
  for (size_t i = (hole + 1) & mask; slots_[i] != 0; i = (i + 1) & mask) {
    const Series* const series = At(SeriesRef(static_cast<uint32_t>(slots_[i]) - 1));
    const size_t home = series->hash() & mask;
    if (((i - home) & mask) >= ((i - hole) & mask)) {
      slots_[hole] = slots_[i];
      hole = i;
    }
  }
  slots_[hole] = 0;
}

void SeriesTable::Rehash(size_t slot_count) {
  std::vector<Slot> old(slot_count);
  old.swap(slots_);
  const size_t mask = slot_count - 1;
  for (const Slot slot : old) {
    if (slot == 0) continue;
    const Series* const series = At(SeriesRef(static_cast<uint32_t>(slot) - 1));
    size_t i = series->hash() & mask;
    while (slots_[i] != 0) i = (i + 1) & mask;
    slots_[i] = slot;
  }
}

uint64_t SeriesTable::memory_bytes() const {
  return postings_.memory_bytes() + slab_count_ * kSlabSize * sizeof(Series) +
         slots_.size() * sizeof(Slot) + slabs_.size() * sizeof(slabs_[0]) + size() * 32;
}

}  // namespace thermocline
