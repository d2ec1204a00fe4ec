#include "index/ref_list.h"

#include <algorithm>
#include <new>

#include "base/check.h"

namespace thermocline {
namespace {

// Doubles while small; by a quarter once the waste would count.
uint32_t GrownCapacity(uint32_t capacity) {
  if (capacity < 4) return 4;
  if (capacity < 4096) return capacity * 2;
  CHECK(capacity < UINT32_MAX / 2);
  return capacity + capacity / 4;
}

}  // namespace

void RefList::Insert(SeriesRef series) {
  if (size_ == (capacity_ == 0 ? kInside : capacity_)) Reallocate(GrownCapacity(capacity_));
  SeriesRef* const begin = data();
  SeriesRef* place = begin + size_;
  if (size_ > 0 && series < place[-1]) {
    place = std::lower_bound(begin, begin + size_, series);
    std::memmove(place + 1, place, static_cast<size_t>(begin + size_ - place) * sizeof(SeriesRef));
  }
  *place = series;
  ++size_;
}

void RefList::Remove(std::span<const SeriesRef> dead) {
  SeriesRef* const begin = data();
  size_t kept = 0;
  auto next = dead.begin();
  for (size_t i = 0; i < size_; ++i) {
    while (next != dead.end() && *next < begin[i]) ++next;
    if (next == dead.end() || *next != begin[i]) begin[kept++] = begin[i];
  }
  size_ = static_cast<uint32_t>(kept);
  if (capacity_ > 4 && size_ < capacity_ / 4) Reallocate(std::max(size_, kInside));
}

void RefList::Reallocate(uint32_t capacity) {
  SeriesRef* const old = data();
  const bool was_inside = capacity_ == 0;
  if (capacity <= kInside) {
    if (was_inside) return;
    SeriesRef kept[kInside];
    std::copy_n(old, size_, kept);
    std::memcpy(inside_, kept, sizeof(kept));
    capacity_ = 0;
  } else {
    auto* heap =
        static_cast<SeriesRef*>(::operator new(static_cast<size_t>(capacity) * sizeof(SeriesRef)));
    std::memcpy(heap, old, size_ * sizeof(SeriesRef));
    std::memcpy(inside_, &heap, sizeof(heap));
    capacity_ = capacity;
  }
  if (!was_inside) ::operator delete(old);
}

void RefList::Free() {
  if (capacity_ > 0) ::operator delete(Heap());
}

}  // namespace thermocline
