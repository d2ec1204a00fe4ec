// The series of a head: numbers, label pairs, pieces; and the way from a label set to its series.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/ids.h"
#include "base/mutex.h"
#include "head/piece.h"
#include "index/postings.h"
#include "model/labels.h"

namespace thermocline {

// One series, a cache line. What is not marked otherwise is guarded by the stripe of its number.
struct alignas(64) Series {
  uint64_t id = 0;                  // set at creation
  std::unique_ptr<PairId[]> pairs;  // set at creation
  uint16_t pair_count = 0;          // set at creation
  uint8_t id_offset = 0;            // set at creation: id - hash of the labels
  bool published : 1 = false;       // a request that it came with is settled
  bool has_newest : 1 = false;      // newest_* hold its newest in-order sample
  uint8_t newest_kind : 2 = 0;      // a SampleKind
  uint32_t death_round = 0;         // of the newest attempt to remove it; the head's admit lock
  TimestampMs newest_ms = 0;
  double newest_value = 0;  // of a histogram its sum
  Piece* pieces = nullptr;  // newest range first
  // Addresses that the next admission is likely to touch: prefetched without the stripe and never
  // followed, for what was there may be gone. Of the head's admit lock.
  union {
    const void* piece_hint = nullptr;
    uint64_t replayed_lsn;  // in replay, which needs no hints: the last record that defined it
  };
  const void* sample_hint = nullptr;

  std::span<const PairId> pair_ids() const { return {pairs.get(), pair_count}; }
  uint64_t hash() const { return id - id_offset; }
  SampleKind kind() const { return static_cast<SampleKind>(newest_kind); }
  void SetNewest(const NewestSample& sample) {
    has_newest = true;
    newest_ms = sample.timestamp_ms;
    newest_value = sample.value;
    newest_kind = static_cast<uint8_t>(sample.kind) & 3;
  }
};
static_assert(sizeof(Series) == 64);

// Whether a sample at the series' newest time is its newest sample once more. Of a histogram that
// the cold tier took, kind and sum are all that is known. The stripe is held.
bool RepeatsNewest(const Series& series, double value, const SampleExtra& extra);

// The piece of the range that takes samples, made if need be. The list stays newest first, and a
// frozen piece of the same range behind the fresh one.
Piece& OpenPiece(Series& series, TimestampMs start_ms, bool* made);

// Threads: Add and Remove need the head's admit lock and its index lock for writing; everything
// else needs either of them. The content of a Series has its stripe.
class SeriesTable {
 public:
  static constexpr size_t kStripes = 256;

  SeriesTable() = default;
  ~SeriesTable();
  SeriesTable(const SeriesTable&) = delete;
  SeriesTable& operator=(const SeriesTable&) = delete;

  // The series with these labels; null when there is none.
  Series* Find(uint64_t hash, LabelsView labels, SeriesRef* ref) const;
  // Fetches what Find(hash) and the staging after it will touch: call the first well before the
  // second, and that well before Find.
  void Prefetch(SeriesRef ref) const {
    const size_t slab = ref.number >> kSlabBits;
    if (slab >= slabs_.size() || slabs_[slab].series == nullptr) return;
    __builtin_prefetch(&slabs_[slab].series[ref.number & (kSlabSize - 1)]);
  }
  void PrefetchSlot(uint64_t hash) const;
  void PrefetchSeries(uint64_t hash) const;
  void PrefetchPairs(uint64_t hash) const;

  // Adds a series that is not there, under the next number; null when the numbers are used up.
  Series* Add(uint64_t hash, LabelsView labels, SeriesRef* ref);
  // Adds it under a number that the log gave. AlreadyExists when the number or the labels are used.
  Status AddAs(SeriesRef ref, uint64_t hash, uint8_t id_offset, LabelsView labels);
  // `dead` ascending; none holds a piece.
  void Remove(std::span<const SeriesRef> dead);
  // No series gets a number up to this one any more.
  void SkipTo(SeriesRef ref);

  // Null when the number is not in use.
  Series* At(SeriesRef ref) const;
  Mutex& StripeOf(SeriesRef ref) const { return stripes_[ref.number % kStripes].mutex; }

  const Postings& postings() const { return postings_; }
  size_t size() const { return postings_.series_count(); }
  uint64_t memory_bytes() const;

 private:
  // The series of a slab are 32 KiB, a size class of the allocator.
  static constexpr uint32_t kSlabBits = 9;
  static constexpr uint32_t kSlabSize = 1u << kSlabBits;
  struct Slab {
    std::unique_ptr<Series[]> series;  // pairs == null: not in use
    uint32_t live = 0;
  };
  struct alignas(64) Stripe {
    Mutex mutex;
  };
  // The high half is the hash's high half, the low half the number plus 1; 0 = empty. The slot
  // searched first is the low bits of the hash.
  using Slot = uint64_t;

  // The series that the slot searched first for `hash` names; null when it is empty.
  const Series* FirstCandidate(uint64_t hash) const;
  Series* Place(SeriesRef ref, uint64_t hash, uint8_t id_offset, LabelsView labels);
  uint8_t FreeIdOffset(uint64_t hash) const;
  void InsertSlot(uint64_t hash, SeriesRef ref);
  void EraseSlot(uint64_t hash, SeriesRef ref);
  void Rehash(size_t slot_count);

  mutable std::vector<Stripe> stripes_{kStripes};
  std::vector<Slab> slabs_;
  std::vector<Slot> slots_ = std::vector<Slot>(64);
  uint64_t next_ref_ = 0;
  size_t slab_count_ = 0;
  Postings postings_;
  std::vector<PairId> scratch_pairs_;
};

}  // namespace thermocline
